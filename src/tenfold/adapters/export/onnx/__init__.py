"""ONNX from the layer graph: every layer is written as the operators that compute it, without running the network."""

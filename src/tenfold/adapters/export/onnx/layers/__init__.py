"""The layers of the vocabulary in ONNX, a module a family."""

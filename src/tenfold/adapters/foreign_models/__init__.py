"""Models that were trained elsewhere, as ONNX: what is refused, what can be seen, and how one is made to fit."""

"""What a download holds."""

from __future__ import annotations

from collections.abc import Mapping

CONTENTS: Mapping[str, str] = {
    "MODEL_CARD.md": "what the model is, what it was trained on, how good it is",
    "predict.py": "classifies pictures; needs only onnxruntime, numpy and Pillow",
    "model.onnx": "the network with its weights, in one file; gives probabilities",
    "model.safetensors": "the weights by layer",
    "network.network": "the network's text",
    "preprocessing.json": "from the bytes of a picture to the network's input, as a list of operations",
    "labels.txt": "the classes, one a line, in the order of the outputs",
    "metrics.json": "what the test said, with every figure",
    "versions.json": "what it was made with",
    "LICENSE": "the terms of predict.py; the weights belong to whoever trained them",
}

"""What a download holds."""

from __future__ import annotations

from collections.abc import Container, Mapping

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
ORIGIN_FILE = "origin.json"
FOREIGN_CONTENTS: Mapping[str, str] = {
    "MODEL_CARD.md": "what the model is and where it comes from",
    "predict.py": CONTENTS["predict.py"],
    "model.onnx": "the network with its weights; takes float32 images (N, C, H, W) and gives probabilities",
    "preprocessing.json": CONTENTS["preprocessing.json"],
    "labels.txt": CONTENTS["labels.txt"],
    ORIGIN_FILE: "the file that it came as, and what was found in it",
    "LICENSE": "the terms of predict.py; the model belongs to whoever trained it",
}
"""Of a model that was trained elsewhere."""
NETWORK_FILE, PYTHON_FILE = "network.network", "network.py"


def contents(*, is_python: bool) -> Mapping[str, str]:
    """What the download of a model holds; of a network of Python its source in place of a text."""
    if not is_python:
        return CONTENTS
    named = {NETWORK_FILE: (PYTHON_FILE, "the network's source, for PyTorch; nothing else here executes it")}
    return dict(named.get(name, (name, about)) for name, about in CONTENTS.items())


def network_file(files: Container[str]) -> str:
    """The name of the network's text among the files of a model."""
    return PYTHON_FILE if PYTHON_FILE in files else NETWORK_FILE

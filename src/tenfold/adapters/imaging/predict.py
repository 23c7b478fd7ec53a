"""Classifies pictures with this model. Needs only onnxruntime, numpy and Pillow:

    pip install onnxruntime numpy pillow
    python predict.py PICTURE...

or from Python:

    from predict import Model
    print(Model().classify("picture.jpg"))
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

from tenfold.adapters.imaging.reference import UnreadablePicture, read_pixels

NUM_SHOWN = 5


class Model:
    """The model in a folder, which is this file's unless another is named."""

    def __init__(self, folder: str | Path | None = None) -> None:
        root = Path(folder) if folder is not None else Path(__file__).resolve().parent
        self.labels = (root / "labels.txt").read_text("utf-8").rstrip("\n").split("\n")
        self._operations = json.loads((root / "preprocessing.json").read_text("utf-8"))["operations"]
        self._session = onnxruntime.InferenceSession(str(root / "model.onnx"), providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def classify(self, picture: str | Path | bytes) -> list[tuple[str, float]]:
        """All classes of a picture file, or of its bytes, with their probabilities, most likely first."""
        data = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
        probabilities = self._session.run(None, {self._input: self.prepare(data)})[0][0]
        order = np.argsort(-probabilities, kind="stable")
        return [(self.labels[place], float(probabilities[place])) for place in order]

    def prepare(self, data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        """The bytes of a picture file as the network's input: float32, 1 x channels x height x width."""
        array = read_pixels(data, self._operations).astype(np.float32)
        for operation in self._operations[2:]:
            if operation["op"] == "scale":
                array /= np.float32(operation["divide_by"])
            else:
                array -= np.asarray(operation["mean"], np.float32)
                array /= np.asarray(operation["std"], np.float32)
        return np.ascontiguousarray(array.transpose(2, 0, 1)[None])


def main(pictures: list[str]) -> int:
    """Prints the likeliest classes of each picture; 0 if all could be read."""
    if not pictures:
        print("usage: python predict.py PICTURE...", file=sys.stderr)
        return 2
    model = Model()
    failed = False
    for picture in pictures:
        try:
            ranked = model.classify(picture)
        except (OSError, UnreadablePicture) as error:
            print(f"{picture}: {error}", file=sys.stderr)
            failed = True
            continue
        print(picture)
        for label, probability in ranked[:NUM_SHOWN]:
            print(f"  {probability:8.4%}  {label}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

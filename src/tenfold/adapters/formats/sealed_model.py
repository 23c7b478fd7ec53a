"""A model's folder from what a process left that executed code of others: its data is copied, the rest is written.

Such a process can put into its result whatever it likes. Its tensors and its ONNX file are data, its figures are its
word, and of nothing else in its folder is any use made.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from tenfold.adapters.formats.model_folder import FIGURES, ONNX, WEIGHTS, as_json, figures_of, write_texts
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.errors import Damaged
from tenfold.core.events import require_plain
from tenfold.core.export.trained_model import TrainedModel
from tenfold.core.training.custom import num_values
from tenfold.core.training.task import Evaluation

MOST_FIGURES_BYTES = 64 << 20
MOST_ONNX_BYTES = 2 << 30
"""As protobuf counts the length of a file."""
_MANIFEST = "manifest.sha256.json"
_MOST_MANIFEST_BYTES = 1 << 20
_PIECE = 1 << 22


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a training says of its own result; `difference` is that of its ONNX file."""

    evaluation: Evaluation | None
    tested_on: str
    step: int
    epochs: float
    difference: float


@dataclass(frozen=True)
class Result:
    """What a training has left, as data. `manifest` is the sha256 of the list of its files."""

    folder: Path
    manifest: str

    def read_figures(self, likeness: Evaluation) -> Figures:
        """Its figures, which have to look like those of its task; raises `Damaged`."""
        try:
            told = json.loads(self._content(FIGURES, MOST_FIGURES_BYTES))
            require_plain(told)
            return _figures(told, likeness)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise Damaged(f"{FIGURES} of the run says what cannot be: {error}.") from None

    def copy_data(self, folder: Path) -> int:
        """Copies tensors and ONNX file, and returns how many numbers were trained; raises `Damaged`, `StorageFull`."""
        sums = self._sums()
        for name, most in ((WEIGHTS, shutil.disk_usage(folder).free), (ONNX, MOST_ONNX_BYTES)):
            with self._opened(name, most) as source, (folder / name).open("xb") as copy:
                if _copy(source, copy) != sums.get(name):
                    raise Damaged(f"{name} of the run is not as it was published.", file=name)
        return _count(folder / WEIGHTS)

    def _sums(self) -> Mapping[str, str]:
        raw = self._content(_MANIFEST, _MOST_MANIFEST_BYTES)
        if hashlib.sha256(raw).hexdigest() != self.manifest:
            raise Damaged("The manifest of the run's result is not the one that was published.")
        try:
            return {name: str(about["sha256"]) for name, about in json.loads(raw).items()}
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
            raise Damaged("The manifest of the run's result is not readable.") from None

    def _content(self, name: str, most: int) -> bytes:
        with self._opened(name, most) as file:
            return file.read(most)

    def _opened(self, name: str, most: int) -> BinaryIO:
        """A file of at most so many bytes, and no link to one, nor a pipe."""
        try:
            number = os.open(self.folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise Damaged(f"The run left no {name}: {error.strerror}.", file=name) from None
        file = os.fdopen(number, "rb")
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            file.close()
            raise Damaged(f"{name} of the run is no file of at most {most:,} bytes.", file=name)
        return file


def seal_model(model: TrainedModel, difference: float, folder: Path, *, script: Callable[[Preprocessing], str]) -> None:
    """Writes beside the data what else a model's folder holds; `script` gives `predict.py`."""
    (folder / FIGURES).write_text(as_json(figures_of(model, difference)), "utf-8")
    write_texts(model, folder, script)


def _figures(told: Mapping[str, Any], likeness: Evaluation) -> Figures:
    evaluation = None
    if told["metrics"] or told["report"]:
        _require_like(told["metrics"], likeness.metrics, "metrics")
        _require_like(told["report"], likeness.report, "report")
        evaluation = Evaluation(told["metrics"], told["report"])
    if told["tested_on"] not in {"test", "val"} or type(told["step"]) is not int or told["step"] < 0:
        raise ValueError("it names no split and step")
    numbers = [float(told[name]) for name in ("epochs", "onnx_difference")]
    if not all(math.isfinite(number) and number >= 0 for number in numbers):
        raise ValueError("a number in it is none to work with")
    epochs, difference = numbers
    return Figures(
        evaluation=evaluation, tested_on=told["tested_on"], step=told["step"], epochs=epochs, difference=difference
    )


def _require_like(told: object, like: object, name: str, *, in_row: bool = False) -> None:
    """Raises `ValueError` where a value has other parts than what it should look like; a row may lack numbers."""
    if isinstance(like, Mapping):
        if not isinstance(told, Mapping) or told.keys() != like.keys():
            raise ValueError(f"`{name}` has other parts than it should have")
        for each, value in like.items():
            _require_like(told[each], value, f"{name}.{each}", in_row=in_row)
    elif isinstance(like, list | tuple):
        if not isinstance(told, list) or len(told) != len(like):
            raise ValueError(f"`{name}` is no list of {len(like)}")
        for value, wanted in zip(told, like, strict=True):
            _require_like(value, wanted, name, in_row=isinstance(wanted, Mapping))
    elif isinstance(like, str):
        if told != like:
            raise ValueError(f"`{name}` is {told!r:.40}, not {like!r:.40}")
    elif type(told) not in {int, float} and not (in_row and told is None):
        raise ValueError(f"`{name}` is {told!r:.40}, which is no number")


def _copy(source: BinaryIO, copy: BinaryIO) -> str:
    """Copies a file, and returns the sha256 of what was copied."""
    digest = hashlib.sha256()
    while piece := source.read(_PIECE):
        digest.update(piece)
        copy.write(piece)
    return digest.hexdigest()


def _count(weights: Path) -> int:
    from safetensors import SafetensorError, safe_open  # noqa: PLC0415  the server rarely needs it

    try:
        with safe_open(weights, framework="np") as opened:
            file = cast("Any", opened)
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  it is no mapping
            kinds = {name: np.float32 if "F" in each.get_dtype() else np.int64 for name, each in slices.items()}
            return num_values(
                {name: np.broadcast_to(kinds[name](0), each.get_shape()) for name, each in slices.items()}
            )
    except (SafetensorError, ValueError) as error:
        raise Damaged(f"{weights.name} of the run cannot be read: {error}", file=weights.name) from None

"""Writes a model that was trained elsewhere as a folder: what its download holds."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tenfold.adapters.formats.model_folder import LICENCE, TERMS
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.errors import BadModel
from tenfold.core.export.contents import ORIGIN_FILE
from tenfold.core.export.foreign import TakenModel, foreign_card
from tenfold.core.inference.importing import LIMITS, MODEL_FILE

_BLOCK = 1 << 22


@dataclass(frozen=True, kw_only=True)
class ForeignFolderWriter:
    """Fulfils `tenfold.core.export.foreign.ForeignModelWriter`; `predict_script` gives the text of `predict.py`."""

    predict_script: Callable[[Preprocessing], str]

    def __call__(self, model: TakenModel, graph: Path, folder: Path) -> None:
        with _plain_file(graph) as source, (folder / MODEL_FILE).open("wb") as target:
            shutil.copyfileobj(source, target, _BLOCK)
        texts = {
            "labels.txt": "".join(f"{label}\n" for label in model.labels),
            "preprocessing.json": _json(model.preprocessing.to_json()),
            ORIGIN_FILE: _json(model.origin),
            "predict.py": self.predict_script(model.preprocessing),
            "MODEL_CARD.md": foreign_card(model),
            "LICENSE": TERMS + LICENCE.read_text("utf-8"),
        }
        for name, text in texts.items():
            (folder / name).write_text(text, "utf-8")


@contextmanager
def _plain_file(path: Path) -> Iterator[BinaryIO]:
    """What a process left that ran a foreign graph: no link and no pipe is followed."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        raise BadModel("The worker left no model.", code="model.killed") from None
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or not 0 < about.st_size <= (LIMITS.file_bytes or 0):
            raise BadModel("The worker left what is no model.", code="model.killed")
        yield file


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

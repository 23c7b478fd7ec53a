"""The folder of a model that was trained elsewhere: what it holds, and its card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.events import Json
from tenfold.core.export.contents import FOREIGN_CONTENTS
from tenfold.core.export.model_card import joined, plain, preprocessing_lines, usage_lines
from tenfold.core.inference.importing import ForeignModel


@dataclass(frozen=True, kw_only=True)
class TakenModel:
    """A model that a worker took in; `origin` is the name, hash and size of the file that was sent, and what it is."""

    name: str
    found: ForeignModel
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    origin: dict[str, Json]


class ForeignModelWriter(Protocol):
    """Writes the folder of a model that was trained elsewhere."""

    def __call__(self, model: TakenModel, graph: Path, folder: Path) -> None:
        """`graph` is what the worker wrote, and not trusted: raises `BadModel` for what is no plain file.

        `folder` is there and empty. Raises `StorageFull`.
        """


def foreign_card(model: TakenModel) -> str:
    """The card in Markdown."""
    preprocessing = model.preprocessing
    files = [f"* `{name}`: {about}" for name, about in FOREIGN_CONTENTS.items()]
    return joined(
        [
            (f"# {plain(model.name)}", _summary(model)),
            ("## Where it comes from", _origin(model)),
            ("## What is done to a picture", preprocessing_lines(preprocessing)),
            ("## How to use it", usage_lines(preprocessing)),
            ("## Files", files),
        ]
    )


def _summary(model: TakenModel) -> list[str]:
    found = model.found
    colours = "grey" if found.channels == 1 else "colour"
    return [
        f"A classification model with {found.classes:,} classes and {found.parameters:,} weights. It takes {colours} "
        f"pictures of {found.width} x {found.height} pixels."
    ]


def _origin(model: TakenModel) -> list[str]:
    by = f", made by {plain(model.found.producer)}" if model.found.producer else ""
    return [
        f"It was trained elsewhere and came as {plain(str(model.origin['name']))}{by}, sha256 "
        f"`{model.origin['sha256']}`. What it was trained on, and how good it is, is not known here.",
        "",
        f"Nodes were put before and behind its graph: they turn the input into its own layout and type, and its output "
        f"into probabilities ({plain(model.found.output)}: {plain(model.found.says_output)}).",
    ]

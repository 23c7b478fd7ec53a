"""Labels as sources tell them: texts that mean a class, several classes or a number, and weights."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from tenfold.core.datasets.class_names import class_name_of
from tenfold.core.datasets.model import ONE_CLASS, LabelKind, RejectedFile
from tenfold.core.datasets.ports import Find, SourceFile

SEPARATORS = ("|", ";")
MAX_SHOWN = 60
_JOINT = "\x1f"  # no name of a class has a control character
_PARTED = re.compile(r"[|;]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def labelled(finds: Iterable[Find], kind: LabelKind) -> Iterator[Find]:
    """What a source found, with labels of this kind; a file that tells its class alone is read by that text.

    A file whose text is no such label becomes a rejected one.
    """
    if kind in ONE_CLASS:
        return iter(finds)
    return (_labelled(find, kind) if isinstance(find, SourceFile) else find for find in finds)


def read_number(text: str) -> float | None:
    """A finite number as programs write it, with a point; `None` for anything else."""
    stripped = text.strip()
    if len(stripped) > MAX_SHOWN or not _NUMBER.fullmatch(stripped):
        return None
    number = float(stripped) + 0.0  # no negative zero
    return number if math.isfinite(number) else None


def read_weight(text: str) -> float | None:
    """A weight above zero that 32 bits can hold; `None` for anything else."""
    number = read_number(text)
    if number is None or not 0 < number < float(np.finfo(np.float32).max):
        return None
    weight = float(np.float32(number))
    return weight if weight > 0 else None


def read_classes(text: str) -> tuple[str, ...] | None:
    """The classes that a text names, parted by | or ; or as a JSON list; none in an empty one.

    `None` where a name in it cannot be one of a class.
    """
    stripped = text.strip()
    if stripped.startswith("["):
        try:
            listed = json.loads(stripped)
        except (ValueError, RecursionError):
            listed = None
        if isinstance(listed, list) and all(isinstance(each, str) for each in listed):
            return class_names_of(listed)
    return class_names_of(part for part in _PARTED.split(stripped) if part.strip())


def class_names_of(texts: Iterable[str]) -> tuple[str, ...] | None:
    """Names of classes, each once and sorted; `None` where one is none."""
    names = [class_name_of(text) for text in texts]
    known = [name for name in names if name is not None]
    return tuple(sorted(set(known))) if len(known) == len(names) else None


def write_classes(names: Sequence[str]) -> str:
    """A text that `read_classes` reads back: names parted by |, or a JSON list where one has a separator in it."""
    if any(mark in name for name in names for mark in SEPARATORS) or (names and names[0].startswith("[")):
        return json.dumps(list(names), ensure_ascii=False)
    return "|".join(names)


def join_classes(names: Iterable[str]) -> str:
    """The one text that stands for a set of classes."""
    return _JOINT.join(sorted(set(names)))


def split_classes(text: str) -> tuple[str, ...]:
    """The classes that `join_classes` joined."""
    return tuple(text.split(_JOINT)) if text else ()


def _labelled(file: SourceFile, kind: LabelKind) -> Find:
    if kind == "number" and file.value is None:
        number = read_number(file.class_name)
        if number is None:
            return not_a_number(file.path, file.class_name)
        return replace(file, class_name="", value=number)
    if kind == "classes" and file.classes is None:
        names = read_classes(file.class_name)
        if names is None:
            text = f"{file.class_name[:MAX_SHOWN]!r} does not name classes: part them by | or ; ."
            return RejectedFile(file.path, "label.classes", text)
        return replace(file, class_name="", classes=names)
    return file


def not_a_number(path: str, text: str) -> RejectedFile:
    """A file whose label should be a number and is none."""
    words = f"The label {text[:MAX_SHOWN]!r} is no number: a finite one with a point is expected, as in 3.5."
    return RejectedFile(path, "label.number", words)

"""Arrays within files, by name: which hold pictures, which their labels, and which split they are of."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.layouts import split_of_name
from tenfold.core.datasets.model import Split
from tenfold.core.errors import BadDataset

Array = npt.NDArray[Any]
_PICTURES = frozenset(["x", "images", "image", "data", "pixels", "pixel", "img", "imgs", "pictures", "features"])
_LABELS = frozenset(["y", "labels", "label", "target", "targets", "class"])
_NAMES = frozenset(("class_names", "classnames", "label_names", "target_names", "classes", "categories"))


@dataclass(frozen=True)
class NamedArray:
    """An array by its `name` in a `file`; `dtype` is `None` for texts.

    `load` maps it, unpacking it first where it must.
    """

    file: str
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None
    load: Callable[[], Array]

    @property
    def path(self) -> str:
        """File and name as samples are called by."""
        return f"{self.file}/{self.name}" if self.name else self.file

    @property
    def split(self) -> Split | None:
        return split_of_name(self.name) or split_of_name(self.file)

    @property
    def num_bytes(self) -> int:
        return math.prod(self.shape) * (self.dtype.itemsize if self.dtype is not None else 1)

    def is_called(self, words: frozenset[str]) -> bool:
        """Whether one of the words is in its own name; in the file's, if its own says nothing."""
        own, other = _words(self.name), _words(self.file)
        says_nothing = not own & (_PICTURES | _LABELS) and self.name.casefold() not in _NAMES
        return bool((other if says_nothing else own) & words)


@dataclass(frozen=True)
class ArrayPart:
    """Pictures with as many labels."""

    pictures: NamedArray
    labels: NamedArray
    split: Split | None


def paired(arrays: Sequence[NamedArray]) -> list[ArrayPart]:
    """Pictures with their labels, first within each file, then across files of the same split.

    Two arrays that say nothing by their names are told apart by their axes. Raises `BadDataset` where numbers differ.
    """
    labels = [each for each in arrays if each.is_called(_LABELS) and _may_be_labels(each)]
    pictures = [each for each in arrays if each.is_called(_PICTURES) and each not in labels and _may_be_pictures(each)]
    if not labels and not pictures and len(arrays) == 2:
        pictures, labels = (
            [each for each in arrays if _may_be_pictures(each)],
            [each for each in arrays if _may_be_labels(each) and len(each.shape) == 1],
        )
    parts = []
    for each in pictures:
        own = next(_labels_of(each, labels), None)
        if own is not None:
            _check_lengths(each, own)
            parts.append(ArrayPart(each, own, each.split or own.split))
    return parts


def find_class_names(arrays: Sequence[NamedArray]) -> NamedArray | None:
    """An array of texts that names the classes."""
    named = (each for each in arrays if each.name.casefold().rpartition("/")[2] in _NAMES and len(each.shape) == 1)
    return next((each for each in named if each.dtype is None or each.dtype.kind in "SU"), None)


def _labels_of(pictures: NamedArray, labels: Sequence[NamedArray]) -> Iterator[NamedArray]:
    here = [each for each in labels if each.file == pictures.file]
    for candidates in (here, labels):
        yield from (each for each in candidates if each.split == pictures.split and _rest(each) == _rest(pictures))
        yield from (each for each in candidates if each.split == pictures.split)


def _rest(array: NamedArray) -> frozenset[str]:
    """What a name holds beside words for roles and kinds of files."""
    words = _words(array.name) | _words(array.file)
    return frozenset(word for word in words - _PICTURES - _LABELS if not re.fullmatch(r"idx\d|ubyte|gz|npy|npz", word))


def _words(name: str) -> frozenset[str]:
    return frozenset(re.split(r"[^0-9a-z]+", name.casefold()))


def _may_be_pictures(array: NamedArray) -> bool:
    return array.dtype is not None and array.dtype.kind in "biuf" and 2 <= len(array.shape) <= 4


def _may_be_labels(array: NamedArray) -> bool:
    return (array.dtype is None or array.dtype.kind in "biufSU") and 1 <= len(array.shape) <= 2


def _check_lengths(pictures: NamedArray, labels: NamedArray) -> None:
    if pictures.shape[0] != labels.shape[0]:
        text = f"{pictures.path} has {pictures.shape[0]:,} pictures, {labels.path} {labels.shape[0]:,} labels."
        raise BadDataset(text, code="arrays.length")

"""Pictures and labels that lie in arrays, whatever files these are in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from tenfold.adapters.formats.files.named_arrays import ArrayPart, NamedArray
from tenfold.adapters.formats.layouts.array_pictures import Array, Axes, ValueRange, axes_of, picture_bytes, range_of
from tenfold.adapters.formats.layouts.class_names import UNNAMED, ClassNames
from tenfold.core.datasets.class_names import class_name_of
from tenfold.core.datasets.label_texts import not_a_number, read_number
from tenfold.core.datasets.layouts import MAX_SHOWN_CLASSES, Look, SplitCount
from tenfold.core.datasets.model import LabelKind
from tenfold.core.datasets.ports import Find, Note, ShouldStop, SourceFile, never
from tenfold.core.errors import BadDataset, BadImage

_AT_ONCE = 4096


class ArraySource:
    """Fulfils `SampleSource` over arrays of pictures and of labels; each picture is offered as a PGM, PPM or PNG file.

    Labels are numbers, of `class_names` if there are any, or texts, or a column for every class, in which several may
    be set where a picture may have several classes.
    """

    files: None = None

    def __init__(
        self,
        parts: Sequence[ArrayPart],
        *,
        class_names: ClassNames = UNNAMED,
        names: NamedArray | None = None,
        channels_first: bool = False,
        notes: Sequence[str] = (),
        kind: LabelKind = "class",
    ) -> None:
        self._kind = kind
        self._parts = tuple(parts)
        self._given_names = class_names
        self._names = names
        self._notes = tuple(notes)
        self._axes: dict[str, Axes] = {
            part.pictures.path: axes_of(part.pictures.shape, part.pictures.path, prefer_first=channels_first)
            for part in parts
        }
        self._by_path = {part.pictures.path: part for part in parts}

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:
        yield from (Note(text) for text in self._all_notes())
        for part in self._parts:
            is_wide = len(part.labels.shape) == 2 and part.labels.shape[1] > 1
            labels = part.labels.load()
            extension = self._extension(part)
            for start in range(0, len(labels), _AT_ONCE):
                block = _as_labels(labels[start : start + _AT_ONCE], is_wide, self._kind)
                for number, label in enumerate(block, start):
                    if should_stop():
                        return
                    yield self._find(f"{part.pictures.path}/{number:07d}{extension}", label, part, use_splits)

    def read(self, path: str) -> bytes:
        name, _, number = path.rpartition("/")
        part, digits = self._by_path.get(name), number.partition(".")[0]
        if part is None or not (digits.isascii() and digits.isdecimal() and len(digits) < 15):
            raise BadImage(f"There is no picture {path}.", code="file.vanished")
        if int(digits) >= part.pictures.shape[0]:
            raise BadImage(f"There is no picture {path}.", code="file.vanished")
        row = part.pictures.load()[int(digits)]
        return picture_bytes(self._range.stored(self._axes[name].picture(row)))

    def look(self) -> Look:
        """Numbers by split, from the shapes alone, and class names where they are given."""
        counts = tuple(SplitCount(part.split, part.pictures.shape[0]) for part in self._parts)
        notes = tuple(dict.fromkeys(axes.note for axes in self._axes.values() if axes.note))
        return Look(counts=counts, classes=self._given_names.names[:MAX_SHOWN_CLASSES], notes=(*self._notes, *notes))

    @cached_property
    def _range(self) -> ValueRange:
        return range_of([part.pictures.load() for part in self._parts])

    @cached_property
    def _class_names(self) -> ClassNames:
        if self._names is None:
            return self._given_names
        texts = (_as_text(value) for value in self._names.load().tolist())
        names = tuple(class_name_of(text) or str(number) for number, text in enumerate(texts))
        return ClassNames(names, self._names.path)

    def _all_notes(self) -> Iterator[str]:
        yield from self.look().notes
        if self._range.note:
            yield self._range.note

    def _extension(self, part: ArrayPart) -> str:
        shape = self._axes[part.pictures.path].shape
        channels = 1 if len(shape) == 2 else shape[0] if self._axes[part.pictures.path].is_first else shape[2]
        return {1: ".pgm", 3: ".ppm"}.get(channels, ".png")

    def _find(self, path: str, label: object, part: ArrayPart, use_splits: bool) -> Find:
        split = part.split if use_splits else None
        if self._kind == "number":
            number = read_number(_as_text(label)) if isinstance(label, int | float | str | bytes) else None
            return SourceFile(path, "", split, value=number) if number is not None else not_a_number(path, repr(label))
        names = [self._class_name(each) for each in label] if isinstance(label, tuple) else None
        if names is not None and None not in names:
            return SourceFile(path, "", split, classes=tuple(sorted({str(name) for name in names})))
        class_name = self._class_name(label)
        if class_name is None:
            return self._class_names.refused(path, _as_text(label))
        return SourceFile(path, class_name, split)

    def _class_name(self, label: object) -> str | None:
        if isinstance(label, str | bytes):
            return class_name_of(_as_text(label))
        if isinstance(label, bool):
            label = int(label)
        if isinstance(label, float) and label.is_integer():
            label = int(label)
        if not isinstance(label, int):
            return None
        return self._class_names.by_number(label) if self._class_names.names else str(label)


def require_parts(parts: Sequence[ArrayPart], what: str) -> None:
    """Raises `BadDataset` when no pictures with labels were found."""
    if not parts:
        text = (
            f"No array of {what} holds pictures with labels beside it: name them x and y, images and labels or data "
            "and label, perhaps with train, val or test."
        )
        raise BadDataset(text, code="arrays.none")


def _as_labels(block: Array, is_wide: bool, kind: LabelKind) -> Sequence[object]:
    """Labels as plain values; of a row with a column for every class, the place of its one, or of all that are set."""
    if not is_wide:
        values: list[object] = block.reshape(len(block)).tolist()
        return values
    if block.dtype.kind not in "biuf" or kind == "number":
        return [None] * len(block)
    is_set = block != 0
    is_told = np.isfinite(block).all(axis=1)
    if kind == "classes":
        is_told &= (~is_set | (block == 1)).all(axis=1)
        return [
            tuple(np.flatnonzero(row).tolist()) if told else None
            for row, told in zip(is_set, is_told.tolist(), strict=True)
        ]
    is_told &= is_set.sum(axis=1) == 1
    places = np.argmax(is_set, axis=1).tolist()
    return [place if one else None for place, one in zip(places, is_told.tolist(), strict=True)]


def _as_text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

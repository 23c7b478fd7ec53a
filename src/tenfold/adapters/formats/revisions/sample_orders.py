"""Which samples fit a filter, in which order: masks over mapped columns, no step of Python a sample."""

from __future__ import annotations

import bisect
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from tenfold.adapters.formats.files.text_column import TextColumn
from tenfold.core.datasets.filtering import BY_CONFIDENCE, RANGED, VALUE, SampleFilter
from tenfold.core.datasets.label_space import has_class
from tenfold.core.datasets.marks import NO_MARKS, Marks
from tenfold.core.datasets.model import DELETED, SPLITS
from tenfold.core.errors import InvalidFields, NotFound, Problem
from tenfold.core.numerals import whole_number

Order = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
MarkT = TypeVar("MarkT", np.int32, np.float32)
KEPT = 4
GOLDEN = np.uint32(2_654_435_769)  # 2^32 divided by the golden ratio: its multiples visit all places evenly
_COLUMNS = {
    "label": "labels",
    "split": "splits",
    "width": "widths",
    "height": "heights",
    "bytes": "sizes",
    "brightness": "brightness",
    "contrast": "contrast",
    "value": "values",
}
_EDITED = ("label", "split")
_BY_CHECKUPS = ("finding", *BY_CONFIDENCE)


class SampleOrders:
    """Finds the samples of one revision. Thread-safe; remembers the last `KEPT` orders, 4 bytes a sample each.

    A cursor names the last sample of a page and, where the order is by what edits change, its value there. It is good
    for every later revision: what was changed meanwhile is neither skipped over nor shown twice.
    """

    def __init__(
        self,
        columns: Mapping[str, npt.NDArray[Any]],
        paths: TextColumn,
        classes: Sequence[str],
        *,
        groups: TextColumn | None = None,
        kept: int = KEPT,
    ) -> None:
        self._columns = columns
        self._groups = groups
        self._paths = paths
        self._classes = {name: code for code, name in enumerate(classes)}
        self._kept = kept
        self._known: OrderedDict[tuple[SampleFilter, str], Order] = OrderedDict()
        self._mutex = threading.Lock()

    def find(self, wanted: SampleFilter, marks: Marks = NO_MARKS) -> Order:
        """The indices of all samples that fit, in order; not to be written to.

        Raises `InvalidFields` for a filter by a finding without the marks of one.
        """
        key = (wanted, marks.key)
        with self._mutex:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return known
        order = self._ordered(wanted, marks)
        order.setflags(write=False)
        with self._mutex:
            self._known[key] = order
            while len(self._known) > self._kept:
                self._known.popitem(last=False)
        return order

    def column(self, name: str) -> npt.NDArray[Any]:
        """The values of one of the columns that a filter knows, as they are mapped; numbers stand for their classes.

        Raises `InvalidFields` for numbers where the dataset has none.
        """
        if name == "label" and "values" in self._columns:
            name = VALUE
        column = self._columns.get(_COLUMNS[name])
        if column is None:
            text = "The pictures of this dataset have no numbers: leave the bounds of them out."
            raise InvalidFields([Problem("min_value", text, "label-kind")])
        return column

    def of_class(self, label: int) -> Mask:
        """Which samples are of a class, be it one of several."""
        sets = self._columns.get("class_sets")
        mask: Mask = self._columns["labels"] == label if sets is None else has_class(sets, label)
        return mask

    def _ordered(self, wanted: SampleFilter, marks: Marks) -> Order:
        mask = self._mask(wanted)
        if wanted.finding is not None:
            listed = _required(marks.found, "finding", "Nothing is known of findings here")
            if wanted.sort == "finding":
                return listed[mask[listed]]
            among = np.zeros(len(mask), np.bool_)
            among[listed] = True
            mask &= among
        found = np.flatnonzero(mask).astype(np.int32)
        if wanted.sort in BY_CONFIDENCE:
            if wanted.model is not None and marks.confidence is None:
                text = f"{wanted.model[:80]} has not judged this revision: let it judge, then sort."
                raise InvalidFields([Problem("model", text, "dataset.not-judged")])
            keys = _required(marks.confidence, "sort", "No model has judged these pictures")[found]
            return _by_keys(found, keys, is_down=wanted.sort.startswith("-"))
        return self._sorted(found, wanted.sort)

    def place_after(self, cursor: str, order: Order, sort: str) -> int:
        """Where in an order the page after a cursor begins; raises `InvalidFields` for a cursor that no page gave."""
        if not cursor:
            return 0
        last, value = self._parsed(cursor, sort.removeprefix("-"))
        if sort in _BY_CHECKUPS:
            return _place_behind(last, order)
        is_down = sort.startswith("-")
        values = self._values(sort.removeprefix("-"))

        def is_past(place: int) -> bool:
            index = int(order[place])
            here = values(index)
            if here == value:
                return index > last
            return bool(here < value) if is_down else bool(here > value)

        return bisect.bisect_left(range(len(order)), True, key=is_past)

    def cursor(self, index: int, sort: str) -> str:
        """What names the place after a sample."""
        column = sort.removeprefix("-")
        return f"{index}.{self._value(column, index)}" if self._is_edited(column) else str(index)

    def _parsed(self, cursor: str, column: str) -> tuple[int, Any]:
        last, dot, told = cursor.partition(".")
        index = whole_number(last)
        code = whole_number(told.removeprefix("-")) if dot and self._is_edited(column) else None if dot else 0
        if index is None or code is None or index >= len(self._paths):
            raise InvalidFields([Problem("cursor", "This cursor is not one that a list gave.", "cursor")])
        return index, (-code if told.startswith("-") else code) if dot else self._value(column, index)

    def _is_edited(self, column: str) -> bool:
        """Whether edits change what samples have there."""
        return column in _EDITED and not (column == "label" and "values" in self._columns)

    def _value(self, column: str, index: int) -> Any:
        return self._values(column)(index)

    def _values(self, column: str) -> Any:
        """Gives a sample's value in a column by its index."""
        if column == "index" or column in _BY_CHECKUPS:
            return lambda index: index
        if column == "path":
            return self._paths.raw
        if column == "mixed":
            return lambda index: index * int(GOLDEN) % 2**32
        values = self.column(column)
        return lambda index: values[index].item()

    def _mask(self, wanted: SampleFilter) -> Mask:
        splits = self._columns["splits"]
        if wanted.split is None or wanted.split == "excluded":
            mask: Mask = splits >= 0 if wanted.split is None else (splits < 0) & (splits != DELETED)
        else:
            mask = splits == SPLITS.index(wanted.split)
        if wanted.label is not None:
            mask &= self.of_class(self._code(wanted.label))
        if wanted.group is not None:
            number = self._group_number(wanted.group)
            mask &= self._columns["groups"] == number
        for name in (*RANGED, VALUE):
            low, high = wanted.bounds(name)
            if low is not None:
                mask &= self.column(name) >= low
            if high is not None:
                mask &= self.column(name) <= high
        return mask & self._paths.containing(wanted.text) if wanted.text else mask

    def _code(self, label: str) -> int:
        if label not in self._classes:
            raise NotFound(f"There is no class {label!r}.", code="class.not-found")
        return self._classes[label]

    def _group_number(self, group: str) -> int:
        number = self._groups.place_of(group) if self._groups is not None else None
        if number is None:
            raise NotFound(f"There is no group {group[:80]!r}.", code="group.not-found")
        return number

    def _sorted(self, found: Order, sort: str) -> Order:
        column = sort.removeprefix("-")
        if column == "index":
            return found if column == sort else np.ascontiguousarray(found[::-1])
        if column == "path":
            keys: npt.NDArray[Any] = self._paths.ranks(found)
        elif column == "mixed":
            keys = found.astype(np.uint32) * GOLDEN
        else:
            keys = self.column(column)[found]
        return _by_keys(found, keys, is_down=column != sort)


def _by_keys(found: Order, keys: npt.NDArray[Any], *, is_down: bool) -> Order:
    """Equal ones stay in the order of indices."""
    if not is_down:
        return found[np.argsort(keys, kind="stable")]
    backwards = np.argsort(keys[::-1], kind="stable")[::-1]
    return found[len(found) - 1 - backwards]


def _required(values: npt.NDArray[MarkT] | None, field: str, missing: str) -> npt.NDArray[MarkT]:
    if values is None:
        text = f"{missing}: let the dataset be checked first."
        raise InvalidFields([Problem(field, text, "dataset.not-checked")])
    return values


def _place_behind(last: int, order: Order) -> int:
    """The place behind a sample in an order that no column has; a later checkup may know nothing of it."""
    places = np.flatnonzero(order == last)
    if not len(places):
        raise InvalidFields([Problem("cursor", "The checkup that this cursor is of is not the last one.", "cursor")])
    return int(places[0]) + 1

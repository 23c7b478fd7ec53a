"""Labels of a revision that pictures are added to: the parent's rows and the new ones in the same columns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from tenfold.adapters.formats.importing.listing import ImportTable
from tenfold.adapters.formats.revisions.reader import LABEL_COLUMNS, RevisionFolder
from tenfold.core.datasets.group_split import NO_GROUP
from tenfold.core.datasets.model import DELETED
from tenfold.core.datasets.planning import Ranks, Settlement
from tenfold.core.datasets.split import NO_SPLIT, Codes

Columns = dict[str, npt.NDArray[Any]]
_DEFAULTS: dict[str, float] = {"groups": NO_GROUP, "weights": 1.0}


class AddedGroups:
    """The groups that an addition names, matched by name with those that the dataset has."""

    def __init__(self, reader: RevisionFolder, table: ImportTable) -> None:
        self._reader = reader
        self._table = table
        self._num_old = reader.manifest.num_groups
        found = dict(table.groups())
        known = {name: number for number, name in enumerate(self._old_names())} if found else {}
        self._old_number = np.full(max(found, default=-1) + 1, NO_GROUP, np.int32)
        for number, name in found.items():
            self._old_number[number] = known.get(name, NO_GROUP)

    def splits(self) -> Codes:
        """The split that each found group is in already, by its number; -1 for one that the dataset has not."""
        of_old = np.full(self._num_old + 1, NO_SPLIT, np.int8)  # the last place is that of no group
        if self._num_old:
            groups, splits = self._reader.columns["groups"], self._reader.columns["splits"]
            is_in = (groups != NO_GROUP) & (splits != DELETED)
            of_old[groups[is_in]] = np.maximum(splits, ~splits)[is_in]
        return of_old[self._old_number]

    def numbers(self, settled: Settlement) -> npt.NDArray[np.int32]:
        """The number in the new revision of each group of a settlement; -1, for no group, at the end."""
        found = self._old_number[settled.group_numbers]
        is_new = found == NO_GROUP
        found[is_new] = self._num_old + np.arange(int(is_new.sum()), dtype=np.int32)
        return np.append(found, np.int32(NO_GROUP))

    def num_groups(self, settled: Settlement) -> int:
        """How many groups there are with the new ones."""
        return self._num_old + int((self._old_number[settled.group_numbers] == NO_GROUP).sum())

    def names(self, settled: Settlement) -> Iterator[str]:
        """The names of all groups by their numbers."""
        is_new = self._old_number[settled.group_numbers] == NO_GROUP
        return chain(self._old_names(), map(self._table.group_name, settled.group_numbers[is_new].tolist()))

    def _old_names(self) -> Iterator[str]:
        return (self._reader.group_names[number] for number in range(self._num_old))


class JoinedLabels:
    """What the columns of labels hold for the parent's samples and for the new ones."""

    def __init__(self, reader: RevisionFolder, settled: Settlement, groups: AddedGroups) -> None:
        self._old = reader.columns
        self._settled = settled
        self._numbers = groups.numbers(settled)
        told = settled.columns(np.zeros(0, np.int64))
        self.names = tuple(name for name in LABEL_COLUMNS if name in told or name in self._old)
        self._width = -(-len(settled.classes) // 8)

    @property
    def types(self) -> dict[str, tuple[str, int]]:
        """Type and width of these columns."""
        return {name: (LABEL_COLUMNS[name], self._width if name == "class_sets" else 0) for name in self.names}

    def of_parent(self, start: int, stop: int) -> Columns:
        """The rows from `start` to `stop`, bits widened by classes that are new."""
        found: Columns = {}
        for name in self.names:
            column = self._old[name][start:stop] if name in self._old else np.full(stop - start, _DEFAULTS[name])
            if name == "class_sets":
                column = np.pad(column, ((0, 0), (0, self._width - column.shape[1])))
            found[name] = column
        return found

    def of_new(self, ranks: Ranks) -> Columns:
        """Labels, splits and the like of added files."""
        told = self._settled.columns(ranks)
        if "groups" in told:
            told["groups"] = self._numbers[told["groups"]]
        missing = {name: np.full(len(ranks), _DEFAULTS[name]) for name in self.names if name not in told}
        return {**told, **missing}

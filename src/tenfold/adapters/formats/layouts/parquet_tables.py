"""Parquet tables, as Hugging Face `datasets` write them too: pictures within, names of classes in the metadata."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from tenfold.adapters.formats.files.apart import Message, ReaderApart
from tenfold.adapters.formats.files.guarded_folder import GuardedFolder
from tenfold.adapters.formats.files.table_rows import Cell, Embedded, Row, unique_names
from tenfold.adapters.formats.layouts.text_tables import list_cell, number_cell
from tenfold.core.datasets.class_names import class_name_of


class ParquetTable:
    """Fulfils `Table` over a Parquet file, read in a process of its own."""

    def __init__(self, guard: GuardedFolder, path: str, reader: ReaderApart) -> None:
        self._guard = guard
        self._reader = reader
        self.path = path

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return unique_names(self._facts[0]["columns"])

    def rows(self, columns: Collection[str] | None = None, *, limit: int | None = None) -> Iterator[Row]:
        named = dict(zip(self.columns, self._facts[0]["columns"], strict=True))
        wanted = {name: own for name, own in named.items() if columns is None or name in columns}
        about = {"columns": list(wanted.values()), "limit": limit}
        answers = self._reader.ask("parquet-rows", self._guard, self.path, **about)
        for number, (header, blobs) in enumerate(answers, 1):
            cells = (_cell(value, blobs) for value in header["cells"])
            yield Row(number, dict(zip(wanted, cells, strict=True)))

    def class_names(self, column: str) -> tuple[str, ...]:
        return self._class_names.get(column, ())

    def num_rows(self) -> tuple[int, bool]:
        return self._facts[0]["num_rows"], True

    @cached_property
    def _facts(self) -> Message:
        return self._reader.all("parquet-facts", self._guard, self.path)[0]

    @cached_property
    def _class_names(self) -> Mapping[str, tuple[str, ...]]:
        """The names of `ClassLabel` features in the metadata that Hugging Face writes."""
        try:
            features = json.loads(self._facts[1][0])["info"]["features"]
            names = {name: _names_told(about) for name, about in features.items()}
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return {}
        return {
            str(column): tuple(class_name_of(name) or str(place) for place, name in enumerate(told))
            for column, told in names.items()
            if isinstance(told, list) and all(isinstance(name, str) for name in told)
        }


def _names_told(about: object) -> object:
    """The names of a `ClassLabel`, be it alone or in a list."""
    if isinstance(about, list) and len(about) == 1:
        about = about[0]
    if isinstance(about, dict) and isinstance(about.get("feature"), dict):
        about = about["feature"]
    return about.get("names") if isinstance(about, dict) else None


def _cell(value: object, blobs: list[bytes]) -> Cell:
    if isinstance(value, dict):
        return Embedded(blobs[value["blob"]] if value["blob"] is not None else None, value["path"])
    if isinstance(value, list):
        return list_cell(value)
    return number_cell(value) if isinstance(value, int | float) else str(value) if value is not None else None

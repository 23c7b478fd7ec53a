"""Tables as text: CSV and its like by the standard library, and JSON lines."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from itertools import islice

from tenfold.adapters.formats.files.guarded_folder import GuardedFolder
from tenfold.adapters.formats.files.table_rows import HEAD_ROWS, Cell, Embedded, Row, as_meant, unique_names
from tenfold.adapters.formats.files.text_lines import estimated_lines, open_lines
from tenfold.adapters.formats.layouts.whereabouts import is_picture_name
from tenfold.core.errors import BadDataset

DELIMITERS = (",", "\t", ";", "|")
MAX_LIST = 10_000
_ROWS_FOR_COLUMNS = 100


class DelimitedTable:
    """Fulfils `Table` over a CSV or TSV file; the delimiter is the one that gives most rows alike."""

    def __init__(self, guard: GuardedFolder, path: str) -> None:
        self._guard = guard
        self.path = path

    @cached_property
    def columns(self) -> tuple[str, ...]:
        first = self._first_row
        return unique_names(first if self._has_header else [""] * len(first))

    def rows(self, columns: Collection[str] | None = None, *, limit: int | None = None) -> Iterator[Row]:  # noqa: ARG002
        yield from islice(self._rows(), limit)

    def _rows(self) -> Iterator[Row]:
        names = self.columns
        for number, values in enumerate(_records(self._guard, self.path, self._delimiter), 1):
            if number == 1 and self._has_header:
                continue
            if isinstance(values, str):
                yield Row(number, {}, values)
            elif len(values) > len(names):
                yield Row(number, {}, f"The row has {len(values)} values, the table {len(names)} columns.")
            elif values:
                yield Row(number, dict(zip(names, map(as_meant, values), strict=False)))

    def class_names(self, column: str) -> tuple[str, ...]:  # noqa: ARG002 - a text has none
        return ()

    def num_rows(self) -> tuple[int, bool]:
        lines, is_exact = estimated_lines(self._guard, self.path)
        return max(0, lines - self._has_header), is_exact

    @cached_property
    def _delimiter(self) -> str:
        return max(DELIMITERS, key=self._likeness)

    def _likeness(self, delimiter: str) -> tuple[int, int]:
        """How many of the first rows have the commonest width of at least two, and that width."""
        records = islice(_records(self._guard, self.path, delimiter), HEAD_ROWS)
        widths = Counter(len(values) for values in records if not isinstance(values, str) and len(values) > 1)
        width, count = widths.most_common(1)[0] if widths else (0, 0)
        return count, width

    @cached_property
    def _first_row(self) -> list[str]:
        first = next(_records(self._guard, self.path, self._delimiter), None)
        if not first or isinstance(first, str):
            why = first or "it is empty"
            raise BadDataset(f"{self.path} is no table: {why}.", code="table.unreadable")
        return first

    @cached_property
    def _has_header(self) -> bool:
        return not any(is_picture_name(value) for value in self._first_row)


class JsonLinesTable:
    """Fulfils `Table` over a file with a JSON object a line; its columns are those of the first hundred rows."""

    def __init__(self, guard: GuardedFolder, path: str) -> None:
        self._guard = guard
        self.path = path

    @cached_property
    def columns(self) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for row in self.rows(limit=_ROWS_FOR_COLUMNS):
            found.update(dict.fromkeys(row.cells))
        if not found:
            raise BadDataset(f"{self.path} is no table: no line of it is a JSON object.", code="table.unreadable")
        return tuple(found)

    def rows(self, columns: Collection[str] | None = None, *, limit: int | None = None) -> Iterator[Row]:  # noqa: ARG002
        yield from islice(self._rows(), limit)

    def _rows(self) -> Iterator[Row]:
        for number, line in enumerate(open_lines(self._guard, self.path), 1):
            if not line.strip():
                continue
            try:
                values = json.loads(line)
            except (ValueError, RecursionError):
                yield Row(number, {}, "The line is no JSON object.")
                continue
            if isinstance(values, dict):
                yield Row(number, {name: _cell(value) for name, value in values.items()})
            else:
                yield Row(number, {}, "The line is no JSON object.")

    def class_names(self, column: str) -> tuple[str, ...]:  # noqa: ARG002 - a text has none
        return ()

    def num_rows(self) -> tuple[int, bool]:
        return estimated_lines(self._guard, self.path)


def _records(guard: GuardedFolder, path: str, delimiter: str) -> Iterator[list[str] | str]:
    """The rows of a delimited file, or what is wrong with one."""
    reader = csv.reader(open_lines(guard, path), delimiter=delimiter)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield f"The row cannot be read: {error}."


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dict) and isinstance(value.get("path"), str):
        return Embedded(None, value["path"])
    if isinstance(value, list):
        return list_cell(value)
    return number_cell(value) if isinstance(value, int | float) else json.dumps(value)


def list_cell(values: Sequence[object]) -> Cell:
    """A list of texts and numbers; a text for one of other things."""
    if all(isinstance(each, str | int | float) for each in values):
        texts = (each if isinstance(each, str) else number_cell(each) for each in values)  # type: ignore[arg-type]
        return tuple(text or "" for text in texts)
    return json.dumps(values)[:MAX_LIST]


def number_cell(value: float) -> str | None:
    """A number as a label: whole ones without a point, truth as true and false; nothing for what is no number."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value != value:  # noqa: PLR0124 - only NaN is not itself
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else str(value)

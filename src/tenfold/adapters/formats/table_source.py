"""Tables with a row for every picture: its file or its bytes, its class, perhaps its split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tenfold.adapters.formats.guarded_folder import MAX_FILE_BYTES, GuardedFolder
from tenfold.adapters.formats.spool import Spool, SpoolWriter
from tenfold.adapters.formats.table_rows import HEAD_ROWS, Embedded, Row, Table, shown
from tenfold.adapters.formats.whereabouts import Whereabouts, cleaned, is_picture_name, locate
from tenfold.core.datasets.layouts import (
    MAX_SHOWN_CLASSES,
    SPLIT_WORDS,
    ColumnRole,
    Look,
    SplitCount,
    class_name_of,
    recognised_columns,
)
from tenfold.core.datasets.model import RejectedFile, Split
from tenfold.core.datasets.ports import Find, Note, ShouldStop, SourceFile, never
from tenfold.core.errors import BadDataset, BadImage

SHOWN_ROWS = 5
SHOWN_COLUMNS = 60
_LOOK_FOR_CLASSES = 1000
_CAPTIONS = frozenset({"text", "caption", "captions", "description", "prompt", "title"})
_KINDS = ((b"\x89PNG", ".png"), (b"\xff\xd8", ".jpg"), (b"GIF8", ".gif"), (b"BM", ".bmp"), (b"RIFF", ".webp"))


@dataclass(frozen=True)
class TablePart:
    """A table and the split that its name speaks of."""

    table: Table
    split: Split | None


class TableSource:
    """Fulfils `SampleSource` over tables.

    `columns` are chosen by role; the others are recognised, by what is in them and by their names. Pictures within a
    table are set aside in `work` while it is listed, and can be read from then on.
    """

    def __init__(
        self,
        guard: GuardedFolder,
        parts: Sequence[TablePart],
        *,
        work: Path,
        columns: Mapping[ColumnRole, str] | None = None,
        class_names: Sequence[str] = (),
        pictures: GuardedFolder | None = None,
    ) -> None:
        self._readers = [
            _PartReader(part, guard, pictures, dict(columns or {}), tuple(class_names), Spool(work, f"table-{place}"))
            for place, part in enumerate(parts)
        ]
        self._by_path = {reader.path: reader for reader in self._readers}

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:
        for reader in self._readers:
            reader.require_columns()
        for reader in self._readers:
            yield from reader.finds(use_splits=use_splits, should_stop=should_stop)

    @property
    def files(self) -> GuardedFolder | None:
        """Where the pictures lie, unless a table holds some itself."""
        return None if any(reader.is_embedded for reader in self._readers) else self._readers[0].pictures

    def read(self, path: str) -> bytes:
        table, _, number = path.rpartition("/")
        reader = self._by_path.get(table)
        if reader is not None and reader.is_embedded:
            return reader.read_row(number.partition(".")[0])
        return self._readers[0].pictures.read(path)

    @property
    def is_complete(self) -> bool:
        """Whether every table has a column of pictures and one of classes."""
        return all({"image", "label"} <= reader.roles.keys() for reader in self._readers)

    @property
    def is_backed(self) -> bool:
        """Whether pictures are within the tables, or at least half of the first names are files."""
        return all(reader.is_backed for reader in self._readers)

    def look(self) -> Look:
        """Rows by split, the columns and the first rows of the first table."""
        first = self._readers[0]
        counts = [SplitCount(reader.split, *reader.table.num_rows()) for reader in self._readers]
        classes: dict[str, None] = {}
        for reader in self._readers:
            classes.update(dict.fromkeys(reader.first_classes()))
        columns = first.table.columns[:SHOWN_COLUMNS]
        rows = tuple(tuple(shown(row.cells.get(name)) for name in columns) for row in first.head[:SHOWN_ROWS])
        return Look(
            counts=tuple(_merged(counts)),
            classes=tuple(classes)[:MAX_SHOWN_CLASSES],
            columns=columns,
            chosen=first.roles,
            rows=rows,
            notes=tuple(note for reader in self._readers for note in reader.notes()),
        )


class _PartReader:
    """One table of a source."""

    def __init__(
        self,
        part: TablePart,
        guard: GuardedFolder,
        pictures: GuardedFolder | None,
        chosen: dict[ColumnRole, str],
        class_names: tuple[str, ...],
        spool: Spool,
    ) -> None:
        self.table = part.table
        self.path = part.table.path
        self.split = part.split
        self.pictures = pictures or guard
        self._is_prefixed = pictures is not None
        self._chosen = chosen
        self._names = class_names
        self._spool = spool

    @cached_property
    def head(self) -> list[Row]:
        return [row for row in self.table.rows(limit=HEAD_ROWS) if not row.problem]

    @cached_property
    def roles(self) -> dict[ColumnRole, str]:
        """The column of each role, as far as chosen or recognised."""
        columns = self.table.columns
        for name in self._chosen.values():
            if name not in columns:
                known = ", ".join(columns[:SHOWN_COLUMNS])
                raise BadDataset(f"{self.path} has no column {name!r}; it has {known}.", code="table.column")
        telling = self._telling_image() if "image" not in self._chosen else None
        chosen: dict[ColumnRole, str] = {"image": telling, **self._chosen} if telling else dict(self._chosen)
        found = recognised_columns(columns, chosen)
        if "split" in found and "split" not in self._chosen and not self._tells_splits(found["split"]):
            del found["split"]
        rest = [name for name in columns if name not in found.values() and name.casefold() not in _CAPTIONS]
        if "image" in found and "label" not in found and len(columns) == 2 and len(rest) == 1:
            found["label"] = rest[0]
        return found

    def require_columns(self) -> None:
        """Raises `BadDataset` when a column is missing without which nothing can be read."""
        known = ", ".join(self.table.columns[:SHOWN_COLUMNS])
        words: dict[ColumnRole, str] = {"image": "the pictures", "label": "the classes"}
        for role, word in words.items():
            if role not in self.roles:
                text = f"No column of {self.path} names {word}: say which it is. There are {known}."
                raise BadDataset(text, code=f"table.no-{role}")

    @cached_property
    def is_embedded(self) -> bool:
        return any(isinstance(cell, Embedded) and cell.content is not None for cell in self._first_images)

    @property
    def is_backed(self) -> bool:
        return self.is_embedded or 2 * self._where.num_found >= max(1, self._where.num_looked_at)

    def finds(self, *, use_splits: bool, should_stop: ShouldStop) -> Iterator[Find]:
        yield from (Note(text) for text in self._told())
        with ExitStack() as stack:
            spool = stack.enter_context(self._spool.writing()) if self.is_embedded else None
            for row in self.table.rows(set(self.roles.values())):
                if should_stop():
                    return
                find = self._find(row, spool)
                if isinstance(find, SourceFile) and not use_splits:
                    find = SourceFile(find.path, find.class_name)
                yield find
            if spool is not None:
                spool.is_complete = True

    def read_row(self, number: str) -> bytes:
        """The picture within a row."""
        if not (number.isascii() and number.isdecimal() and len(number) < 15 and int(number) > 0):
            raise BadImage(f"There is no picture {number}.", code="file.vanished")
        return self._spool.read(int(number) - 1)

    def first_classes(self) -> Sequence[str]:
        """Class names from the file itself, or those of the first rows."""
        label = self.roles.get("label")
        if label is None:
            return ()
        rows = self.table.rows({label}, limit=_LOOK_FOR_CLASSES)
        named = (self._class_name(row) for row in rows if not row.problem)
        return self._class_names or tuple(dict.fromkeys(name for name in named if name is not None))

    def notes(self) -> Iterator[str]:
        if "image" in self.roles and not self.is_embedded:
            missing = self._where.num_looked_at - self._where.num_found
            if missing:
                looked = self._where.num_looked_at
                yield f"Of the first {looked} pictures that {self.path} names, {missing} are not there."
        yield from self._told()

    def _told(self) -> Iterator[str]:
        if not self.is_embedded and self._where.folder:
            yield f"Paths in {self.path} start from the folder {self._where.folder}."

    @cached_property
    def _class_names(self) -> tuple[str, ...]:
        return self.table.class_names(self.roles.get("label", "")) or self._names

    @property
    def _first_images(self) -> list[object]:
        column = self.roles.get("image")
        return [row.cells.get(column) for row in self.head] if column is not None else []

    @cached_property
    def _where(self) -> Whereabouts:
        names = [name for cell in self._first_images if (name := _file_of(cell)) is not None]
        beside = None if self._is_prefixed else self.path.rpartition("/")[0]
        return locate(self.pictures, names, beside=beside)

    def _telling_image(self) -> str | None:
        """The first column that holds pictures, or else names of pictures, in every row that has something in it."""
        columns = self.table.columns
        cells = {name: [row.cells[name] for row in self.head if row.cells.get(name)] for name in columns}
        for is_meant in (lambda cell: isinstance(cell, Embedded), lambda cell: is_picture_name(_file_of(cell) or "")):
            for name in columns:
                if cells[name] and all(map(is_meant, cells[name])):
                    return name
        return None

    def _tells_splits(self, column: str) -> bool:
        cells = [cell for row in self.head if isinstance(cell := row.cells.get(column), str) and cell.strip()]
        return bool(cells) and all(cell.strip().casefold() in SPLIT_WORDS for cell in cells)

    def _find(self, row: Row, spool: SpoolWriter | None) -> Find:
        place = f"{self.path}:{row.number}"
        cell = row.cells.get(self.roles["image"])
        if spool is not None:
            spool.append(cell.content if isinstance(cell, Embedded) and cell.content is not None else b"")
        if row.problem:
            return RejectedFile(place, "table.row", row.problem)
        path = self._path_of(row, cell)
        if isinstance(path, RejectedFile):
            return path
        class_name = self._class_name(row)
        if class_name is None:
            label = shown(row.cells.get(self.roles["label"]))
            text = f"The label {label!r} is no class." if label else "The row has no label."
            return RejectedFile(place, "list.label" if label else "list.no-label", text)
        try:
            return SourceFile(path, class_name, self._split(row))
        except KeyError as error:
            text = f"{error.args[0]!r} is no split: train, val or test is expected."
            return RejectedFile(place, "table.split", text)

    def _path_of(self, row: Row, cell: object) -> str | RejectedFile:
        place = f"{self.path}:{row.number}"
        if self.is_embedded:
            if not isinstance(cell, Embedded) or not cell.content:
                return RejectedFile(place, "image.empty", "The row has no picture.")
            if len(cell.content) > MAX_FILE_BYTES:
                return RejectedFile(place, "file.too-large", f"The picture has over {MAX_FILE_BYTES >> 20} MB.")
            return f"{self.path}/{row.number:07d}{_extension(cell.content)}"
        name = _file_of(cell)
        if name is None:
            return RejectedFile(place, "image.empty", "The row names no picture.")
        if "\0" in name or any(0xD800 <= ord(char) < 0xE000 for char in name):
            return RejectedFile(place, "file.name", "The path is not valid UTF-8, or has a NUL in it.")
        if "://" in name:
            return RejectedFile(place, "list.address", "It is an address: only files of this machine are read.")
        return self._where.path_of(cleaned(name))

    def _class_name(self, row: Row) -> str | None:
        cell = row.cells.get(self.roles["label"])
        if not isinstance(cell, str):
            return None
        label = cell.strip()
        label = label[:-2] if label.endswith(".0") and label[:-2].isdecimal() else label
        if self._class_names and label not in self._class_names:
            is_number = label.isascii() and label.isdecimal() and len(label) < 10
            return self._class_names[int(label)] if is_number and int(label) < len(self._class_names) else None
        return class_name_of(label)

    def _split(self, row: Row) -> Split | None:
        """The split of a row, or else its table's; raises `KeyError` with a word that is none."""
        column = self.roles.get("split")
        cell = row.cells.get(column) if column is not None else None
        if not isinstance(cell, str) or not cell.strip():
            return self.split
        return SPLIT_WORDS[cell.strip().casefold()]


def _file_of(cell: object) -> str | None:
    if isinstance(cell, Embedded):
        return cell.path if cell.content is None and cell.path else None
    return cell.strip() if isinstance(cell, str) and cell.strip() else None


def _extension(content: bytes) -> str:
    return next((extension for magic, extension in _KINDS if content.startswith(magic)), ".tif")


def _merged(counts: Sequence[SplitCount]) -> Iterator[SplitCount]:
    for split in dict.fromkeys(count.split for count in counts):
        same = [count for count in counts if count.split == split]
        yield SplitCount(split, sum(count.count for count in same), all(count.is_exact for count in same))

"""Tables with a row for every picture: its file or its bytes, its class, perhaps its split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from tenfold.adapters.formats.files.guarded_folder import MAX_FILE_BYTES, GuardedFolder
from tenfold.adapters.formats.files.spool import Spool, SpoolWriter
from tenfold.adapters.formats.files.table_rows import HEAD_ROWS, Cell, Embedded, Row, Table, shown
from tenfold.adapters.formats.layouts.class_names import UNNAMED, ClassNames
from tenfold.adapters.formats.layouts.whereabouts import Whereabouts, cleaned, is_picture_name, locate
from tenfold.core.datasets.class_names import class_name_of
from tenfold.core.datasets.label_texts import not_a_number, read_classes, read_number, read_weight
from tenfold.core.datasets.layouts import (
    MAX_SHOWN_CLASSES,
    NO_COLUMN,
    SPLIT_WORDS,
    ColumnRole,
    Look,
    SourceChoice,
    SplitCount,
    recognised_columns,
)
from tenfold.core.datasets.model import LabelKind, RejectedFile, Split
from tenfold.core.datasets.ports import Find, Note, ShouldStop, SourceFile, never
from tenfold.core.errors import BadDataset, BadImage

SHOWN_ROWS = 5
NO_LABEL = "The row has no label."
SHOWN_COLUMNS = 60
_LOOK_FOR_CLASSES = 1000
_LOOK_FOR_SPLITS = 20_000
_CAPTIONS = frozenset({"text", "caption", "captions", "description", "prompt", "title"})
_FLAGS: Mapping[Cell, bool] = {
    "0": False, "0.0": False, "false": False, "False": False, "1": True, "1.0": True, "true": True, "True": True,
}  # fmt: skip
_KINDS = ((b"\x89PNG", ".png"), (b"\xff\xd8", ".jpg"), (b"GIF8", ".gif"), (b"BM", ".bmp"), (b"RIFF", ".webp"))


@dataclass(frozen=True)
class TablePart:
    """A table and the split that its name speaks of."""

    table: Table
    split: Split | None


class TableSource:
    """Fulfils `SampleSource` over tables.

    Columns are chosen by role; the others are recognised, by what is in them and by their names. Pictures within a
    table are set aside in `work` while it is listed, and can be read from then on. With `takes_addresses` a picture may
    be an address of the web, which another reads.
    """

    def __init__(
        self,
        guard: GuardedFolder,
        parts: Sequence[TablePart],
        *,
        work: Path,
        choice: SourceChoice,
        class_names: ClassNames = UNNAMED,
        pictures: GuardedFolder | None = None,
        takes_addresses: bool = False,
    ) -> None:
        asked = _Asked(dict(choice.columns), choice.label_kind, class_names)
        self._readers = [
            _PartReader(part, guard, pictures, asked, Spool(work, f"table-{place}")) for place, part in enumerate(parts)
        ]
        for reader in self._readers:
            reader.takes_addresses = takes_addresses
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
        return all("image" in reader.roles and reader.has_labels for reader in self._readers)

    @property
    def is_backed(self) -> bool:
        """Whether pictures are within the tables, or at least half of the first names are files."""
        return all(reader.is_backed for reader in self._readers)

    def first_embedded(self) -> bytes | None:
        """The first picture within a table, if there is one in its first rows."""
        cells = (row.cells.get(reader.roles.get("image", "")) for reader in self._readers for row in reader.head)
        return next((cell.content for cell in cells if isinstance(cell, Embedded) and cell.content), None)

    def look(self) -> Look:
        """Rows by split, the columns and the first rows of the first table."""
        first = self._readers[0]
        counts = [count for reader in self._readers for count in reader.counts()]
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
            lost=first.lost if all(reader.lost for reader in self._readers) else "",
        )


@dataclass(frozen=True)
class _Asked:
    """What was said of a table: columns by role, the kind of its labels, and names of classes by number."""

    columns: Mapping[ColumnRole, str]
    kind: LabelKind
    class_names: ClassNames


class _PartReader:
    """One table of a source."""

    takes_addresses = False

    def __init__(
        self, part: TablePart, guard: GuardedFolder, pictures: GuardedFolder | None, asked: _Asked, spool: Spool
    ) -> None:
        self.table = part.table
        self.path = part.table.path
        self.split = part.split
        self.pictures = pictures or guard
        self._is_prefixed = pictures is not None
        self._chosen = dict(asked.columns)
        self._kind = asked.kind
        self._names = asked.class_names
        self._spool = spool

    @cached_property
    def head(self) -> list[Row]:
        return [row for row in self.table.rows(limit=HEAD_ROWS) if not row.problem]

    @cached_property
    def roles(self) -> dict[ColumnRole, str]:
        """The column of each role, as far as chosen or recognised."""
        columns = self.table.columns
        for name in self._chosen.values():
            if name not in columns and name != NO_COLUMN:
                known = ", ".join(columns[:SHOWN_COLUMNS])
                raise BadDataset(f"{self.path} has no column {name!r}; it has {known}.", code="table.column")
        telling = self._telling_image() if "image" not in self._chosen else None
        chosen: dict[ColumnRole, str] = {"image": telling, **self._chosen} if telling else dict(self._chosen)
        found = recognised_columns(columns, chosen)
        if "split" in found and "split" not in self._chosen and not self._tells_splits(found["split"]):
            del found["split"]
        if "group" in found and "group" not in self._chosen and self._torn_groups(found):
            del found["group"]
        rest = [name for name in columns if name not in found.values() and name.casefold() not in _CAPTIONS]
        if "image" in found and not {"label"} & {*found, *self._chosen} and len(columns) == 2 and len(rest) == 1:
            found["label"] = rest[0]
        return found

    def require_columns(self) -> None:
        """Raises `BadDataset` when a column is missing without which nothing can be read."""
        known = ", ".join(self.table.columns[:SHOWN_COLUMNS])
        words: dict[ColumnRole, str] = {"image": "the pictures", "label": "the labels"}
        for role, word in words.items():
            if role not in self.roles and not (role == "label" and self._flags):
                text = f"No column of {self.path} names {word}: say which it is. There are {known}."
                raise BadDataset(text, code=f"table.no-{role}")

    @property
    def has_labels(self) -> bool:
        """Whether a column has the labels, or one for each class has whether a picture is of it."""
        return "label" in self.roles or bool(self._flags)

    @cached_property
    def is_embedded(self) -> bool:
        return any(isinstance(cell, Embedded) and cell.content is not None for cell in self._first_images)

    @property
    def lost(self) -> str:
        """A sentence where none of the first pictures is there."""
        has_none = "image" in self.roles and not self.is_embedded and not self._where.num_found
        return self._where.missing(self.path) if has_none else ""

    @property
    def is_backed(self) -> bool:
        return self.is_embedded or 2 * self._where.num_found >= max(1, self._where.num_looked_at)

    def finds(self, *, use_splits: bool, should_stop: ShouldStop) -> Iterator[Find]:
        yield from (Note(text) for text in self._told())
        with ExitStack() as stack:
            spool = stack.enter_context(self._spool.writing()) if self.is_embedded else None
            for row in self.table.rows({*self.roles.values(), *self._flags}):
                if should_stop():
                    return
                find = self._find(row, spool)
                yield replace(find, split=None) if isinstance(find, SourceFile) and not use_splits else find
            if spool is not None:
                spool.is_complete = True

    def read_row(self, number: str) -> bytes:
        """The picture within a row."""
        if not (number.isascii() and number.isdecimal() and len(number) < 15 and int(number) > 0):
            raise BadImage(f"There is no picture {number}.", code="file.vanished")
        return self._spool.read(int(number) - 1)

    def counts(self) -> Iterator[SplitCount]:
        """Rows by the split that the table's name or a column of it gives them; of a long table they are estimated."""
        total, is_exact = self.table.num_rows()
        column = self.roles.get("split")
        if column is None:
            yield SplitCount(self.split, total, is_exact)
            return
        found: Counter[Split | None] = Counter()
        for row in self.table.rows({column}, limit=_LOOK_FOR_SPLITS):
            word = self._text_in(row, "split").casefold()
            if not word or word in SPLIT_WORDS:
                found[SPLIT_WORDS[word] if word else self.split] += 1
        seen = max(1, found.total())
        is_all = seen < _LOOK_FOR_SPLITS
        for split, count in found.items():
            yield SplitCount(split, count if is_all else max(1, round(total * count / seen)), is_all)

    def _torn_groups(self, roles: Mapping[ColumnRole, str]) -> int:
        """How many groups of the first rows are in two splits."""
        group, split = roles.get("group"), roles.get("split")
        if group is None or split is None:
            return 0
        splits: dict[Cell, set[Split]] = {}
        for row in self.table.rows({group, split}, limit=_LOOK_FOR_CLASSES):
            word = row.cells.get(split)
            if row.cells.get(group) and isinstance(word, str) and word.strip().casefold() in SPLIT_WORDS:
                splits.setdefault(row.cells[group], set()).add(SPLIT_WORDS[word.strip().casefold()])
        return sum(len(each) > 1 for each in splits.values())

    def first_classes(self) -> Sequence[str]:
        """Class names from the file itself, or those of the first rows."""
        if self._flags or self._kind == "number":
            return self._flags
        label = self.roles.get("label")
        if label is None:
            return ()
        return self._class_names.names or tuple(
            dict.fromkeys(name for label in self._first_labels if (name := self._class_of(label)) is not None)
        )

    def notes(self) -> Iterator[str]:
        if "image" in self.roles and not self.is_embedded and (told := self._where.missing(self.path)):
            yield told
        yield from self._told()

    def _told(self) -> Iterator[str]:
        if self._named[1]:
            yield self._named[1]
        guessed = recognised_columns(self.table.columns, {**self.roles, **self._chosen}).get("group")
        if guessed and "group" not in self.roles:
            yield (
                f"The column {guessed} of {self.path} is not taken for groups: some of its values are in two splits. "
                "Choose it to leave out what contradicts itself."
            )
        torn = self._torn_groups(self.roles)
        if torn:
            yield (
                f"Of the column {self.roles['group']} of {self.path} {torn:,} values are in two splits: their pictures "
                "are left out. Choose - for none to keep them."
            )
        for role, word in (("group", "Groups"), ("weight", "Weights")):
            if role in self.roles:
                yield f"{word} are from the column {self.roles[role]} of {self.path}."
        if not self.is_embedded and self._where.folder:
            yield f"Paths in {self.path} start from the folder {self._where.folder}."

    @property
    def _class_names(self) -> ClassNames:
        return self._named[0]

    @cached_property
    def _named(self) -> tuple[ClassNames, str]:
        """Names of classes by number, the table's own or those of a file beside it that labels have use for."""
        own = self.table.class_names(self.roles.get("label", ""))
        if own or self._flags or self._kind == "number" or "label" not in self.roles:
            return ClassNames(own, self.path), ""
        return self._names.fitting(self._first_labels)

    @cached_property
    def _first_labels(self) -> dict[str, None]:
        """The labels of the first rows, each of several by itself."""
        found: dict[str, None] = {}
        for row in self.table.rows({self.roles["label"]}, limit=_LOOK_FOR_CLASSES):
            texts = self._texts_told(row) if not row.problem else None
            found.update(dict.fromkeys(text.strip() for text in texts or ()))
        return found

    @cached_property
    def _flags(self) -> tuple[str, ...]:
        """Columns of 0 and 1, one for each class, where pictures may have several and no column names them."""
        if self._kind != "classes" or "label" in self.roles:
            return ()
        rest = [name for name in self.table.columns if name not in self.roles.values() and class_name_of(name) == name]
        found = tuple(name for name in rest if all(row.cells.get(name) in _FLAGS for row in self.head))
        return found if len(found) >= 2 and self.head else ()

    @property
    def _first_images(self) -> list[object]:
        column = self.roles.get("image")
        return [row.cells.get(column) for row in self.head] if column is not None else []

    @cached_property
    def _where(self) -> Whereabouts:
        named = map(_file_of, self._first_images)
        names = [name for name in named if name is not None and "://" not in name]
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
        find = self._labelled(row, path, place)
        for add in (self._with_split, self._with_group, self._with_weight):
            find = add(row, find, place) if isinstance(find, SourceFile) else find
        return find

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
            text = "It is an address of the web: the administrator has not allowed to ask for these."
            return name if self.takes_addresses else RejectedFile(place, "list.address", text)
        return self._where.path_of(cleaned(name))

    def _labelled(self, row: Row, path: str, place: str) -> Find:
        """The file with its label; a row without one, or with one of another kind, is rejected."""
        told = shown(row.cells.get(self.roles.get("label", "")))
        if self._kind == "number":
            cell = self._label_cell(row)
            number = read_number(cell) if isinstance(cell, str) else None
            if number is not None:
                return SourceFile(path, "", value=number)
            return not_a_number(place, told) if told else RejectedFile(place, "list.no-label", NO_LABEL)
        names = self._classes_told(row)
        if names is not None:
            if self._kind == "classes":
                return SourceFile(path, "", classes=tuple(sorted(set(names))))
            return SourceFile(path, names[0])
        if self._flags:
            return RejectedFile(place, "list.label", "A column of a class holds neither 0 nor 1.")
        cell = row.cells.get(self.roles.get("label", ""))
        if isinstance(cell, tuple) and len(cell) > 1 and self._kind != "classes":
            text = f"The row has {len(cell)} classes, {told}: choose the kind of label Several classes."
            return RejectedFile(place, "list.several", text)
        return self._class_names.refused(place, told) if told else RejectedFile(place, "list.no-label", NO_LABEL)

    def _classes_told(self, row: Row) -> tuple[str, ...] | None:
        """The class of a row, or where it may have several any number of them; `None` for what names none."""
        if self._flags:
            cells = [row.cells.get(name) for name in self._flags]
            is_told = all(cell in _FLAGS for cell in cells)
            named = (name for name, cell in zip(self._flags, cells, strict=True) if _FLAGS.get(cell))
            return tuple(named) if is_told else None
        texts = self._texts_told(row)
        classes = [self._class_of(text) for text in texts] if texts is not None else [None]
        known = tuple(name for name in classes if name is not None)
        return known if len(known) == len(classes) else None

    def _texts_told(self, row: Row) -> tuple[str, ...] | None:
        """The label of a row as a text, or where it may have several any number of them."""
        cell = self._label_cell(row)
        if self._kind == "classes":
            return read_classes(cell) if isinstance(cell, str) else cell if isinstance(cell, tuple) else None
        return (cell,) if isinstance(cell, str) else None

    def _label_cell(self, row: Row) -> Cell:
        """What the column of labels holds; of a list of one where one is expected, that one."""
        cell = row.cells.get(self.roles.get("label", ""))
        return cell[0] if isinstance(cell, tuple) and len(cell) == 1 and self._kind != "classes" else cell

    def _class_of(self, text: str) -> str | None:
        label = text.strip()
        label = label[:-2] if label.endswith(".0") and label[:-2].isdecimal() else label
        return self._class_names.name_of(label)

    def _text_in(self, row: Row, role: ColumnRole) -> str:
        """What the column of a role holds, if there is one and it is a text."""
        cell = row.cells.get(self.roles[role]) if role in self.roles else None
        return cell.strip() if isinstance(cell, str) else ""

    def _with_split(self, row: Row, file: SourceFile, place: str) -> Find:
        """The file with the split of its row, or else its table's."""
        word = self._text_in(row, "split")
        if word and word.casefold() not in SPLIT_WORDS:
            text = f"{word.casefold()!r} is no split: train, val or test is expected."
            return RejectedFile(place, "table.split", text)
        return replace(file, split=SPLIT_WORDS[word.casefold()] if word else self.split)

    def _with_group(self, row: Row, file: SourceFile, place: str) -> Find:
        word = self._text_in(row, "group")
        group = class_name_of(word) if word else ""
        if group is None:
            return RejectedFile(place, "table.group", f"{shown(word)!r} is no name of a group.")
        return replace(file, group=group)

    def _with_weight(self, row: Row, file: SourceFile, place: str) -> Find:
        word = self._text_in(row, "weight")
        weight = read_weight(word) if word else 1.0
        if weight is None:
            text = f"The weight {shown(word)!r} is no number above 0: mend it, or leave it empty for 1."
            return RejectedFile(place, "table.weight", text)
        return replace(file, weight=weight)


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

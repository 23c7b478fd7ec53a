"""Text lists with a path and a label a line, as DIGITS and Caffe have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from tenfold.adapters.formats.files.guarded_folder import GuardedFolder
from tenfold.adapters.formats.files.text_lines import estimated_lines, open_lines
from tenfold.adapters.formats.layouts.class_names import UNNAMED, ClassNames
from tenfold.adapters.formats.layouts.whereabouts import LOOK_AT, Whereabouts, cleaned, is_picture_name, locate
from tenfold.core.datasets.class_names import class_name_of
from tenfold.core.datasets.label_texts import read_classes
from tenfold.core.datasets.layouts import MAX_SHOWN_CLASSES, Look, SplitCount
from tenfold.core.datasets.model import LabelKind, RejectedFile, Split
from tenfold.core.datasets.ports import Find, Note, ShouldStop, Skipped, SourceFile, never
from tenfold.core.errors import BadDataset

_LOOK_FOR_CLASSES = 1000


@dataclass(frozen=True)
class TextList:
    """A list file by its path in the source, and the split that its pictures belong to."""

    path: str
    split: Split | None


class ListSource:
    """Fulfils `SampleSource` over text lists; `class_names` are those of the numbers in them, if there are any.

    A line is split at its last blank, so that paths may hold blanks. Names are used where the labels are their numbers,
    else a label is a name itself; where a picture may have several (`kind`), they are parted by | or ; . Relative paths
    start from the folder `pictures`, or without it from where most of them are found. With `takes_addresses` a path may
    be an address of the web, which another reads.
    """

    def __init__(
        self,
        guard: GuardedFolder,
        lists: Sequence[TextList],
        *,
        class_names: ClassNames = UNNAMED,
        kind: LabelKind = "class",
        pictures: GuardedFolder | None = None,
        takes_addresses: bool = False,
    ) -> None:
        if not lists:
            raise BadDataset(
                "There is no list: a list is a text file with a path and a label a line.", code="list.none"
            )
        self._guard = guard
        self._takes_addresses = takes_addresses
        self._lists = tuple(lists)
        self._given_names = class_names if kind != "number" else ClassNames()
        self._kind = kind
        self._pictures = pictures or guard
        self._where = {each.path: self._locate(each.path) for each in lists}

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:
        yield from (Note(text) for text in self._names_note)
        for each in self._lists:
            where = self._where[each.path]
            if where.folder:
                yield Note(f"Paths in {each.path} start from the folder {where.folder}.")
            for number, line in enumerate(open_lines(self._guard, each.path), 1):
                if should_stop():
                    return
                yield self._find(line, f"{each.path}:{number}", where, each.split if use_splits else None)

    @property
    def files(self) -> GuardedFolder:
        return self._pictures

    def read(self, path: str) -> bytes:
        return self._pictures.read(path)

    @property
    def is_backed(self) -> bool:
        """Whether at least half of the first names are files."""
        looked = sum(where.num_looked_at for where in self._where.values())
        return 2 * sum(where.num_found for where in self._where.values()) >= max(1, looked)

    def look(self) -> Look:
        """Lines by split, exact for short lists, and the class names."""
        counts = [SplitCount(each.split, *estimated_lines(self._guard, each.path)) for each in self._lists]
        names = dict.fromkeys(self._class_names.names or self._first_classes)
        notes = (*self._missing(), *self._names_note)
        found = sum(where.num_found for where in self._where.values())
        lost = "" if found else next(self._missing(), "")
        return Look(counts=tuple(counts), classes=tuple(names)[:MAX_SHOWN_CLASSES], notes=notes, lost=lost)

    @property
    def _class_names(self) -> ClassNames:
        return self._named[0]

    @property
    def _names_note(self) -> tuple[str, ...]:
        return (self._named[1],) if self._named[1] else ()

    @cached_property
    def _named(self) -> tuple[ClassNames, str]:
        return self._given_names.fitting(self._first_classes)

    @cached_property
    def _first_classes(self) -> dict[str, None]:
        """The labels of the first lines, or what several of them name."""
        found: dict[str, None] = {}
        for each in self._lists:
            pairs = (split_line(line) for line in islice(open_lines(self._guard, each.path), _LOOK_FOR_CLASSES))
            for label in (pair[1] for pair in pairs if pair is not None):
                several = (read_classes(label) or ()) if self._kind == "classes" else (label,)
                names = (class_name_of(each) for each in several)
                found.update(dict.fromkeys(name for name in names if name is not None))
        return found

    def _missing(self) -> Iterator[str]:
        for path, where in self._where.items():
            if told := where.missing(path):
                yield told

    def _find(self, line: str, place: str, where: Whereabouts, split: Split | None) -> Find:
        pair = split_line(line)
        if pair is None:
            text = "The line has no label: a path, a blank and a label are expected."
            return RejectedFile(place, "list.no-label", text) if line.strip() else Skipped("empty line")
        name, label = pair
        if "://" in name and not self._takes_addresses:
            return RejectedFile(
                place,
                "list.address",
                "It is an address of the web: the administrator has not allowed to ask for these.",
            )
        if "\0" in name or not _is_text(name):
            return RejectedFile(place, "file.name", "The path is not valid UTF-8, or has a NUL in it.")
        path = name if "://" in name else where.path_of(cleaned(name))
        if self._kind == "classes" and (told := read_classes(label)) is not None:
            classes = [self._class_names.name_of(each) for each in told]
            known = tuple(sorted({each for each in classes if each is not None}))
            if None not in classes:
                return SourceFile(path, "", split, classes=known)
            return self._class_names.refused(place, label)
        class_name = self._class_names.name_of(label)
        if class_name is None:
            return self._class_names.refused(place, label)
        return SourceFile(path, class_name, split)

    def _locate(self, path: str) -> Whereabouts:
        pairs = (split_line(line) for line in islice(open_lines(self._guard, path), LOOK_AT))
        names = [pair[0] for pair in pairs if pair is not None and "://" not in pair[0]]
        beside = path.rpartition("/")[0] if self._pictures is self._guard else None
        return locate(self._pictures, names, beside=beside)


def split_line(line: str) -> tuple[str, str] | None:
    """Path and label of a line, split at the last blank or tab; `None` where there is no label."""
    parts = line.strip().rsplit(maxsplit=1)
    if len(parts) < 2 or (is_picture_name(parts[1]) and not is_picture_name(parts[0])):
        return None
    return parts[0], parts[1]


def looks_like_a_list(guard: GuardedFolder, path: str) -> bool:
    """Whether the first lines of a file are paths of pictures with labels."""
    try:
        num_lines, pairs = _first_pairs(guard, path)
    except BadDataset:
        return False
    named = sum(is_picture_name(name) for name, _ in pairs)
    return num_lines > 0 and named >= 0.8 * num_lines


def may_be_a_list(guard: GuardedFolder, path: str) -> bool:
    """Whether a file that somebody chose can be meant as a list: most lines have a label, and some name a path."""
    num_lines, pairs = _first_pairs(guard, path)
    is_named = any(is_picture_name(name) or "/" in name for name, _ in pairs)
    return is_named and len(pairs) >= 0.5 * num_lines


def _first_pairs(guard: GuardedFolder, path: str) -> tuple[int, list[tuple[str, str]]]:
    """How many of the first lines are not empty, and path and label of those that have both."""
    lines = [line for line in islice(open_lines(guard, path), LOOK_AT) if line.strip()]
    return len(lines), [pair for pair in map(split_line, lines) if pair is not None]


def _is_text(path: str) -> bool:
    return path.isascii() or not any(0xD800 <= ord(char) < 0xE000 for char in path)

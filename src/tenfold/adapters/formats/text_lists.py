"""Text lists with a path and a label a line, as DIGITS and Caffe have them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from tenfold.adapters.formats.guarded_folder import GuardedFolder
from tenfold.adapters.formats.text_lines import estimated_lines, open_lines
from tenfold.adapters.formats.whereabouts import LOOK_AT, Whereabouts, cleaned, is_picture_name, locate
from tenfold.core.datasets.layouts import MAX_SHOWN_CLASSES, Look, SplitCount, class_name_of
from tenfold.core.datasets.model import RejectedFile, Split
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

    A line is split at its last blank, so that paths may hold blanks. Without class names the label itself is one.
    Relative paths start from the folder `pictures`, or without it from where most of them are found.
    """

    def __init__(
        self,
        guard: GuardedFolder,
        lists: Sequence[TextList],
        *,
        class_names: Sequence[str] = (),
        pictures: GuardedFolder | None = None,
    ) -> None:
        if not lists:
            raise BadDataset(
                "There is no list: a list is a text file with a path and a label a line.", code="list.none"
            )
        self._guard = guard
        self._lists = tuple(lists)
        self._class_names = tuple(class_names)
        self._known = frozenset(class_names)
        self._pictures = pictures or guard
        self._where = {each.path: self._locate(each.path) for each in lists}

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:
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
        names = dict.fromkeys(self._class_names)
        for each in self._lists if not names else ():
            pairs = (split_line(line) for line in islice(open_lines(self._guard, each.path), _LOOK_FOR_CLASSES))
            names.update(dict.fromkeys(pair[1] for pair in pairs if pair is not None))
        return Look(counts=tuple(counts), classes=tuple(names)[:MAX_SHOWN_CLASSES], notes=tuple(self._missing()))

    def _missing(self) -> Iterator[str]:
        for path, where in self._where.items():
            missing = where.num_looked_at - where.num_found
            if missing:
                yield f"Of the first {where.num_looked_at} pictures that {path} names, {missing} are not there."

    def _find(self, line: str, place: str, where: Whereabouts, split: Split | None) -> Find:
        pair = split_line(line)
        if pair is None:
            text = "The line has no label: a path, a blank and a label are expected."
            return RejectedFile(place, "list.no-label", text) if line.strip() else Skipped("empty line")
        name, label = pair
        if "://" in name:
            return RejectedFile(place, "list.address", "It is an address: only files of this machine are read.")
        if "\0" in name or not _is_text(name):
            return RejectedFile(place, "file.name", "The path is not valid UTF-8, or has a NUL in it.")
        class_name = self._class_name(label)
        if class_name is None:
            shown = label[:60].encode("utf-8", "replace").decode()
            allowed = f"there are {len(self._class_names)} classes, from 0" if self._class_names else "no text"
            return RejectedFile(place, "list.label", f"The label {shown!r} is no class: {allowed}.")
        return SourceFile(where.path_of(cleaned(name)), class_name, split)

    def _class_name(self, label: str) -> str | None:
        if not self._class_names or label in self._known:
            return class_name_of(label)
        if label.isdecimal() and len(label) < 10 and int(label) < len(self._class_names):
            return self._class_names[int(label)]
        return None

    def _locate(self, path: str) -> Whereabouts:
        pairs = (split_line(line) for line in islice(open_lines(self._guard, path), LOOK_AT))
        names = [pair[0] for pair in pairs if pair is not None]
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
        lines = [line for line in islice(open_lines(guard, path), LOOK_AT) if line.strip()]
    except BadDataset:
        return False
    pairs = [pair for pair in map(split_line, lines) if pair is not None]
    named = sum(is_picture_name(name) for name, _ in pairs)
    return bool(lines) and named >= 0.8 * len(lines)


def _is_text(path: str) -> bool:
    return path.isascii() or not any(0xD800 <= ord(char) < 0xE000 for char in path)

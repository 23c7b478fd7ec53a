"""What a source holds, on the disk while an import works on it: unique paths in their order, and what was rejected."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np

from tenfold.adapters.formats.files.text_column import TextColumn, write_texts
from tenfold.core.datasets.group_split import NO_GROUP
from tenfold.core.datasets.label_texts import join_classes
from tenfold.core.datasets.model import SPLITS, RejectedFile
from tenfold.core.datasets.planning import FileRows, FoundFiles
from tenfold.core.datasets.ports import Find, Note, ShouldStop, Skipped, SourceFile
from tenfold.core.datasets.split import NO_SPLIT, Draws, draw, draw_all
from tenfold.core.errors import BadDataset, StorageFull, is_disk_full

MAX_CLASSES = 100_000
_AT_ONCE = 2000
_CACHE_KIB = 8192
_SCHEMA = """
CREATE TABLE files(id INTEGER PRIMARY KEY, path TEXT UNIQUE, class INTEGER, split INTEGER, value REAL, grp INTEGER,
                   weight REAL, times INTEGER DEFAULT 1, clashes INTEGER DEFAULT 0);
CREATE TABLE groups(id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE rejected(rank INTEGER UNIQUE, path TEXT, code TEXT, message TEXT);
CREATE TABLE skipped(reason TEXT PRIMARY KEY, count INTEGER);
CREATE TABLE notes(text TEXT PRIMARY KEY);
CREATE TABLE classes(id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE done(what TEXT PRIMARY KEY);
"""
_ADD_PLAIN = """
INSERT INTO files(path, class, split) VALUES (?, ?, ?) ON CONFLICT(path) DO UPDATE
SET times = times + 1, clashes = clashes + (class IS NOT excluded.class OR split IS NOT excluded.split
    OR value IS NOT NULL OR grp IS NOT NULL OR weight IS NOT NULL)
"""
_ADD_TOLD = """
INSERT INTO files(path, class, split, value, grp, weight)
VALUES (?, ?, ?, ?, (SELECT id FROM groups WHERE name = ?), ?) ON CONFLICT(path) DO UPDATE
SET times = times + 1, clashes = clashes + (class IS NOT excluded.class OR split IS NOT excluded.split
    OR value IS NOT excluded.value OR grp IS NOT excluded.grp OR weight IS NOT excluded.weight)
"""
_TORN = "SELECT grp FROM files WHERE grp IS NOT NULL AND split >= 0 GROUP BY grp HAVING min(split) < max(split)"
_LISTING = "listing-2.sqlite"  # a listing that an earlier version left is not gone on with


class ImportTable:
    """The listing of one import in a folder. A listing that was not completed is begun anew when it is opened again.

    Used from one thread. Memory does not grow with the number of files, but for the numbers that `found` returns.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with _disk_errors():
            self._open(folder / _LISTING)

    def _open(self, path: Path) -> None:
        if path.exists() and not _is_complete(path):
            path.unlink()
        is_new = not path.exists()
        self._table = sqlite3.connect(path, isolation_level=None)
        self._table.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._table.execute("PRAGMA synchronous = OFF")
        self._table.execute("PRAGMA journal_mode = TRUNCATE")
        self.is_listed = not is_new
        if is_new:
            self._table.executescript(_SCHEMA)

    def close(self) -> None:
        self._table.close()

    def list_all(self, finds: Iterator[Find], *, should_stop: ShouldStop, tell: Callable[[int], None]) -> None:
        """Takes in all finds and sorts them. `tell` hears now and then how many files there are so far.

        A path that is offered twice counts once; with two labels or splits it is rejected, and so are all files of a
        group to which a source gives two splits.
        """
        classes: dict[str, int] = {}
        count = 0
        while (block := list(islice(finds, _AT_ONCE))) and not should_stop():
            with self._transaction():
                self._take(block, classes)
            count += len(block)
            tell(count)
        if should_stop():
            return
        with self._transaction():
            self._table.executemany("INSERT INTO classes VALUES (?, ?)", [(at, name) for name, at in classes.items()])
            self._settle_twice_listed()
            self._settle_torn_groups()
            paths = self._table.execute("SELECT path FROM files ORDER BY path")
            write_texts(self._folder, "found", (path for (path,) in paths))
            self._table.execute("INSERT INTO done VALUES ('listing')")
        self.is_listed = True

    def found(self, seed: int) -> FoundFiles:
        """What is known of every file by its rank, its place in the order of paths."""
        (count,) = self._table.execute("SELECT count(*) FROM files").fetchone()
        has = self._table.execute("SELECT count(value), count(grp), count(weight) FROM files").fetchone()
        labels, given = np.empty(count, np.int32), np.empty(count, np.int8)
        draws = np.empty(count, np.uint64)
        values, groups, weights = (
            np.empty(count, dtype) if found else None
            for found, dtype in zip(has, (np.float64, np.int32, np.float32), strict=True)
        )
        files = self._table.execute("SELECT path, class, split, value, grp, weight FROM files ORDER BY path")
        first = 0
        while block := files.fetchmany(_AT_ONCE):
            here = slice(first, first := first + len(block))
            paths, labels[here], given[here], numbers, of_groups, weighed = zip(*block, strict=True)
            draws[here] = draw_all(seed, paths)
            if values is not None:
                values[here] = numbers
            if groups is not None:
                groups[here] = [NO_GROUP if group is None else group for group in of_groups]
            if weights is not None:
                weights[here] = [1 if weight is None else weight for weight in weighed]
        names = tuple(name for (name,) in self._table.execute("SELECT name FROM classes ORDER BY id"))
        rows = FileRows(labels, given, draws, values, groups, weights)
        return FoundFiles(names, rows, self._group_draws(seed) if groups is not None else np.zeros(0, np.uint64))

    def group_name(self, number: int) -> str:
        """The name of a group by the number that `found` gave it."""
        (name,) = self._table.execute("SELECT name FROM groups WHERE id = ?", (number,)).fetchone()
        return str(name)

    def groups(self) -> Iterator[tuple[int, str]]:
        """All groups: number and name."""
        yield from self._table.execute("SELECT id, name FROM groups ORDER BY id")

    def _group_draws(self, seed: int) -> Draws:
        (last,) = self._table.execute("SELECT max(id) FROM groups").fetchone()
        draws = np.zeros(last + 1, np.uint64)
        for number, name in self.groups():
            draws[number] = draw(seed, name)
        return draws

    def paths(self) -> TextColumn:
        """The paths by rank."""
        (count,) = self._table.execute("SELECT count(*) FROM files").fetchone()
        return TextColumn(self._folder, "found", num_texts=count)

    def reject(self, files: Mapping[int, RejectedFile]) -> None:
        """Adds what turned out to be unusable later, by rank; the same file twice counts once."""
        if files:
            values = [(rank, file.path, file.code, file.message) for rank, file in files.items()]
            with self._transaction():
                self._table.executemany("INSERT OR REPLACE INTO rejected VALUES (?, ?, ?, ?)", values)

    def rejected(self) -> Iterator[RejectedFile]:
        """All rejected files by path."""
        for row in self._table.execute("SELECT path, code, message FROM rejected ORDER BY path, code"):
            yield RejectedFile(*row)

    def rejected_by_code(self) -> Mapping[str, int]:
        return dict(self._table.execute("SELECT code, count(*) FROM rejected GROUP BY code ORDER BY code"))

    def skipped(self) -> Mapping[str, int]:
        return dict(self._table.execute("SELECT reason, count FROM skipped ORDER BY reason"))

    def notes(self) -> tuple[str, ...]:
        return tuple(text for (text,) in self._table.execute("SELECT text FROM notes ORDER BY rowid"))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _disk_errors():
            self._table.execute("BEGIN")
            yield
            self._table.execute("COMMIT")

    def _take(self, block: list[Find], classes: dict[str, int]) -> None:
        plain: list[tuple[str, int, int]] = []
        told: list[tuple[object, ...]] = []
        for find in block:
            if isinstance(find, SourceFile):
                split = NO_SPLIT if find.split is None else SPLITS.index(find.split)
                label = find.class_name if find.classes is None else join_classes(find.classes)
                number = classes.setdefault(label, len(classes))
                if find.value is None and find.weight == 1 and not find.group:
                    plain.append((find.path, number, split))
                    continue
                weight = find.weight if find.weight != 1 else None
                told.append((find.path, number, split, find.value, find.group or None, weight))
            elif isinstance(find, RejectedFile):
                values = (find.path, find.code, find.message)
                self._table.execute("INSERT INTO rejected(path, code, message) VALUES (?, ?, ?)", values)
            elif isinstance(find, Skipped):
                self._skip(find.reason, find.count)
            else:
                assert isinstance(find, Note)
                self._table.execute("INSERT OR IGNORE INTO notes VALUES (?)", (find.text,))
        groups = dict.fromkeys((file[4],) for file in told if file[4])
        self._table.executemany("INSERT OR IGNORE INTO groups(name) VALUES (?)", groups)
        self._table.executemany(_ADD_PLAIN, plain)
        self._table.executemany(_ADD_TOLD, told)
        if len(classes) > MAX_CLASSES:
            text = f"There are over {MAX_CLASSES:,} classes, or sets of them: are the class names perhaps file names?"
            raise BadDataset(text, code="dataset.too-many-classes")

    def _settle_twice_listed(self) -> None:
        (again,) = self._table.execute("SELECT total(times - 1) FROM files").fetchone()
        if again:
            self._skip("listed again", int(again))
        text = "It is listed with two labels, splits, groups or weights: leave one of them."
        self._table.execute(
            "INSERT INTO rejected SELECT NULL, path, 'file.two-classes', ? FROM files WHERE clashes", (text,)
        )
        self._table.execute("DELETE FROM files WHERE clashes")

    def _settle_torn_groups(self) -> None:
        """Rejects all files of a group that a source puts into two splits."""
        text = "'The group ' || groups.name || ' is named in two splits: put all of its files into one.'"
        self._table.execute(
            f"INSERT INTO rejected SELECT NULL, path, 'group.two-splits', {text} "
            f"FROM files JOIN groups ON groups.id = grp WHERE grp IN ({_TORN})"
        )
        self._table.execute(f"DELETE FROM files WHERE grp IN ({_TORN})")

    def _skip(self, reason: str, count: int) -> None:
        self._table.execute(
            "INSERT INTO skipped VALUES (?, ?) ON CONFLICT(reason) DO UPDATE SET count = count + excluded.count",
            (reason, count),
        )


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Turns SQLite's and the system's words for a full disk into `StorageFull`."""
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        if isinstance(error, sqlite3.OperationalError):
            is_full = error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
        else:
            is_full = is_disk_full(error)
        if not is_full:
            raise
        raise StorageFull("There is no room for the list of files: free some and start again.") from error


def _is_complete(path: Path) -> bool:
    """Whether a listing was completed; a file that is no whole database was not."""
    try:
        table = sqlite3.connect(path)
        try:
            return bool(table.execute("SELECT 1 FROM done WHERE what = 'listing'").fetchone())
        finally:
            table.close()
    except sqlite3.DatabaseError:
        return False

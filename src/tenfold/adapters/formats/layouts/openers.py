"""The opener of each layout: whether a folder or file has it, and the source if it does."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Protocol

from tenfold.adapters.formats.files.apart import ReaderApart
from tenfold.adapters.formats.files.array_files import ArrayFiles
from tenfold.adapters.formats.files.guarded_folder import GuardedFolder
from tenfold.adapters.formats.files.named_arrays import find_class_names, paired
from tenfold.adapters.formats.files.text_lines import open_lines, read_class_names
from tenfold.adapters.formats.layouts.array_source import ArraySource, require_parts
from tenfold.adapters.formats.layouts.class_names import ClassNames
from tenfold.adapters.formats.layouts.coco_table import CocoTable, find_coco, split_of_coco
from tenfold.adapters.formats.layouts.digits_job import JOB_FOLDERS, job_hdf5_files, job_notes, lmdb_parts
from tenfold.adapters.formats.layouts.image_folder import ImageFolder
from tenfold.adapters.formats.layouts.joined import Addresses
from tenfold.adapters.formats.layouts.lmdb_source import FILE as LMDB_FILE
from tenfold.adapters.formats.layouts.lmdb_source import LmdbSource
from tenfold.adapters.formats.layouts.scene import CLASS_NAME_FILES, Part, Scene
from tenfold.adapters.formats.layouts.table_files import find_tables, is_parquet, open_table, split_of_table
from tenfold.adapters.formats.layouts.table_source import TablePart, TableSource
from tenfold.adapters.formats.layouts.text_lists import ListSource, TextList, looks_like_a_list, may_be_a_list
from tenfold.core.datasets.layouts import (
    HDF5_FILES,
    LIST_FILES,
    MAX_SHOWN_CLASSES,
    NUMPY_FILES,
    LayoutName,
    Look,
    SourceChoice,
    SplitCount,
    split_of_name,
)
from tenfold.core.datasets.model import Split
from tenfold.core.datasets.ports import Find, Note, SampleSource, ShouldStop, SourceFile, never
from tenfold.core.errors import BadDataset

LOOK_AT_FILES = 20_000
LOOK_S = 3.0
MAX_TABLES = 50
FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


class LookedAt(SampleSource, Protocol):
    """A source that can say what it holds without reading it."""

    @property
    def files(self) -> GuardedFolder | None:
        """Where its pictures lie as files, by the paths that it finds; `None` where they are parts of files."""
        ...

    def look(self) -> Look:
        """What the first bytes tell."""
        ...


@dataclass(frozen=True, kw_only=True)
class SourcePlaces:
    """Folders of a source: files are read inside `allowed`, pictures of a list also inside `roots`.

    `work` takes what must be unpacked and is kept between attempts; `apart` reads what may end a process. With
    `addresses` lists and tables may name pictures by addresses of the web.
    """

    work: Path
    addresses: Addresses | None = None
    allowed: Path | None = None
    roots: tuple[Path, ...] = ()
    apart: ReaderApart = field(default_factory=ReaderApart)


Opener = Callable[[Scene, SourceChoice, SourcePlaces], LookedAt | None]


class _Noted:
    """A source with notes of how it was found before its own."""

    def __init__(self, source: LookedAt, notes: tuple[str, ...]) -> None:
        self._source = source
        self._notes = notes
        self.read = source.read
        self.files = source.files

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:
        yield from (Note(text) for text in self._notes)
        yield from self._source.finds(use_splits=use_splits, should_stop=should_stop)

    def look(self) -> Look:
        look = self._source.look()
        return replace(look, notes=(*self._notes, *look.notes))


class _ClassFolders:
    """A folder with a folder a class, with a look at it."""

    def __init__(self, source: ImageFolder) -> None:
        self.finds = source.finds
        self.read = source.read
        self.files = source.files

    def look(self) -> Look:
        """Counts of the first files; beyond that they are not exact."""
        counts: Counter[Split | None] = Counter()
        classes: dict[str, None] = {}
        is_late = _deadline()
        finds = list(islice(self.finds(should_stop=is_late), LOOK_AT_FILES))
        for find in finds:
            if isinstance(find, SourceFile):
                counts[find.split] += 1
                classes.setdefault(find.class_name)
        is_exact = len(finds) < LOOK_AT_FILES and not is_late()
        return Look(
            counts=tuple(SplitCount(split, count, is_exact) for split, count in counts.items()),
            classes=tuple(classes)[:MAX_SHOWN_CLASSES],
        )


def _pictures(scene: Scene, choice: SourceChoice, places: SourcePlaces) -> GuardedFolder | None:
    """The folder that relative paths were said to start from, inside the roots; `None` if nothing was said."""
    if not choice.prefix:
        return None
    if not choice.prefix.startswith("/"):
        return scene.guard.below(choice.prefix)
    root = next((root for root in places.roots if Path(choice.prefix).is_relative_to(root)), None)
    if root is None:
        raise BadDataset(f"{choice.prefix} lies outside the folders that may be read.", code="dataset.outside")
    return GuardedFolder(Path(choice.prefix), allowed=root)


def _open_lists(scene: Scene, choice: SourceChoice, places: SourcePlaces) -> ListSource | None:
    texts = [name for name in scene.files if name.casefold().endswith(LIST_FILES)]
    texts = [name for name in texts if name.casefold() not in CLASS_NAME_FILES and name != "mean.txt"]
    lists = [TextList(name, split_of_name(name.rpartition(".")[0])) for name in texts]
    if not scene.is_file and any(each.split for each in lists):
        lists = [each for each in lists if each.split]
    if choice.layout is None and not scene.is_file:
        lists = [each for each in lists if looks_like_a_list(scene.guard, each.path)]
    if not lists:
        return None
    if choice.layout is None and scene.is_file and not may_be_a_list(scene.guard, texts[0]):
        first = next(iter(open_lines(scene.guard, texts[0])), "").strip()[:60]
        told = f"its first line is {first!r}" if first else "its first line is empty"
        text = f"{texts[0]} is no list of pictures: on each line one has a path, a blank and a label; {told}."
        raise BadDataset(text, code="list.none")
    source = ListSource(
        scene.guard,
        lists,
        class_names=_class_names(scene),
        kind=choice.label_kind,
        pictures=_pictures(scene, choice, places),
        takes_addresses=places.addresses is not None,
    )
    is_meant = choice.layout is not None or scene.is_file or source.is_backed
    return source if is_meant or not _has_class_folders(scene) else None


def _open_tables(scene: Scene, choice: SourceChoice, places: SourcePlaces) -> TableSource | None:
    """Parquet files, `metadata` tables beside pictures, or the tables of the folder that have what is needed."""
    paths = find_tables(scene)

    def source(chosen: Sequence[str]) -> TableSource:
        parts = [TablePart(open_table(scene.guard, path, places.apart), split_of_table(path)) for path in chosen]
        return TableSource(
            scene.guard,
            parts,
            work=places.work,
            choice=choice,
            class_names=_class_names(scene),
            pictures=_pictures(scene, choice, places),
            takes_addresses=places.addresses is not None,
        )

    if not paths:
        return None
    if scene.is_file or choice.layout is not None:
        return source(paths)
    if not all(is_parquet(path) for path in paths):
        paths = [path for path in paths[:MAX_TABLES] if _is_usable(source([path]))]
    found = source(paths) if paths else None
    if found is None or not found.is_complete:
        return None
    return found if found.is_backed or not _has_class_folders(scene) else None


def _open_coco(scene: Scene, choice: SourceChoice, places: SourcePlaces) -> LookedAt | None:
    """COCO-style files beside their pictures; a column of labels that holds no class of a picture is its number."""
    paths = find_coco(scene, is_meant=choice.layout is not None)
    if not paths:
        return None
    tables = [CocoTable(scene.guard, path) for path in paths]
    source = TableSource(
        scene.guard,
        [TablePart(table, split_of_coco(table.path)) for table in tables],
        work=places.work,
        choice=choice,
        pictures=_pictures(scene, choice, places),
        takes_addresses=places.addresses is not None,
    )
    if choice.layout is None and not scene.is_file and not source.is_backed:
        return None
    return _Noted(source, tuple(note for table in tables for note in table.notes()))


def _is_usable(source: TableSource) -> bool:
    """Whether a table that lies among other things is one of pictures; a damaged one is not."""
    try:
        return source.is_complete
    except BadDataset:
        return False


def _array_opener(find: Callable[[Scene], list[str]], kind: str, *, channels_first: bool = False) -> Opener:
    """Opens the arrays in all files of a kind that lie in a folder, with the classes that a file beside them names."""

    def opened(scene: Scene, choice: SourceChoice, places: SourcePlaces) -> ArraySource | None:
        paths = find(scene)
        if not paths or (not scene.is_file and choice.layout is None and _has_class_folders(scene)):
            return None
        files = ArrayFiles(scene.guard, places.work, places.apart)
        readers = {"idx": files.idx, "npy": files.npy, "npz": files.npz, "hdf5": files.hdf5}
        kinds = [path.rpartition(".")[2].casefold() if kind == "numpy" else kind for path in paths]
        arrays = [array for path, own in zip(paths, kinds, strict=True) for array in readers[own](path)]
        parts = paired(arrays)
        require_parts(parts, ", ".join(paths[:5]))
        names, note = _array_class_names(scene, kind)
        return ArraySource(
            parts,
            class_names=names,
            names=find_class_names(arrays) if not names.names else None,
            channels_first=channels_first,
            notes=(note,) if note else (),
            kind=choice.label_kind,
        )

    return opened


def _class_names(scene: Scene) -> ClassNames:
    """The classes that a file beside the data names, by number; none if there is no such file."""
    path = scene.class_names_path
    return ClassNames(read_class_names(scene.guard, path), path) if path else ClassNames()


def _array_class_names(scene: Scene, kind: str) -> tuple[ClassNames, str]:
    if scene.class_names_path:
        return _class_names(scene), f"{scene.class_names_path} names the classes."
    is_fashion = kind == "idx" and "fashion" in scene.folder.rpartition("/")[2].casefold()
    note = "The classes are called as in Fashion-MNIST."
    return (ClassNames(FASHION, "Fashion-MNIST"), note) if is_fashion else (ClassNames(), "")


def _find_idx(scene: Scene) -> list[str]:
    if scene.is_file:
        chosen = scene.files[0]
        return sorted(name for name in scene.files_in("") if is_idx(name)) if is_idx(chosen) else []
    plain = {name for name in scene.files if is_idx(name)}
    return sorted(name for name in plain if name.removesuffix(".gz") not in plain - {name})


def _find_by_extension(*extensions: str) -> Callable[[Scene], list[str]]:
    return lambda scene: [name for name in scene.files if name.casefold().endswith(extensions)]


def is_idx(name: str) -> bool:
    """Whether a file is called as IDX files are."""
    return re.search(r"idx\d[-.]u?byte(\.gz)?$|\.idx\d?(\.gz)?$|[-.]ubyte(\.gz)?$", name.casefold()) is not None


def _open_lmdb(scene: Scene, choice: SourceChoice, _places: SourcePlaces) -> LmdbSource | None:
    if scene.is_file:
        parts = [Part("", None)] if scene.files == (LMDB_FILE,) else []
    else:
        parts = [Part("", None)] if LMDB_FILE in scene.files else lmdb_parts(scene)
    if not parts or (choice.layout is None and not scene.is_file and _has_class_folders(scene)):
        return None
    return LmdbSource(scene.guard, parts, class_names=_class_names(scene))


def _open_digits(scene: Scene, choice: SourceChoice, places: SourcePlaces) -> LookedAt | None:
    """A DIGITS job by its databases, or by its lists when these are gone; its pickle is not opened."""
    is_job = "status.pickle" in scene.files or any(name in JOB_FOLDERS for name in scene.folders)
    if scene.is_file or not is_job:
        return None
    parts = lmdb_parts(scene)
    source: LookedAt | None = LmdbSource(scene.guard, parts, class_names=_class_names(scene)) if parts else None
    source = source or _open_job_hdf5(scene, choice, places) or _open_lists(scene, choice, places)
    return _Noted(source, tuple(job_notes(scene))) if source is not None else None


def _open_folders(scene: Scene, _choice: SourceChoice, _places: SourcePlaces) -> _ClassFolders | None:
    return None if scene.is_file else _ClassFolders(scene.class_folders())


def _has_class_folders(scene: Scene) -> bool:
    finds = islice(scene.class_folders().finds(should_stop=_deadline()), LOOK_AT_FILES)
    return any(isinstance(find, SourceFile) for find in finds)


def _deadline() -> ShouldStop:
    """Asks to stop once a look has taken long enough."""
    end = time.monotonic() + LOOK_S
    return lambda: time.monotonic() > end


_open_hdf5 = _array_opener(_find_by_extension(*HDF5_FILES), "hdf5", channels_first=True)
_open_job_hdf5 = _array_opener(job_hdf5_files, "hdf5", channels_first=True)
OPENERS: Mapping[LayoutName, Opener] = {
    "digits": _open_digits,
    "lmdb": _open_lmdb,
    "idx": _array_opener(_find_idx, "idx"),
    "hdf5": _open_hdf5,
    "arrays": _array_opener(_find_by_extension(*NUMPY_FILES), "numpy"),
    "coco": _open_coco,
    "table": _open_tables,
    "list": _open_lists,
    "folders": _open_folders,
}

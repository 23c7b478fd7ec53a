"""Which layout a path has, and the source that reads it."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

from tenfold.adapters.formats.apart import ReaderApart
from tenfold.adapters.formats.array_files import ArrayFiles
from tenfold.adapters.formats.array_source import ArraySource, require_parts
from tenfold.adapters.formats.guarded_folder import GuardedFolder
from tenfold.adapters.formats.image_folder import ImageFolder
from tenfold.adapters.formats.named_arrays import find_class_names, paired
from tenfold.adapters.formats.scene import CLASS_NAME_FILES, Scene
from tenfold.adapters.formats.table_files import TABLE_FILES, find_tables, is_parquet, open_table, split_of_table
from tenfold.adapters.formats.table_source import TablePart, TableSource
from tenfold.adapters.formats.text_lines import read_class_names
from tenfold.adapters.formats.text_lists import ListSource, TextList, looks_like_a_list
from tenfold.core.datasets.layouts import (
    LAYOUTS,
    MAX_SHOWN_CLASSES,
    LayoutName,
    LayoutPreview,
    Look,
    SourceChoice,
    SplitCount,
    split_of_name,
)
from tenfold.core.datasets.model import Split
from tenfold.core.datasets.ports import SampleSource, SourceFile
from tenfold.core.errors import BadDataset

LOOK_AT_FILES = 20_000
MAX_NAME_BYTES = 200
MAX_TABLES = 50
LIST_FILES = (".txt", ".lst", ".list")
HDF5_FILES = (".h5", ".hdf5", ".hdf")
NUMPY_FILES = (".npz", ".npy")
SINGLE_FILES = (*LIST_FILES, *TABLE_FILES, *HDF5_FILES, *NUMPY_FILES)
FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


class LookedAt(SampleSource, Protocol):
    """A source that can say what it holds without reading it."""

    def look(self) -> Look:
        """What the first bytes tell."""
        ...


@dataclass(frozen=True, kw_only=True)
class SourcePlaces:
    """Folders of a source: files are read inside `allowed`, pictures of a list also inside `roots`.

    `work` takes what must be unpacked and is kept between attempts; `apart` reads what may end a process.
    """

    work: Path
    allowed: Path | None = None
    roots: tuple[Path, ...] = ()
    apart: ReaderApart = field(default_factory=ReaderApart)


Opener = Callable[[Scene, SourceChoice, SourcePlaces], LookedAt | None]


class Layouts:
    """Fulfils `LayoutReader`; `roots` are the folders that may be read, `work` is a folder for nothing yet."""

    def __init__(self, roots: tuple[Path, ...], work: Path) -> None:
        self._roots = roots
        self._work = work

    def preview(self, path: str, choice: SourceChoice) -> LayoutPreview:
        allowed = next((root for root in self._roots if Path(path).is_relative_to(root)), None)
        places = SourcePlaces(work=self._work, allowed=allowed, roots=self._roots)
        name, scene, source = _open(Path(path), places, choice)
        look = source.look()
        return LayoutPreview(name, scene.folder, _sentence(name, look), look)


def open_source(path: Path, places: SourcePlaces, choice: SourceChoice) -> SampleSource:
    """The source over a folder or file, in the chosen layout or the one that is recognised.

    Nothing is read yet but what recognition needs. Raises `BadDataset` for what has no known layout or not the chosen
    one.
    """
    return _open(path, places, choice)[2]


def is_single_file(name: str) -> bool:
    """Whether an uploaded file is a source itself and no archive of one, by its name."""
    return name.casefold().endswith(SINGLE_FILES)


def place_single_file(uploaded: Path, folder: Path, name: str) -> None:
    """Puts an uploaded file under its own name into a new folder."""
    own = name.rpartition("/")[2]
    if own.startswith(".") or not own.isprintable() or len(own.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        own = f"uploaded{own[own.rfind('.') :]}"
    folder.mkdir(mode=0o700)
    try:
        os.link(uploaded, folder / own)
    except OSError:
        shutil.copyfile(uploaded, folder / own)


class _ClassFolders:
    """A folder with a folder a class, with a look at it."""

    def __init__(self, source: ImageFolder) -> None:
        self.finds = source.finds
        self.read = source.read

    def look(self) -> Look:
        """Counts of the first files; beyond that they are not exact."""
        counts: Counter[Split | None] = Counter()
        classes: dict[str, None] = {}
        finds = list(islice(self.finds(), LOOK_AT_FILES))
        for find in finds:
            if isinstance(find, SourceFile):
                counts[find.split] += 1
                classes.setdefault(find.class_name)
        is_exact = len(finds) < LOOK_AT_FILES
        return Look(
            counts=tuple(SplitCount(split, count, is_exact) for split, count in counts.items()),
            classes=tuple(classes)[:MAX_SHOWN_CLASSES],
        )


def _open(path: Path, places: SourcePlaces, choice: SourceChoice) -> tuple[LayoutName, Scene, LookedAt]:
    scene = Scene(path, allowed=places.allowed)
    if choice.layout is not None:
        source = _OPENERS[choice.layout](scene, choice, places)
        if source is None:
            where = "This file is" if scene.is_file else "Here is"
            raise BadDataset(f"{where} not {LAYOUTS[choice.layout]}.", code="dataset.layout")
        return choice.layout, scene, source
    for name, opener in _OPENERS.items():
        source = opener(scene, choice, places)
        if source is not None:
            return name, scene, source
    raise BadDataset("The file is of no known kind: choose a folder, a list, a table or arrays.", code="dataset.layout")


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
    names = read_class_names(scene.guard, scene.class_names_path) if scene.class_names_path else ()
    source = ListSource(scene.guard, lists, class_names=names, pictures=_pictures(scene, choice, places))
    is_meant = choice.layout is not None or scene.is_file or source.is_backed
    return source if is_meant or not _has_class_folders(scene) else None


def _open_tables(scene: Scene, choice: SourceChoice, places: SourcePlaces) -> TableSource | None:
    """Parquet files, `metadata` tables beside pictures, or the tables of the folder that have what is needed."""
    paths = find_tables(scene)
    names = read_class_names(scene.guard, scene.class_names_path) if scene.class_names_path else ()

    def source(chosen: Sequence[str]) -> TableSource:
        parts = [TablePart(open_table(scene.guard, path, places.apart), split_of_table(path)) for path in chosen]
        return TableSource(
            scene.guard,
            parts,
            work=places.work,
            columns=choice.columns,
            class_names=names,
            pictures=_pictures(scene, choice, places),
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
            names=find_class_names(arrays) if not names else None,
            channels_first=channels_first,
            notes=(note,) if note else (),
        )

    return opened


def _array_class_names(scene: Scene, kind: str) -> tuple[tuple[str, ...], str]:
    if scene.class_names_path:
        return read_class_names(scene.guard, scene.class_names_path), ""
    is_fashion = kind == "idx" and "fashion" in scene.folder.rpartition("/")[2].casefold()
    return (FASHION, "The classes are called as in Fashion-MNIST.") if is_fashion else ((), "")


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


def _open_folders(scene: Scene, _choice: SourceChoice, _places: SourcePlaces) -> _ClassFolders | None:
    return None if scene.is_file else _ClassFolders(scene.class_folders())


def _has_class_folders(scene: Scene) -> bool:
    finds = islice(scene.class_folders().finds(), LOOK_AT_FILES)
    return any(isinstance(find, SourceFile) for find in finds)


def _sentence(name: LayoutName, look: Look) -> str:
    parts = [_count_words(each) for each in look.counts if each.count]
    seen = f": {', '.join(parts)}" if parts else ""
    return f"This is {LAYOUTS[name]}{seen}."


def _count_words(count: SplitCount) -> str:
    number = f"{count.count:,}" if count.is_exact else f"about {count.count:,}"
    purpose = {"train": "for training", "val": "for validation", "test": "for testing", None: "to be divided"}
    return f"{number} pictures {purpose[count.split]}"


_OPENERS: Mapping[LayoutName, Opener] = {
    "idx": _array_opener(_find_idx, "idx"),
    "hdf5": _array_opener(_find_by_extension(*HDF5_FILES), "hdf5", channels_first=True),
    "arrays": _array_opener(_find_by_extension(*NUMPY_FILES), "numpy"),
    "table": _open_tables,
    "list": _open_lists,
    "folders": _open_folders,
}

"""What a bucket holds beside class folders: archives, arrays and tables, which are fetched first."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tenfold.adapters.formats.layouts.openers import SourcePlaces, is_idx
from tenfold.adapters.formats.layouts.recognition import open_source
from tenfold.adapters.formats.layouts.scene import CLASS_NAME_FILES
from tenfold.adapters.sources.bucket import BucketSource, StoredObject
from tenfold.core.datasets.layouts import (
    ARCHIVE_FILES,
    COCO_FILES,
    HDF5_FILES,
    LIST_FILES,
    NUMPY_FILES,
    PARQUET_FILES,
    TABLE_FILES,
    SourceChoice,
)
from tenfold.core.datasets.ports import Find, Note, SampleSource, ShouldStop, SourceFile, never
from tenfold.core.errors import BadDataset, TooLarge

WHOLE = (*ARCHIVE_FILES, *PARQUET_FILES, *HDF5_FILES, *NUMPY_FILES)
"""Files that hold pictures themselves."""
NAMING = (*TABLE_FILES, *COCO_FILES, *LIST_FILES)
MAX_FETCHED = 50 * 1000**3
FETCHED = "fetched"


@dataclass(frozen=True)
class BucketContent:
    """Opens what lies in a bucket; `open_sent` opens files that were fetched into a folder."""

    bucket: BucketSource
    work: Path
    choice: SourceChoice
    open_sent: Callable[[Path], SampleSource | None]
    should_stop: Callable[[], bool]
    tell: Callable[[str], None]

    def open(self) -> SampleSource | None:
        """Files that hold pictures, a table or list that names them, else class folders; `None` if it was stopped."""
        top = self.bucket.top()
        whole = [each for each in top.files if each.name.casefold().endswith(WHOLE) or is_idx(each.name)]
        if whole and not top.folders:
            return self.open_sent(self.work / FETCHED) if self._fetch(whole) else None
        naming = [each for each in top.files if each.name.casefold().endswith(NAMING) and not _tells_people(each.name)]
        if len(naming) == 1:
            if not self._fetch(naming):
                return None
            named = self._named(self.work / FETCHED / naming[0].name, top.folders)
            if named is not None:
                return named
        left = [each.name for each in (*whole, *naming)]
        return _ClassFolders(self.bucket, tuple(left)) if left else self.bucket

    def _named(self, path: Path, folders: tuple[str, ...]) -> SampleSource | None:
        """The pictures that a table or list names; `None` where it names none."""
        try:
            source = open_source(path, SourcePlaces(work=self.work, allowed=path.parent), self.choice)
            first = list(islice((find for find in source.finds() if isinstance(find, SourceFile)), 3))
        except BadDataset as error:
            self.tell(f"{path.name} is not read: {error.message}")
            return None
        for start in ("", *(f"{name}/" for name in folders[:40])):
            if any(self.bucket.has(start + find.path) for find in first):
                return _Named(source, self.bucket, start)
        return None

    def _fetch(self, files: list[StoredObject]) -> bool:
        """Fetches files once; false if it was stopped."""
        folder, mark = self.work / FETCHED, self.work / f"{FETCHED}.done"
        if mark.exists():
            return True
        if sum(each.size_bytes for each in files) > MAX_FETCHED:
            limit = f"{MAX_FETCHED / 1e9:g} GB"
            raise TooLarge(
                f"The files in the bucket have over {limit}; at most {limit} are fetched.", code="bucket.size"
            )
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        for each in files:
            self.tell(f"Fetching {each.name}.")
            with (folder / each.name).open("wb") as file:
                for block in self.bucket.blocks(each.name):
                    file.write(block)
                    if self.should_stop():
                        return False
        mark.touch()
        return True


def _tells_people(name: str) -> bool:
    """Whether a text is one for people, or names classes."""
    return name.casefold() in CLASS_NAME_FILES or name.casefold().startswith(("readme", "licen"))


class _Named:
    """Pictures of a bucket that a table or list names, from the folder `start` on."""

    files: None = None

    def __init__(self, source: SampleSource, bucket: BucketSource, start: str) -> None:
        self.finds = source.finds
        self.parallel_reads = bucket.parallel_reads
        self._bucket = bucket
        self._start = start

    def read(self, path: str) -> bytes:
        return self._bucket.read(self._start + path)


class _ClassFolders:
    """Class folders of a bucket, and files beside them that are not read."""

    files: None = None

    def __init__(self, bucket: BucketSource, left: tuple[str, ...]) -> None:
        self.read = bucket.read
        self.parallel_reads = bucket.parallel_reads
        self._bucket = bucket
        self._left = left

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:
        names = ", ".join(self._left[:5]) + (f" and {len(self._left) - 5} more" if len(self._left) > 5 else "")
        yield Note(f"Class folders were read, and not {names}: name one file by its own address to read it.")
        has_pictures = False
        for find in self._bucket.finds(use_splits=use_splits, should_stop=should_stop):
            has_pictures = has_pictures or isinstance(find, SourceFile)
            yield find
        if not has_pictures and not should_stop():
            text = f"There is no folder of pictures here, but {names}: name one file by its own address to read it."
            raise BadDataset(text, code="bucket.files")

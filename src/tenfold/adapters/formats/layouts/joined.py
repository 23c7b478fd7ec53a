"""Sources made of others: with files that were rejected before, and several that are a split each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tenfold.adapters.formats.files.guarded_folder import FilesBySplit
from tenfold.core.datasets.model import RejectedFile, Split
from tenfold.core.datasets.ports import (
    DistantSource,
    Find,
    Note,
    PlacedFiles,
    SampleSource,
    ShouldStop,
    SourceFile,
    never,
)

_WORDS: dict[Split, str] = {"train": "training", "val": "validation", "test": "testing"}


class WithRejected:
    """A source, and files that were refused on the way to it: they are named and counted like its own."""

    def __init__(self, source: SampleSource, rejected: Sequence[RejectedFile]) -> None:
        self._source = source
        self._rejected = tuple(rejected)
        self.read = source.read
        self.files = source.files
        if isinstance(source, DistantSource):
            self.parallel_reads = source.parallel_reads

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:
        yield from self._rejected
        yield from self._source.finds(use_splits=use_splits, should_stop=should_stop)


@dataclass(frozen=True)
class Addresses:
    """How pictures are read by their addresses of the web, so many at once as it says."""

    fetch: Callable[[str], bytes]
    parallel_reads: int


class WithAddresses:
    """A source whose paths may be addresses of the web; its files can be used in place, addresses are rejected then."""

    def __init__(self, source: SampleSource, addresses: Addresses) -> None:
        self.finds = source.finds
        self.files = source.files
        self.parallel_reads = addresses.parallel_reads
        self._read_other = source.read
        self._fetch = addresses.fetch

    def read(self, path: str) -> bytes:
        return self._fetch(path) if "://" in path else self._read_other(path)


class SplitSources:
    """A source for each split: paths begin with the split's name, and what splits a source has itself do not count."""

    def __init__(self, sources: Mapping[Split, SampleSource]) -> None:
        self._sources = dict(sources)
        self.parallel_reads = max(
            source.parallel_reads if isinstance(source, DistantSource) else 1 for source in sources.values()
        )

    @property
    def files(self) -> PlacedFiles | None:
        """Those of all the sources, if each has some."""
        files = {split: source.files for split, source in self._sources.items()}
        known = {str(split): placed for split, placed in files.items() if placed is not None}
        return FilesBySplit(known) if len(known) == len(files) else None

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:
        for split, source in self._sources.items():
            is_empty = True
            for find in source.finds(use_splits=False, should_stop=should_stop):
                if isinstance(find, SourceFile):
                    is_empty = False
                    yield SourceFile(f"{split}/{find.path}", find.class_name, split if use_splits else None)
                elif isinstance(find, RejectedFile):
                    yield RejectedFile(f"{split}/{find.path}", find.code, find.message)
                else:
                    yield find
            if is_empty:
                yield Note(f"Nothing that was given for {_WORDS[split]} can be used: look at the files left out.")

    def read(self, path: str) -> bytes:
        split, _, inside = path.partition("/")
        return next(source for name, source in self._sources.items() if name == split).read(inside)

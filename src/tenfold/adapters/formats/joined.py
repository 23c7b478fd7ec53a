"""Sources made of others: with files that were rejected before, and several that are a split each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from tenfold.core.datasets.model import RejectedFile, Split
from tenfold.core.datasets.ports import DistantSource, Find, SampleSource, ShouldStop, SourceFile, never


class WithRejected:
    """A source, and files that were refused on the way to it: they are named and counted like its own."""

    def __init__(self, source: SampleSource, rejected: Sequence[RejectedFile]) -> None:
        self._source = source
        self._rejected = tuple(rejected)
        self.read = source.read
        if isinstance(source, DistantSource):
            self.parallel_reads = source.parallel_reads

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:
        yield from self._rejected
        yield from self._source.finds(use_splits=use_splits, should_stop=should_stop)


class WithAddresses:
    """A source whose paths may be addresses of the web, which `fetch` reads, so many at once as it says."""

    def __init__(self, source: SampleSource, fetch: Callable[[str], bytes], parallel_reads: int) -> None:
        self.finds = source.finds
        self.parallel_reads = parallel_reads
        self._read_other = source.read
        self._fetch = fetch

    def read(self, path: str) -> bytes:
        return self._fetch(path) if "://" in path else self._read_other(path)


class SplitSources:
    """A source for each split: paths begin with the split's name, and what splits a source has itself do not count."""

    def __init__(self, sources: Mapping[Split, SampleSource]) -> None:
        self._sources = dict(sources)
        self.parallel_reads = max(getattr(source, "parallel_reads", 1) for source in sources.values())

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:
        for split, source in self._sources.items():
            for find in source.finds(use_splits=False, should_stop=should_stop):
                if isinstance(find, SourceFile):
                    yield SourceFile(f"{split}/{find.path}", find.class_name, split if use_splits else None)
                elif isinstance(find, RejectedFile):
                    yield RejectedFile(f"{split}/{find.path}", find.code, find.message)
                else:
                    yield find

    def read(self, path: str) -> bytes:
        split, _, inside = path.partition("/")
        return next(source for name, source in self._sources.items() if name == split).read(inside)

"""Sources made of others: with files that were rejected before, and several that are a split each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tenfold.core.datasets.model import RejectedFile
from tenfold.core.datasets.ports import DistantSource, Find, SampleSource, ShouldStop, never


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

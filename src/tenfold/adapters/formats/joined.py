"""Sources made of others: with files that were rejected before, and several that are a split each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tenfold.core.datasets.model import RejectedFile
from tenfold.core.datasets.ports import Find, SampleSource, ShouldStop, never


class WithRejected:
    """A source, and files that were refused on the way to it: they are named and counted like its own."""

    def __init__(self, source: SampleSource, rejected: Sequence[RejectedFile]) -> None:
        self._source = source
        self._rejected = tuple(rejected)
        self.read = source.read

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:
        yield from self._rejected
        yield from self._source.finds(use_splits=use_splits, should_stop=should_stop)

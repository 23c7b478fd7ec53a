"""Reading the files of a source, from one that is slow to answer many at once and ahead of who uses them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from tenfold.core.datasets.ports import DistantSource, SampleSource
from tenfold.core.errors import BadImage

Content = bytes | BadImage


class Reading:
    """Reads for one import. Close it: what is being fetched is no longer waited for."""

    def __init__(self, source: SampleSource) -> None:
        self._source = source
        asked = source.parallel_reads if isinstance(source, DistantSource) else 1
        self._at_once = asked if asked > 1 else 0
        self._pool = ThreadPoolExecutor(self._at_once, thread_name_prefix="fetch") if self._at_once else None

    def begin(self, paths: Sequence[str]) -> Iterator[Content]:
        """The contents of files in their order; those of a distant source are asked for now, others when taken."""
        if self._pool is None:
            return map(self._read, paths)
        asked = [self._pool.submit(self._read, path) for path in paths]
        return (each.result() for each in asked)

    def stream(self, paths: Iterable[str]) -> Iterator[tuple[str, Content]]:
        """Paths with their contents, as many ahead as are read at once, until nobody asks any more."""
        waiting: list[tuple[str, Future[Content] | None]] = []
        rest = iter(paths)
        while True:
            for path in islice(rest, max(1, self._at_once) - len(waiting)):
                waiting.append((path, self._pool.submit(self._read, path) if self._pool else None))
            if not waiting:
                return
            path, future = waiting.pop(0)
            yield path, future.result() if future is not None else self._read(path)

    def close(self) -> None:
        """Gives up what was asked for and not taken."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _read(self, path: str) -> Content:
        try:
            return self._source.read(path)
        except BadImage as error:
            return error.alone()

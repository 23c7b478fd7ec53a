"""ZIP archives made while they are sent, so that no memory and no disk holds the whole."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator

BLOCK = 1 << 20
_TIME = (1980, 1, 1, 0, 0, 0)  # the same files give the same archive

Entry = tuple[str, Iterable[bytes]]


def stream_zip(entries: Iterable[Entry]) -> Iterator[bytes]:
    """An archive of named contents, in blocks. Nothing is compressed: weights and pictures do not shrink."""
    sink = Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, blocks in entries:
            info = zipfile.ZipInfo(name, _TIME)
            info.external_attr = 0o644 << 16
            with archive.open(info, "w", force_zip64=True) as target:
                for block in blocks:
                    target.write(block)
                    if sink.size >= BLOCK:
                        yield sink.take()
    yield sink.take()


class Sink(io.RawIOBase):
    """Collects what is written until it is taken; cannot seek, so that an archive needs no second look."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        self.size += len(part)
        return len(part)

    def take(self) -> bytes:
        """What was written since the last call."""
        taken = b"".join(self._parts)
        self._parts.clear()
        self.size = 0
        return taken

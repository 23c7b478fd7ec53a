"""The archive of a model, streamed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tenfold.core.errors import Damaged
from tenfold.core.export.contents import CONTENTS

BLOCK = 1 << 20
_TIME = (1980, 1, 1, 0, 0, 0)  # the same files give the same archive


def build_download(folder: Path, name: str) -> Iterator[bytes]:
    """Fulfils `tenfold.core.inference.ports.DownloadBuilder`: the files of `CONTENTS`, as they are.

    Nothing is compressed, for weights do not shrink. Raises `Damaged` for a missing file before the first block.
    """
    missing = [file for file in CONTENTS if not (folder / file).is_file()]
    if missing:
        raise Damaged(f"The model {name} has no {', '.join(missing)}.", code="model.incomplete")
    return _blocks(folder, name)


def _blocks(folder: Path, name: str) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for file in CONTENTS:
            info = zipfile.ZipInfo(f"{name}/{file}", _TIME)
            info.external_attr = 0o644 << 16
            with (folder / file).open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                while block := source.read(BLOCK):
                    target.write(block)
                    yield sink.take()
    yield sink.take()


class _Sink(io.RawIOBase):
    """Collects what is written until it is taken; cannot seek, so that the archive needs no second look."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken

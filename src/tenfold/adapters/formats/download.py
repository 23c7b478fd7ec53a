"""The archive of a model, streamed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tenfold.adapters.formats.files.zip_stream import BLOCK, stream_zip
from tenfold.core.errors import Damaged
from tenfold.core.export.contents import FOREIGN_CONTENTS, ORIGIN_FILE, PYTHON_FILE, contents


def build_download(folder: Path, name: str) -> Iterator[bytes]:
    """Fulfils `tenfold.core.inference.ports.DownloadBuilder`: the files of `contents`, as they are.

    Raises `Damaged` for a missing file before the first block.
    """
    is_foreign = (folder / ORIGIN_FILE).is_file()
    files = FOREIGN_CONTENTS if is_foreign else contents(is_python=(folder / PYTHON_FILE).is_file())
    missing = [file for file in files if not (folder / file).is_file()]
    if missing:
        raise Damaged(f"The model {name} has no {', '.join(missing)}.", code="model.incomplete")
    return stream_zip((f"{name}/{file}", _blocks(folder / file)) for file in files)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while block := source.read(BLOCK):
            yield block

"""Folders with pictures in them, and a look at what a path is taken for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenfold.adapters.formats.files.apart import ReaderApart
from tenfold.adapters.formats.layouts.openers import SourcePlaces
from tenfold.adapters.formats.layouts.recognition import Layouts, open_source
from tenfold.core.datasets.layouts import SourceChoice
from tenfold.testing.picture_files import encode, make_photo

PICTURE = encode(make_photo(8, 8))


class Place:
    """A folder to put files into and to read as a source."""

    def __init__(self, folder: Path, apart: ReaderApart) -> None:
        self.apart = apart
        self.folder = folder / "root"
        self.work = folder / "work"
        self.folder.mkdir()
        self.work.mkdir()

    def put(self, *paths, content=PICTURE):
        for path in paths:
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def open(self, path="", **choice):
        places = SourcePlaces(work=self.work, allowed=self.folder, roots=(self.folder,), apart=self.apart)
        return open_source(self.folder / path, places, SourceChoice(**choice))

    def preview(self, path="", **choice):
        return Layouts((self.folder,)).preview(str(self.folder / path), SourceChoice(**choice))


@pytest.fixture(scope="session")
def apart():
    """One reader for all tests: to start one takes a while."""
    return ReaderApart()


@pytest.fixture
def place(tmp_path, apart):
    return Place(tmp_path, apart)

"""One of a person's own pictures, before an import: as it is, and as the import would store it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.browsing import FolderBrowser
from tenfold.core.datasets.layouts import SOURCE_FILES, LayoutReader, SourceChoice
from tenfold.core.datasets.model import ImageFacts
from tenfold.core.datasets.ports import ImageDecoder, PixelArray
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.datasets.sizing import decide_size, prepare
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import NotFound
from tenfold.core.fields import parse_spec
from tenfold.services.turns import Turns

MOST_WAITING = 4
AS_FOUND = SourceChoice()
LARGEST_SIDE = 480
"""A larger preview is shown smaller, in its proportions."""


class PreviewService:
    """Shows what an import would do to a picture; one is worked on at a time."""

    def __init__(
        self,
        folders: FolderBrowser,
        layouts: LayoutReader,
        decoder: ImageDecoder,
        *,
        encode: Callable[[PixelArray], bytes],
    ) -> None:
        self._folders = folders
        self._layouts = layouts
        self._decoder = decoder
        self._encode = encode
        self._turns = Turns(MOST_WAITING)

    def of_path(
        self, actor: Actor, path: str, values: Mapping[str, object] | None = None, choice: SourceChoice = AS_FOUND
    ) -> bytes:
        """A picture as PNG in its own proportions, or as an import with these fields of `DatasetSpec` would store it.

        Of a folder, list, table or database its first, without a path that of the first root. Raises `Forbidden`,
        `NotFound`, `BadImage`, and `Busy` when too many wait.
        """
        actor.require("folder.browse")
        return self._shown(lambda: self._read(path or next(iter(self._folders.roots()), "/"), choice), values)

    def of_upload(
        self, actor: Actor, folder: Path, values: Mapping[str, object] | None = None, choice: SourceChoice = AS_FOUND
    ) -> bytes:
        """The first picture of what was sent; as `of_path`."""
        actor.require("upload.create")
        return self._shown(lambda: self._layouts.first_sent_picture(folder, choice), values)

    def _read(self, path: str, choice: SourceChoice) -> bytes:
        if not path.casefold().endswith(SOURCE_FILES):
            try:
                return self._folders.read_picture(path)
            except NotFound as error:
                if error.code != "folder.no-picture":
                    raise
        return self._layouts.first_picture(self._folders.resolve(path, may_be_file=True), choice)

    def _shown(self, read: Callable[[], bytes], values: Mapping[str, object] | None) -> bytes:
        spec = parse_spec(DatasetSpec, values) if values is not None else None
        with self._turns.turn():
            data = read()
            return self._encode(self._decoder.decode(data, self._preprocessing(data, spec)))

    def _preprocessing(self, data: bytes, spec: DatasetSpec | None) -> Preprocessing:
        facts = self._decoder.probe(data)
        spec = spec or _as_it_is(facts)
        sizing = decide_size([facts], spec)
        value_range = self._decoder.value_range(data) if sizing.depth == "float32" else None
        return prepare(sizing.within(LARGEST_SIDE), spec, value_range)


def _as_it_is(facts: ImageFacts) -> DatasetSpec:
    is_plain = facts.channels <= 4 and facts.bits < 32
    longer = max(facts.width, facts.height, LARGEST_SIDE)
    return DatasetSpec(
        width=max(1, facts.width * LARGEST_SIDE // longer),
        height=max(1, facts.height * LARGEST_SIDE // longer),
        depth="8bit" if is_plain else "keep",
        colour="auto" if is_plain else "all",
    )

"""What a revision may leave as: its stored pictures, classes and split, for other programs and for another Tenfold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from tenfold.core.datasets.ports import RevisionReader
from tenfold.core.fields import Choice, declare

ExportFormat = Literal["folders", "csv", "coco", "parquet"]


@dataclass(frozen=True, kw_only=True)
class ExportSpec:
    """How a revision is written."""

    format: ExportFormat = declare(
        "folders",
        label="Format",
        help="All hold the stored pictures, the classes and the split; excluded samples stay behind.",
        level="essential",
        group="Export",
        choices=(
            Choice("folders", "Folders", "A folder for every split, in it a folder for every class."),
            Choice("csv", "CSV", "One folder of pictures, and a table that names class and split of each."),
            Choice("coco", "COCO-style JSON", "One folder of pictures, and a JSON file with images and categories."),
            Choice("parquet", "Parquet", "A table a split with the pictures in it, as Hugging Face datasets have it."),
        ),
    )


class DatasetExporter(Protocol):
    """Writes a revision as an archive.

    Raises `BadDataset` before the first block where a format cannot hold it: `export.class-name` for classes that are
    no names of folders, `format.not-installed` where a package is missing.
    """

    def __call__(self, reader: RevisionReader, name: str, spec: ExportSpec) -> Iterator[bytes]:
        """The zip archive in blocks; everything lies under `name/`. The same revision gives the same bytes."""
        ...

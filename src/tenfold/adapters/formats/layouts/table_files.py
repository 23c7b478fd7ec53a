"""Which files of a folder are tables of pictures, and the reader of each kind."""

from __future__ import annotations

from tenfold.adapters.formats.files.apart import ReaderApart
from tenfold.adapters.formats.files.guarded_folder import GuardedFolder
from tenfold.adapters.formats.files.table_rows import Table
from tenfold.adapters.formats.layouts.parquet_tables import ParquetTable
from tenfold.adapters.formats.layouts.scene import Scene
from tenfold.adapters.formats.layouts.text_tables import DelimitedTable, JsonLinesTable
from tenfold.core.datasets.layouts import TABLE_FILES, split_of_name
from tenfold.core.datasets.model import Split

PARQUET = (".parquet", ".pq")
JSON_LINES = (".jsonl", ".ndjson")
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


def open_table(guard: GuardedFolder, path: str, reader: ReaderApart) -> Table:
    """The reader of a table file, by its extension; nothing is read yet."""
    name = path.casefold()
    if is_parquet(path):
        return ParquetTable(guard, path, reader)
    return JsonLinesTable(guard, path) if name.endswith(JSON_LINES) else DelimitedTable(guard, path)


def is_parquet(path: str) -> bool:
    """Whether a path has the extension of Parquet files."""
    return path.casefold().endswith(PARQUET)


def find_tables(scene: Scene) -> list[str]:
    """Paths of table files: the chosen one, else Parquet files, else `metadata` tables, else those of the folder.

    Parquet files are looked for in the folder, then in `data`, then in the folders that are splits; `metadata` tables
    also in the latter, as Hugging Face `datasets` has them. Files named after splits put the others aside.
    """
    if scene.is_file:
        return [name for name in scene.files if name.casefold().endswith(TABLE_FILES)]
    for folders in ([""], [name for name in scene.folders if name == "data"], _split_folders(scene)):
        found = [path for path in _paths(scene, folders) if is_parquet(path)]
        if found:
            return _named_after_splits(found)
    beside = _paths(scene, ["", *_split_folders(scene)])
    found = [path for path in beside if path.rpartition("/")[2].casefold() in METADATA]
    return found or _named_after_splits([name for name in scene.files if name.casefold().endswith(TABLE_FILES)])


def split_of_table(path: str) -> Split | None:
    """The split that a table's name speaks of, or else its folder's."""
    folder, _, name = path.rpartition("/")
    return split_of_name(name.partition(".")[0]) or split_of_name(folder)


def _split_folders(scene: Scene) -> list[str]:
    return [name for name in scene.folders if split_of_name(name)]


def _paths(scene: Scene, folders: list[str]) -> list[str]:
    return [f"{folder}/{name}" if folder else name for folder in folders for name in scene.files_in(folder)]


def _named_after_splits(paths: list[str]) -> list[str]:
    return [path for path in paths if split_of_table(path)] or paths

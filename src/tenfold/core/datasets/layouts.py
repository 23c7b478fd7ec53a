"""Layouts: the ways in which pictures and their classes lie in folders and files, and how each is told from the others.

Names of columns and of splits are recognised here; nothing is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, get_args

from tenfold.core.datasets.model import LabelKind, Split
from tenfold.core.errors import InvalidFields, Problem
from tenfold.core.events import Json
from tenfold.core.fields import Choice, declare

LayoutName = Literal["folders", "list", "table", "coco", "idx", "arrays", "hdf5", "lmdb", "digits"]
ColumnRole = Literal["image", "label", "split", "group", "weight"]
LAYOUTS: Mapping[LayoutName, str] = {
    "folders": "a folder for every class",
    "list": "text lists of paths and labels",
    "table": "a table with a row for every picture",
    "coco": "COCO-style JSON",
    "idx": "IDX files, as MNIST has them",
    "arrays": "NumPy arrays",
    "hdf5": "HDF5 files",
    "lmdb": "LMDB databases of Caffe",
    "digits": "a DIGITS job",
}
COLUMN_ROLES: tuple[ColumnRole, ...] = get_args(ColumnRole)
LABEL_KINDS: tuple[LabelKind, ...] = get_args(LabelKind)
SPLIT_WORDS: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "t10k": "test",
}
LIST_FILES = (".txt", ".lst", ".list")
PARQUET_FILES = (".parquet", ".pq")
TABLE_FILES = (*PARQUET_FILES, ".jsonl", ".ndjson", ".csv", ".tsv", ".tab")
HDF5_FILES = (".h5", ".hdf5", ".hdf")
NUMPY_FILES = (".npz", ".npy")
COCO_FILES = (".json",)
PICTURE_FILES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm",
    ".avif",
)  # fmt: skip
OTHER_PICTURE_FILES = (".heic", ".heif", ".jxl", ".svg", ".jp2", ".psd", ".raw", ".cr2", ".nef", ".dng")
SOURCE_FILES = (*LIST_FILES, *TABLE_FILES, *COCO_FILES, *HDF5_FILES, *NUMPY_FILES)
ARCHIVE_FILES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
ARCHIVE = "archive"
"""What a preview calls a file that is unpacked and recognised when the dataset is made."""
NO_COLUMN = "-"
"""What is chosen instead of a column for a role that none is to have."""
MAX_SHOWN_CLASSES = 50
_COLUMN_WORDS: Mapping[ColumnRole, tuple[str, ...]] = {
    "image": (
        "image", "file_name", "filename", "file", "path", "image_path", "filepath", "file_path", "img", "img_path",
        "image_file", "image_name", "picture", "pixels", "image_id", "id_code", "id",
    ),
    "label": (
        "label", "labels", "class", "class_name", "classname", "category", "target", "class_id", "label_id", "y",
        "fine_label", "diagnosis", "species",
    ),
    "split": ("split", "subset", "partition", "set", "usage", "data_set", "data set"),
    "group": ("group", "group_id", "patient", "patient_id", "patientid", "subject", "subject_id", "session"),
    "weight": ("weight", "sample_weight", "weights"),
}  # fmt: skip


@dataclass(frozen=True)
class SourceChoice:
    """What a person chose instead of what would be recognised: the layout, columns by role, where paths start from.

    `columns` gives the name of a column for a role, or `NO_COLUMN` where none is to be taken; `prefix` is the folder
    that relative paths of a list or table start from; `val_folder` and `test_folder` hold the pictures of these splits,
    the source itself then those of train. `label_kind` is the dataset's, and no part of the choice.
    """

    layout: LayoutName | None = None
    columns: Mapping[ColumnRole, str] = field(default_factory=dict)
    prefix: str = ""
    val_folder: str = ""
    test_folder: str = ""
    label_kind: LabelKind = "class"

    @property
    def apart(self) -> dict[Split, str]:
        """The paths of splits that lie elsewhere."""
        paths: dict[Split, str] = {"val": self.val_folder, "test": self.test_folder}
        return {split: path for split, path in paths.items() if path}

    def to_json(self) -> dict[str, Json]:
        """What is not left to recognition, to lie beside the path in a job's source."""
        columns: dict[str, Json] = {role: name for role, name in self.columns.items()}
        values: dict[str, Json] = {"layout": self.layout, "columns": columns, "prefix": self.prefix}
        values |= {"val_folder": self.val_folder, "test_folder": self.test_folder}
        return {name: value for name, value in values.items() if value}


def source_choice(values: Mapping[str, object]) -> SourceChoice:
    """The choice from a request's or a job's `layout`, `columns`, `prefix`, `label_kind`; raises `InvalidFields`."""
    problems: list[Problem] = []
    layout = values.get("layout") or None
    if layout is not None and layout not in LAYOUTS:
        known = ", ".join(LAYOUTS)
        problems.append(Problem("layout", f"A layout is one of {known}, not {str(layout)[:60]!r}.", "choice"))
    columns = values.get("columns")
    columns = {} if columns is None else columns
    if not isinstance(columns, Mapping):
        problems.append(Problem("columns", 'Columns are named by role, as in {"image": "file_name"}.', "type"))
        columns = {}
    for role, name in columns.items():
        if role not in COLUMN_ROLES:
            text = f"There is no role {str(role)[:60]!r} for a column; there are {', '.join(COLUMN_ROLES)}."
            problems.append(Problem("columns", text, "choice"))
        elif not _is_name(name):
            problems.append(
                Problem(f"columns.{role}", "The name of a column is a text of at most 500 letters.", "type")
            )
    paths = {name: values.get(name) or "" for name in ("prefix", "val_folder", "test_folder")}
    problems += [Problem(name, "It is the path of a folder.", "type") for name in paths if not _is_name(paths[name])]
    kind = values.get("label_kind") or "class"
    if kind not in LABEL_KINDS:
        text = f"A kind of label is one of {', '.join(LABEL_KINDS)}, not {str(kind)[:60]!r}."
        problems.append(Problem("label_kind", text, "choice"))
    if problems:
        raise InvalidFields(problems)
    chosen = {role: str(columns[role]) for role in COLUMN_ROLES if columns.get(role)}
    named = {name: str(path) for name, path in paths.items()}
    return SourceChoice(layout, chosen, **named, label_kind=kind)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """The choice as fields of a form and options of a command."""

    layout: LayoutName | None = declare(
        None,
        label="Layout",
        help="How the pictures lie there. Empty: recognised, and shown.",
        choices=tuple(Choice(name, words[:1].upper() + words[1:]) for name, words in LAYOUTS.items()),
        group="Layout",
    )
    prefix: str | None = declare(
        None, label="Paths start from", help="The folder that paths in a list or table start from.", group="Layout"
    )
    val_folder: str | None = declare(
        None,
        label="For validation from",
        help="A folder or file of the server with the pictures for validation; the others are for training then.",
        group="Layout",
    )
    test_folder: str | None = declare(
        None,
        label="For testing from",
        help="A folder or file of the server with the pictures for testing.",
        group="Layout",
    )
    image_column: str | None = declare(
        None, label="Column of pictures", help="The column with pictures, or with their paths.", group="Columns"
    )
    label_column: str | None = declare(
        None, label="Column of labels", help="The column with the class, the classes or the number.", group="Columns"
    )
    split_column: str | None = declare(
        None, label="Column of splits", help="The column that says train, val or test; - for none.", group="Columns"
    )
    group_column: str | None = declare(
        None,
        label="Column of groups",
        help="The column of what belongs together, as a patient: a split never tears a group apart; - for none.",
        group="Columns",
    )
    weight_column: str | None = declare(
        None,
        label="Column of weights",
        help="The column of weights, numbers above 0: how much a picture counts; - for none.",
        group="Columns",
    )


def asked_for(options: Mapping[str, object]) -> dict[str, object]:
    """The `layout`, `columns` and `prefix` of a request, from the fields of `SourceOptions` that are not empty."""
    columns = {role: options[f"{role}_column"] for role in COLUMN_ROLES if options.get(f"{role}_column")}
    asked = {
        "columns": columns,
        **{name: options.get(name) for name in ("layout", "prefix", "val_folder", "test_folder")},
    }
    return {name: value for name, value in asked.items() if value}


@dataclass(frozen=True)
class SplitCount:
    """How many pictures a split seems to have; `split` is `None` for those that are to be divided."""

    split: Split | None
    count: int
    is_exact: bool = True


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the first bytes of a source tell: counts, some class names, and of a table the columns and first rows.

    `chosen` are the columns that would be read, by role; `rows` hold a text for every column. `lost` tells that none of
    the first pictures that are named is there; it is empty otherwise.
    """

    counts: tuple[SplitCount, ...] = ()
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    chosen: Mapping[ColumnRole, str] = field(default_factory=dict)
    rows: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()
    lost: str = ""


@dataclass(frozen=True)
class LayoutPreview:
    """What was recognised where, in a sentence for people, and what a look at it tells.

    `can_stay` says whether the pictures are files that can be used in place.
    """

    layout: LayoutName | Literal["archive"]
    path: str
    sentence: str
    look: Look
    can_stay: bool = False


class LayoutReader(Protocol):
    """Says what a path holds without importing it; thread-safe, in bounded time and memory however large it is."""

    def preview(self, path: str, choice: SourceChoice) -> LayoutPreview:
        """What lies at a resolved path inside the roots; raises `BadDataset` for what cannot be read."""
        ...

    def preview_sent(self, folder: Path, choice: SourceChoice) -> LayoutPreview:
        """What lies in a folder of things that somebody sent.

        Raises `BadDataset`, with the code `upload.archive` where archives must be unpacked first.
        """
        ...

    def first_picture(self, path: str, choice: SourceChoice) -> bytes:
        """The bytes of the first picture of what lies at a path; raises `NotFound` where none is found soon."""
        ...

    def first_sent_picture(self, folder: Path, choice: SourceChoice) -> bytes:
        """The same for a folder of things that somebody sent."""
        ...


def is_archive(path: str) -> bool:
    """Whether a file is called as archives are."""
    return path.casefold().endswith(ARCHIVE_FILES)


def without_archive_ending(name: str) -> str:
    """The name of an archive without what says that it is one."""
    ending = next((end for end in ARCHIVE_FILES if name.casefold().endswith(end)), "")
    return name[: len(name) - len(ending)] or name


def split_of_name(name: str) -> Split | None:
    """The split that a file's or folder's name speaks of, as in `x_train`, `val.txt` or `test-00000-of-00001`."""
    folded = name.casefold()
    if folded in SPLIT_WORDS:
        return SPLIT_WORDS[folded]
    words = "".join(char if char.isalnum() else " " for char in folded).split()
    found = {SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS}
    return found.pop() if len(found) == 1 else None


def recognised_columns(names: Sequence[str], chosen: Mapping[ColumnRole, str]) -> dict[ColumnRole, str]:
    """The column of every role that has one: the chosen, else the one whose name says so; none for `NO_COLUMN`."""
    folded = {name.strip().casefold().replace("-", "_").replace(" ", "_"): name for name in reversed(names)}
    found: dict[ColumnRole, str] = {}
    for role, words in _COLUMN_WORDS.items():
        if role in chosen:
            if chosen[role] != NO_COLUMN:
                found[role] = chosen[role]
            continue
        taken = {*found.values(), *chosen.values()}
        known = (folded[word] for word in words if word in folded and folded[word] not in taken)
        name = next(known, None)
        if name is not None:
            found[role] = name
    return found


def _is_name(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 4096 and "\0" not in value

"""What a dataset revision is made of: samples, rejected files, counts, statistics and the manifest that binds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.errors import Damaged

FORMAT_VERSION = 2
Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
DELETED = ~len(SPLITS)
"""The code of a sample that was deleted: it keeps its row, so that all others keep their indices."""
LabelKind = Literal["class", "classes", "order", "number"]
"""One class a picture, several, one of classes that have an order, or a number."""
ONE_CLASS: tuple[LabelKind, ...] = ("class", "order")
MAX_REJECTED_HERE = 200


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What a picture's header tells: size after its orientation is applied, and whether it stores colour.

    `channels` are the file's own, transparency among them, and `bits` those of one channel: 8, 16 or 32.
    """

    width: int
    height: int
    is_colour: bool
    channels: int = 3
    bits: int = 8
    has_more_frames: bool = False


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """One accepted picture: where it came from and what it is.

    `split` is `None` for one that was excluded. `width`, `height` and `size_bytes` are the original's, `brightness`
    and `contrast` the mean and standard deviation of the stored pixels, 0 to 1; `pixels` is their hash.
    """

    path: str
    label: int
    split: Split | None
    sha256: str
    pixels: str
    width: int
    height: int
    size_bytes: int
    brightness: float
    contrast: float
    classes: tuple[int, ...] = ()
    value: float | None = None
    group: str = ""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class RejectedFile:
    """A file that was seen and could not be used; `code` groups reasons, `message` names this one."""

    path: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a revision folder with the hash and size it must have."""

    name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PixelStore:
    """Where stored pixels lie: the revision whose folder holds them, itself if empty, how many rows, of which type."""

    revision: str
    num_rows: int
    dtype: str = "uint8"


@dataclass(frozen=True, slots=True)
class InPlace:
    """Pictures that are read where they lie: files below `folder`, opened inside `allowed` only.

    `packed` is the revision that will hold them; row i of its pixels is sample i of this one. `apart` tells folder and
    `allowed` by split where each lies elsewhere; paths begin with the split's name then.
    """

    folder: str
    allowed: str
    packed: str
    apart: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RejectedKind:
    """So many files that were rejected for one cause, and the first of them."""

    count: int
    first: RejectedFile


def rejected_kinds(by_code: Mapping[str, int], examples: Iterable[RejectedFile]) -> tuple[RejectedKind, ...]:
    """Rejected files by their cause, the most frequent one first, as far as the examples have one of each."""
    firsts: dict[str, RejectedFile] = {}
    for file in examples:
        firsts.setdefault(file.code, file)
        if len(firsts) == len(by_code):
            break
    found = [RejectedKind(by_code.get(code, 1), file) for code, file in firsts.items()]
    return tuple(sorted(found, key=lambda kind: (-kind.count, kind.first.code)))


DifferenceKind = Literal["class", "split", "excluded", "restored", "deleted", "added"]


@dataclass(frozen=True, slots=True)
class Difference:
    """So many samples that a revision has otherwise than its parent; `old` and `new` are names of classes or splits.

    They are empty where they do not apply, and where the pairs are too many to be told apart.
    """

    kind: DifferenceKind
    count: int
    old: str = ""
    new: str = ""

    @property
    def text(self) -> str:
        number = f"{self.count:,}"
        if self.kind == "class":
            pictures = f"{number} picture{'' if self.count == 1 else 's'}"
            return f"{pictures} from {self.old} to {self.new}" if self.new else f"{pictures} between other classes"
        if self.kind == "split":
            return f"{number} moved from {self.old} to {self.new}"
        return f"{number} {self.kind}"


def tell_differences(differences: Sequence[Difference]) -> str:
    """Differences as one line, as in `12 pictures from cat to dog, 3 excluded`."""
    return ", ".join(difference.text for difference in differences)


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Per-channel mean and standard deviation of the training split, divided by the span of the pixel values.

    The span is white less black: 255 for 8 bits. `std` is at least 1/255.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class RevisionManifest:
    """Everything about a revision except its samples.

    `counts[split][class]` are samples, and where a sample may have several classes or none, `split_sizes` tell how many
    a split has; `num_excluded` have no split, and of `num_deleted` no more than their rows is left. `accepted +
    rejected + skipped = seen`, and every rejected file is named, here the first `MAX_REJECTED_HERE` by path, all of
    them in a file beside it. `notes` are sentences for people: what was decided and why. `content` is a hash of pixels,
    classes and splits that does not depend on the names of files. A revision that was made from another names it as its
    `parent`, and `differences` tell what it has otherwise. With `in_place` the pictures are not stored: their sizes,
    hashes and light are not known yet.
    """

    classes: tuple[str, ...]
    width: int
    height: int
    channels: int
    preprocessing: Preprocessing
    spec: Mapping[str, Any]
    counts: Mapping[str, tuple[int, ...]]
    statistics: Statistics
    seen: int
    rejected: tuple[RejectedFile, ...] = ()
    rejected_by_code: Mapping[str, int] = field(default_factory=dict)
    skipped_by_reason: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    pixels: tuple[PixelStore, ...] = ()
    num_excluded: int = 0
    num_deleted: int = 0
    content: str = ""
    files: tuple[StoredFile, ...] = ()
    decoder: str = ""
    parent: str = ""
    differences: tuple[Difference, ...] = ()
    label_kind: LabelKind = "class"
    split_sizes: Mapping[str, int] = field(default_factory=dict)
    num_groups: int = 0
    in_place: InPlace | None = None
    format_version: int = FORMAT_VERSION

    @property
    def num_samples(self) -> int:
        return sum(self.split_size(split) for split in SPLITS)

    @property
    def num_rows(self) -> int:
        """How many samples the columns hold, those that were excluded or deleted among them."""
        return self.num_samples + self.num_excluded + self.num_deleted

    @property
    def size_bytes(self) -> int:
        """Bytes of the revision's own files."""
        return sum(file.size_bytes for file in self.files)

    @property
    def num_rejected(self) -> int:
        return sum(self.rejected_by_code.values())

    def split_size(self, split: Split) -> int:
        return self.split_sizes[split] if self.split_sizes else sum(self.counts[split])

    def to_json(self) -> dict[str, Any]:
        """The manifest as JSON values; `manifest_from_json` reads it back."""
        values = asdict(self)
        values["preprocessing"] = self.preprocessing.to_json()
        return values


def manifest_from_json(values: object) -> RevisionManifest:
    """The manifest from what `to_json` gave; raises `Damaged` for anything else."""
    if not isinstance(values, dict) or values.get("format_version") != FORMAT_VERSION:
        version = values.get("format_version") if isinstance(values, dict) else None
        raise Damaged(f"The manifest has format version {version!r}; this version reads {FORMAT_VERSION}.")
    try:
        known = dict(values)
        known["preprocessing"] = Preprocessing.from_json(known["preprocessing"])
        known["statistics"] = Statistics(**{key: tuple(value) for key, value in known["statistics"].items()})
        known["counts"] = {split: tuple(known["counts"][split]) for split in SPLITS}
        known["rejected"] = tuple(RejectedFile(**item) for item in known["rejected"])
        known["files"] = tuple(StoredFile(**item) for item in known["files"])
        known["differences"] = tuple(Difference(**item) for item in known.get("differences", ()))
        known["pixels"] = tuple(PixelStore(**item) for item in known["pixels"])
        known["in_place"] = _in_place(known["in_place"]) if known.get("in_place") else None
        for name in ("classes", "notes"):
            known[name] = tuple(known[name])
        return RevisionManifest(**known)
    except (KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"The manifest cannot be read: {error}.") from error


def _in_place(values: Mapping[str, Any]) -> InPlace:
    apart = {split: (str(folder), str(allowed)) for split, (folder, allowed) in values.get("apart", {}).items()}
    return InPlace(values["folder"], values["allowed"], values["packed"], apart)

"""What datasets need from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.distribution import Bar
from tenfold.core.datasets.edits import Edit
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.label_facts import LabelFacts
from tenfold.core.datasets.marks import NO_MARKS, Marks
from tenfold.core.datasets.model import ImageFacts, InPlace, RejectedFile, RevisionManifest, SampleRecord, Split
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.errors import BadImage
from tenfold.core.events import Json

UInt8Array = npt.NDArray[np.uint8]
Int32Array = npt.NDArray[np.int32]
PixelArray = npt.NDArray[Any]
"""Pictures as they are stored: uint8, uint16 or float32."""
Int64Array = npt.NDArray[np.int64]
ShouldStop = Callable[[], bool]


def never() -> bool:
    """The answer of one who does not ask to stop."""
    return False


class ImageDecoder(Protocol):
    """Turns the bytes of a picture file into the pixels that preprocessing declares.

    Thread-safe and without state; the same bytes give the same pixels. Formats: JPEG, PNG, BMP, GIF, WebP, TIFF, PPM
    and, where its libraries have it, AVIF. Raises `BadImage` with a code (`image.unreadable`, `image.too-many-pixels`,
    `image.format`, `image.depth`, `image.channels`, `image.profile`, `image.not-finite`, `image.needs-package`,
    `image.empty`) for what it cannot read, whatever the bytes; never returns half a picture. A decoder
    that is not the reference agrees with it to at least 70 dB PSNR on photos, and exactly where nothing is resized.
    """

    @property
    def name(self) -> str:
        """What a manifest and a page call this decoder."""
        ...

    def probe(self, data: bytes) -> ImageFacts:
        """Size (orientation applied) and colour from the header."""
        ...

    def value_range(self, data: bytes) -> tuple[float, float]:
        """The least and the greatest number in the picture file; decodes it."""
        ...

    def decode(self, data: bytes, preprocessing: Preprocessing) -> PixelArray:
        """The picture as `preprocessing.dtype` of `preprocessing.shape` (H, W, C)."""
        ...

    def decode_many(
        self, pictures: Sequence[bytes], preprocessing: Preprocessing, out: PixelArray
    ) -> list[ImageFacts | BadImage]:
        """Decodes picture i into `out[i]` (N, H, W, C) and tells what it was, or why it could not be read.

        A row whose picture could not be read is left in any state.
        """
        ...


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A picture that a source offers: path relative to the source with `/`, class name, split if the source has one.

    A source that knows more says so: the names of several classes or a number, which stand for the class name then,
    the group that it belongs to, and its weight, above 0 and such that 32 bits hold it.
    """

    path: str
    class_name: str
    split: Split | None = None
    classes: tuple[str, ...] | None = None
    value: float | None = None
    group: str = ""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Skipped:
    """Files that were seen and are not meant to be samples, by reason."""

    reason: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence for people about what was found."""

    text: str


Find = SourceFile | RejectedFile | Skipped | Note


class FileState(NamedTuple):
    """How a file was seen: size in bytes, and time of the last change in nanoseconds since 1970."""

    size_bytes: int
    modified_ns: int


class PlacedFiles(Protocol):
    """The files of a source where they lie, by the paths that it finds. Thread-safe; raises `BadImage` as it does."""

    def glance(self, path: str) -> FileState:
        """How a file is now, without opening it."""
        ...

    def read_as(self, path: str, state: FileState) -> bytes:
        """The bytes of a file; raises `BadImage` with code `file.changed` where it has another state."""
        ...

    def in_place(self, packed: str) -> InPlace:
        """Where they lie, for a revision that is packed as `packed`."""
        ...


class SampleSource(Protocol):
    """Pictures with their classes, wherever they lie.

    `finds` tells of every file once, as a stream: the same finds for the same content, in any order, and no more of
    them in memory than one folder holds. It raises `BadDataset` when the source as a whole cannot be used. `read` is
    thread-safe and gives a file's bytes; it raises `BadImage` with code `file.vanished`, `file.forbidden`,
    `file.too-large` or `file.unreadable`, and never reads outside the source, even if a file became a link meanwhile.
    """

    def finds(self, *, use_splits: bool = True, should_stop: ShouldStop = never) -> Iterator[Find]:
        """All files, the pictures with their class and, if `use_splits`, the split that the source gives them.

        Ends early once `should_stop`.
        """
        ...

    def read(self, path: str) -> bytes:
        """The bytes of one listed file."""
        ...

    @property
    def files(self) -> PlacedFiles | None:
        """The pictures as files that can be used where they lie; `None` where they are parts of files, or far away."""
        ...


@runtime_checkable
class DistantSource(SampleSource, Protocol):
    """A source that is slow to answer: so many reads go on at once, and ahead of who uses them."""

    parallel_reads: int


@dataclass(frozen=True, slots=True)
class IndexedSample:
    """A sample's record with its index in the revision."""

    index: int
    record: SampleRecord


@dataclass(frozen=True, slots=True)
class SamplePage:
    """Part of what a filter finds. `first` is the place of the first item, from 0; `total` counts all that fit.

    `after` is the cursor of the next page, empty on the last; `before` that of the page before, `None` on the first.
    """

    items: tuple[IndexedSample, ...]
    first: int
    total: int
    after: str
    before: str | None


class RevisionReader(Protocol):
    """The one reader of a ready revision, for training, testing and gallery. Immutable and thread-safe.

    Raises `NotFound` for an index or class that the revision has not, `Damaged` for files that do not fit the manifest.
    Nothing is loaded as a whole: columns are memory-mapped, records are read as they are asked for. A sample's index
    is the same in every revision of its dataset.
    """

    @property
    def manifest(self) -> RevisionManifest: ...

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height, width: what a network is given."""
        ...

    @property
    def mean(self) -> tuple[float, ...]:
        """Per channel of the training split, in spans."""
        ...

    @property
    def std(self) -> tuple[float, ...]:
        """Per channel of the training split, in spans, at least 1/255."""
        ...

    @property
    def span(self) -> float:
        """How far white is from black in stored pixels: 255 for 8 bits."""
        ...

    @property
    def preprocessing(self) -> dict[str, Json]:
        """The declared operations from original bytes to the network's input, normalised with mean and std."""
        ...

    @property
    def is_packed(self) -> bool:
        """Whether pictures are stored; otherwise they are read in place and decoded when they are asked for."""
        ...

    def pictures(self, split: str, places: Int64Array) -> PixelArray:
        """The stored pictures at these places of a split, 0 being its first: N x height x width x channels, copied."""
        ...

    def pictures_at(self, indices: Int64Array) -> PixelArray:
        """The stored pictures of these samples, N x height x width x channels, copied."""
        ...

    def labels(self, split: str) -> Int64Array:
        """The class indices of a split's samples; -1 where the label of a sample is no single class."""
        ...

    def weights(self, split: str) -> npt.NDArray[np.float32] | None:
        """How much each sample of a split counts, above 0; `None` where the dataset has no weights."""
        ...

    def groups(self, split: str) -> Int32Array | None:
        """The number of each sample's group, -1 for one that has none; `None` where the dataset has no groups."""
        ...

    def labels_at(self, indices: Int64Array) -> Int64Array:
        """The class indices of these samples."""
        ...

    def indices(self, split: str | None = None, label: int | None = None) -> Int64Array:
        """The indices of all samples of a split (`None`: of any) and class, ascending."""
        ...

    def sample(self, index: int) -> SampleRecord: ...

    def find(self, wanted: SampleFilter, marks: Marks = NO_MARKS) -> Int32Array:
        """The indices of all samples that fit, in the filter's order; not to be written to.

        A filter by a finding needs the marks of that finding; raises `InvalidFields` without.
        """
        ...

    def page(self, wanted: SampleFilter, *, cursor: str = "", limit: int = 200, marks: Marks = NO_MARKS) -> SamplePage:
        """At most `limit` samples that fit, from a cursor on; any page of them takes as long as the first.

        A cursor stays good for later revisions, in the order of a finding for as long as this finds the sample. Raises
        `InvalidFields` for one that no page gave.
        """
        ...

    def distribution(self, name: str) -> tuple[Bar, ...]:
        """How one of `filtering.RANGED` is spread over the samples that have a split; reckoned once."""
        ...

    @property
    def label_facts(self) -> LabelFacts:
        """What groups, weights and numbers are like; reckoned once."""
        ...

    def rejected(self, *, after: int = 0, limit: int = 200) -> list[RejectedFile]:
        """At most `limit` rejected files by path, without the first `after`."""
        ...

    def thumbnail(self, index: int) -> bytes:
        """The stored picture as PNG, of 16 or 32 bits stretched from its 1st to its 99th percentile."""
        ...

    def mean_image(self) -> bytes | None:
        """The mean picture of the training split as PNG; `None` where the revision has none."""
        ...

    def verify(self) -> None:
        """Recomputes the hash of every file; raises `Damaged` naming the first that differs."""
        ...


class RevisionDeriver(Protocol):
    """Makes a revision from another one. Thread-safe."""

    def __call__(self, parent: Path, destination: Path, edit: Edit, marks: Marks = NO_MARKS) -> RevisionManifest:
        """Writes the edited revision into `destination`, an empty folder beside the parent's, named as it will be.

        `marks` are those that the edit's filter needs.
        Only what differs is written; pixels stay where they are, so a dataset's revisions go together. Raises
        `NotFound`, `Invalid`, `BadDataset` as `apply_change` does, `Damaged`, `StorageFull`.
        """
        ...

"""Datasets: the list, a new one, and one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from tenfold.interfaces.web.views.forms import FieldGroup, Option
from tenfold.interfaces.web.views.frame import AboutForm, NamedView, Page, Place, State
from tenfold.interfaces.web.views.home import Failure, Progress, RunRow, Sample


@dataclass(frozen=True, kw_only=True)
class DatasetRow:
    """One line in the list of datasets."""

    named: NamedView
    state: State
    thumbnails: tuple[str, ...]
    num_samples: int
    num_classes: int
    split_text: str
    num_rejected: int
    num_bytes: int
    progress: Progress | None = None


@dataclass(frozen=True, kw_only=True)
class DatasetsPage(Page):
    """All datasets."""

    template: ClassVar[str] = "datasets.html"
    place: ClassVar[Place] = "datasets"
    fragments: ClassVar[frozenset[str]] = frozenset({"datasets"})

    rows: tuple[DatasetRow, ...]
    search: str = ""
    next_url: str = ""
    can_edit: bool = True


@dataclass(frozen=True, kw_only=True)
class NewDatasetPage(Page):
    """The form for a new dataset: where the pictures come from, and the declared fields."""

    template: ClassVar[str] = "dataset-new.html"
    place: ClassVar[Place] = "datasets"

    source: Literal["folder", "archive", "sample"]
    folder: str
    roots: tuple[str, ...]
    samples: tuple[Sample, ...]
    sample: str
    groups: tuple[FieldGroup, ...]
    more_groups: tuple[FieldGroup, ...] = ()
    more_is_open: bool = False
    name: str = ""
    name_problem: str = ""
    upload_id: str = ""
    upload_name: str = ""
    problem: str = ""
    source_problem: str = ""
    original_url: str = ""
    resized_url: str = ""


@dataclass(frozen=True, kw_only=True)
class SplitFact:
    """A split with its share of the pictures."""

    title: str
    num_samples: int
    share: float


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """A class with its pictures by split."""

    name: str
    num_training: int
    num_validation: int
    num_test: int
    url: str

    @property
    def num_samples(self) -> int:
        return self.num_training + self.num_validation + self.num_test


@dataclass(frozen=True, kw_only=True)
class PictureView:
    """A picture in the gallery. `url` is the picture itself, `thumbnail_url` its small form."""

    url: str
    thumbnail_url: str
    label: str
    split: str
    file: str


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """One page of the pictures that fit the filters."""

    pictures: tuple[PictureView, ...]
    first: int
    num_fitting: int
    classes: tuple[Option, ...]
    splits: tuple[Option, ...]
    chosen_class: str = ""
    chosen_split: str = ""
    is_small: bool = False
    previous_url: str = ""
    next_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A file that is no usable picture, and why."""

    file: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Revision:
    """An immutable version of a dataset."""

    number: int
    id: str
    created_at: datetime
    num_samples: int
    manifest_hash: str
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A term with its value; `is_code` for paths and hashes."""

    term: str
    value: str
    is_code: bool = False


@dataclass(frozen=True, kw_only=True)
class DatasetPage(Page):
    """One dataset."""

    template: ClassVar[str] = "dataset.html"
    place: ClassVar[Place] = "datasets"
    fragments: ClassVar[frozenset[str]] = frozenset({"dataset"})

    named: NamedView
    state: State
    task: str
    tab: Literal["pictures", "runs"] = "pictures"
    progress: Progress | None = None
    failure: Failure | None = None
    splits: tuple[SplitFact, ...] = ()
    picture_size: str = ""
    picture_about: str = ""
    num_bytes: int = 0
    classes: tuple[ClassRow, ...] = ()
    gallery: Gallery | None = None
    num_rejected: int = 0
    rejected: tuple[Rejected, ...] = ()
    revisions: tuple[Revision, ...] = ()
    runs: tuple[RunRow, ...] = ()
    num_runs: int = 0
    source: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()
    mean_url: str = ""
    normalised: tuple[Fact, ...] = ()
    can_stop: bool = False
    train_url: str = ""
    about_form: AboutForm | None = None

    @property
    def num_samples(self) -> int:
        return sum(split.num_samples for split in self.splits)

    @property
    def largest_class(self) -> int:
        return max((row.num_samples for row in self.classes), default=1)

    @property
    def balance(self) -> str:
        """How unequal the classes are, in words."""
        ratio = self.largest_class / max(1, min((row.num_samples for row in self.classes), default=1))
        return "all alike" if ratio < 1.05 else f"largest to smallest {ratio:.1f} : 1"

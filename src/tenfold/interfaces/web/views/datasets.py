"""Datasets: the list, a new one, and one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal

from tenfold.interfaces.web.views.doctor import DoctorView
from tenfold.interfaces.web.views.forms import FieldGroup, FieldView
from tenfold.interfaces.web.views.frame import AboutForm, NamedView, Page, Place, State
from tenfold.interfaces.web.views.home import Failure, Progress, RunRow, Sample

DatasetTab = Literal["pictures", "runs", "revisions", "rejected"]
TABS: tuple[DatasetTab, ...] = ("pictures", "runs", "revisions", "rejected")


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
    task: str = ""
    changed_at: datetime | None = None
    findings: str = ""
    has_bad_findings: bool = False
    progress: Progress | None = None
    can_train: bool = True


@dataclass(frozen=True, kw_only=True)
class SortHeading:
    """The heading of a column that a list can be sorted by: its address, and the order if it is that."""

    url: str
    order: str = ""


@dataclass(frozen=True, kw_only=True)
class DatasetsPage(Page):
    """All datasets; `headings` are the columns that they can be sorted by."""

    template: ClassVar[str] = "datasets.html"
    place: ClassVar[Place] = "datasets"
    fragments: ClassVar[frozenset[str]] = frozenset({"datasets"})

    rows: tuple[DatasetRow, ...]
    search: str = ""
    headings: Mapping[str, SortHeading] = field(default_factory=dict)
    next_url: str = ""
    can_edit: bool = True


@dataclass(frozen=True, kw_only=True)
class LayoutView:
    """What the chosen path was recognised as, or why it cannot be read; of a table the first rows.

    `columns` are the selects of a table's columns, `others` the layout and where paths start from.
    """

    sentence: str = ""
    problem: str = ""
    notes: tuple[str, ...] = ()
    columns: tuple[FieldView, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    others: tuple[FieldView, ...] = ()
    others_are_open: bool = False


@dataclass(frozen=True, kw_only=True)
class NewDatasetPage(Page):
    """The form for a new dataset: where the pictures come from, and the declared fields."""

    template: ClassVar[str] = "dataset-new.html"
    fragments: ClassVar[frozenset[str]] = frozenset({"layout"})
    place: ClassVar[Place] = "datasets"

    source: Literal["folder", "archive", "remote", "camera", "sample"]
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
    web_is_allowed: bool = False
    bucket: str = ""
    bucket_fields: tuple[FieldView, ...] = ()
    layout: LayoutView = LayoutView()
    no_picture_yet: Mapping[str, str] = field(default_factory=dict)
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
    """A picture in the gallery. `url` is the picture itself, `facts` what it is like; `flag` is what a model
    takes it for."""

    url: str
    thumbnail_url: str
    label: str
    split: str
    file: str
    index: int = -1
    facts: str = ""
    flag: str = ""


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """One page of the pictures that fit the filter: `bar` has its main fields, `ranges` pairs of bounds.

    `query` is the filter as the address has it and `revision` what is shown: an edit is asked for on both. `earlier` is
    that revision's number where it is not the current one. `judge` is a model that would have to judge before it can be
    sorted by, which leads back to `judge_query`.
    """

    pictures: tuple[PictureView, ...]
    first: int
    num_fitting: int
    bar: tuple[FieldView, ...]
    ranges: tuple[tuple[FieldView, FieldView], ...] = ()
    has_ranges: bool = False
    is_filtered: bool = False
    is_small: bool = False
    previous_url: str = ""
    next_url: str = ""
    classes: tuple[str, ...] = ()
    query: str = ""
    revision: str = ""
    earlier: int = 0
    edit: EditForm | None = None
    can_relabel: bool = True
    has_groups: bool = False
    judge: str = ""
    judge_query: str = ""


@dataclass(frozen=True, kw_only=True)
class EditForm:
    """What was asked of the chosen pictures, and why it was refused; empty at first."""

    chosen: frozenset[int] = frozenset()
    is_all: bool = False
    to_class: str = ""
    to_split: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How a value is spread: `says` tells it in a sentence, each bar leads to its pictures."""

    title: str
    says: str
    low: str
    high: str
    bars: tuple[HistogramBar, ...]

    @property
    def most(self) -> int:
        return max(bar.count for bar in self.bars)


@dataclass(frozen=True, kw_only=True)
class HistogramBar:
    """So many pictures with a value in this range."""

    text: str
    count: int
    url: str


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A file that is no usable picture, and why."""

    file: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Revision:
    """An immutable version of a dataset: who made it, and what it has otherwise than the one it was made from."""

    number: int
    id: str
    created_at: datetime
    num_samples: int
    content: str
    is_current: bool
    url: str = ""
    author: str = ""
    summary: str = ""
    made_from: int = 0


@dataclass(frozen=True, kw_only=True)
class History:
    """Revisions, newest first. `undo` and `redo` are where these are asked for, empty where they lead nowhere."""

    revisions: tuple[Revision, ...] = ()
    total: int = 0
    undo_url: str = ""
    redo_url: str = ""
    next_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A term with its value; `is_code` for paths and hashes."""

    term: str
    value: str
    is_code: bool = False


@dataclass(frozen=True, kw_only=True)
class Export:
    """A format that the dataset may leave in."""

    label: str
    help: str
    url: str


@dataclass(frozen=True, kw_only=True)
class DatasetPage(Page):
    """One dataset. `labels` is what pictures are labelled with, as in `5 classes`; `about_labels` are sentences.

    `earlier` is the number of the revision shown where that is not the current one.
    """

    template: ClassVar[str] = "dataset.html"
    place: ClassVar[Place] = "datasets"
    fragments: ClassVar[frozenset[str]] = frozenset({"dataset"})

    named: NamedView
    state: State
    task: str
    tab: DatasetTab = "pictures"
    earlier: int = 0
    progress: Progress | None = None
    failure: Failure | None = None
    splits: tuple[SplitFact, ...] = ()
    picture_size: str = ""
    picture_about: str = ""
    num_bytes: int = 0
    classes: tuple[ClassRow, ...] = ()
    gallery: Gallery | None = None
    doctor: DoctorView | None = None
    num_excluded: int = 0
    num_deleted: int = 0
    num_rejected: int = 0
    rejected: tuple[Rejected, ...] = ()
    rejected_causes: tuple[str, ...] = ()
    rejected_next_url: str = ""
    histograms: tuple[Histogram, ...] = ()
    history: History = History()
    runs: tuple[RunRow, ...] = ()
    num_runs: int = 0
    source: tuple[Fact, ...] = ()
    notes: tuple[str, ...] = ()
    mean_url: str = ""
    normalised: tuple[Fact, ...] = ()
    activity: Literal["", "adding", "verifying", "packing"] = ""
    is_in_place: bool = False
    can_stop: bool = False
    can_pack: bool = False
    can_add: bool = False
    addition_problem: str = ""
    exports: tuple[Export, ...] = ()
    train_url: str = ""
    about_form: AboutForm | None = None
    labels: str = ""
    about_labels: tuple[str, ...] = ()
    has_several: bool = False

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

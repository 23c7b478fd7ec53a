"""Models: the list, and one of them with report, test and download."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from tenfold.interfaces.web.views.datasets import Fact, PictureView
from tenfold.interfaces.web.views.frame import AboutForm, Link, NamedView, Page, Place


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """One line in the list of models."""

    named: NamedView
    dataset: Link
    network: Link
    accuracy: float | None
    num_judged: int | None
    num_bytes: int
    is_foreign: bool = False


@dataclass(frozen=True, kw_only=True)
class ModelsPage(Page):
    """All models, newest first."""

    template: ClassVar[str] = "models.html"
    place: ClassVar[Place] = "models"

    rows: tuple[ModelRow, ...]
    search: str = ""
    next_url: str = ""
    can_edit: bool = True
    can_bring: bool = False


@dataclass(frozen=True, kw_only=True)
class MatrixCell:
    """How many pictures of one class were taken for another; `heat` is 0 to 8 among the errors."""

    number: int
    heat: int
    is_right: bool
    says: str


@dataclass(frozen=True, kw_only=True)
class MatrixRow:
    label: str
    cells: tuple[MatrixCell, ...]
    share_right: float | None


@dataclass(frozen=True, kw_only=True)
class ClassFigures:
    """Figures of one class on the test split; empty where a class has no picture or was never said."""

    label: str
    num_samples: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, kw_only=True)
class Report:
    """How good a model is on pictures it has not seen. `low` and `high` bound the accuracy at 95 %."""

    split: str
    num_judged: int
    num_wrong: int
    accuracy: float
    low: float
    high: float
    loss: float | None
    worst: str
    labels: tuple[str, ...]
    matrix: tuple[MatrixRow, ...]
    largest_error: int
    classes: tuple[ClassFigures, ...]


@dataclass(frozen=True, kw_only=True)
class Guess:
    label: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class TestResult:
    """What a model says about a picture; `truth` is known of a test picture."""

    file: str
    guesses: tuple[Guess, ...]
    seconds: float | None = None
    picture_url: str = ""
    truth: str = ""
    problem: str = ""

    @property
    def is_right(self) -> bool:
        return bool(self.guesses) and self.guesses[0].label == self.truth


@dataclass(frozen=True, kw_only=True)
class TestPart:
    """The place to try a model on pictures."""

    post_url: str
    pictures: tuple[PictureView, ...]
    more_url: str
    has_digits: bool
    max_upload_bytes: int
    result: TestResult | None = None


@dataclass(frozen=True, kw_only=True)
class ForeignView:
    """Where a model comes from that was trained elsewhere, and what it takes and gives."""

    file: str
    width: int
    height: int
    is_grey: bool
    num_classes: int
    facts: tuple[Fact, ...]


@dataclass(frozen=True, kw_only=True)
class ModelPage(Page):
    """One model, at one of its tabs; one that was trained elsewhere is `foreign` and has no report."""

    template: ClassVar[str] = "model.html"
    place: ClassVar[Place] = "models"
    fragments: ClassVar[frozenset[str]] = frozenset({"result"})

    tab: Literal["report", "test"]
    named: NamedView
    dataset: Link
    revision: int
    network: Link
    run: Link | None
    made_at: datetime
    epoch: int
    report: Report | None
    test: TestPart
    download_url: str
    download_bytes: int | None
    num_parameters: int | None
    num_bytes: int
    contents: tuple[Fact, ...] = ()
    facts: tuple[Fact, ...] = ()
    can_copy: bool = False
    has_inside: bool = True
    about_form: AboutForm | None = None
    foreign: ForeignView | None = None

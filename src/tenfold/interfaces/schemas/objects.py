"""What the REST API answers with. Every object has `id`, `name` and `state`."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from tenfold.core.datasets.uploads import MAX_FILES

ItemT = TypeVar("ItemT")


class Schema(BaseModel):
    """Unknown keys are ignored, so that an older client reads a newer server."""

    model_config = ConfigDict(extra="ignore")


def _is_none(value: object) -> bool:
    return value is None


class Thing(Schema):
    """What everything with a name has. Times are seconds since 1970, UTC.

    `used_by` names what depends on it, and is there where one thing is asked for and not a list.
    """

    id: str
    name: str
    state: str
    owner: str
    note: str = ""
    tags: list[str] = []
    created_at: float
    changed_at: float
    trashed_at: float | None = None
    used_by: list[str] | None = Field(default=None, exclude_if=_is_none)


class Change(BaseModel):
    """What can be changed of everything with a name; what is left out stays."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str | None = None
    note: str | None = None
    tags: list[str] | None = None


class Dataset(Thing):
    """A dataset; `state` is `building`, `ready` or `failed`.

    `label_kind` is what is known of a sample: `class`, `classes` (several), `order` (classes in an order) or `number`.
    """

    task: str
    label_kind: str = "class"
    revision: str
    num_samples: int
    num_classes: int
    spec: dict[str, Any]
    source: dict[str, Any]
    progress: dict[str, Any]
    code: str = ""
    message: str = ""


class DatasetDetail(Dataset):
    """A dataset with the manifest of its current revision, once there is one.

    `label_facts` has its groups, how many of them are in two splits, and the ranges of weights and numbers.
    """

    manifest: dict[str, Any] | None = None
    label_facts: dict[str, Any] | None = None


class Sample(Schema):
    """One sample of a revision; `index` is the same in all of them, `split` `train`, `val`, `test` or `excluded`.

    `label` is the class, or as a text the classes or the number; `classes` are all of them, none for a number, which
    stands in `value`. `group` is empty for a sample that belongs to no others. `width`, `height` and `size_bytes` are
    the file's, `brightness` and `contrast` those of the stored pixels, 0 to 1.
    """

    index: int
    path: str
    label: str
    classes: list[str] = []
    value: float | None = None
    group: str = ""
    weight: float = 1.0
    split: str
    width: int
    height: int
    size_bytes: int
    brightness: float
    contrast: float
    thumbnail: str


class Revision(Schema):
    """A version of a dataset; `state` is `current` or `earlier`, also for one that was undone.

    `parent` is the revision that it was made from and `summary` what is otherwise, as in `3 excluded`; both are empty
    for the first. `size_bytes` are its own, without what it shares with its parent. `content` is a hash of pixels,
    classes and splits, the same for what was exported and imported again; `manifest` is that of its folder.
    """

    id: str
    name: str
    state: str
    dataset: str
    number: int
    parent: str
    author: str
    created_at: float
    num_samples: int
    num_classes: int
    size_bytes: int
    manifest: str
    content: str
    summary: str


class Fix(Schema):
    """What mends a finding: an edit of `count` samples; `word` is its name, `label` the class that they get."""

    action: str
    word: str
    count: int
    to_split: str | None
    label: str | None = None


class Finding(Schema):
    """One thing that is wrong with a dataset; `severity` is `bad` or `warn`.

    `count` is of samples, classes or files; the samples it names are found by the filter `finding`, the first of them
    are `examples`. `why` says what harm it does.
    """

    code: str
    severity: str
    count: int
    sentence: str
    why: str
    num_samples: int
    examples: list[int]
    fix: Fix | None


class Judged(Schema):
    """Who judged labels: models or runs by name, how many samples they had not learnt from, and how well."""

    names: list[str]
    num_folds: int
    num_unseen: int
    accuracy: float


class Checkup(Schema):
    """The doctor's word on a revision. `state` is that of the newest checkup's job, `none` where none was asked for.

    `reason` is why it waits. `findings` are those of the newest that is finished, worst first, and `checked` all that
    it looked for; there are none, and no `checked_at`, before the first.
    """

    id: str
    name: str
    state: str
    message: str
    reason: str
    progress: dict[str, Any]
    checked_at: float | None
    num_samples: int
    findings: list[Finding]
    checked: list[str]
    judged: Judged


class Judge(Schema):
    """A model that fits a dataset; samples can be sorted by its confidence once it has judged the revision."""

    id: str
    name: str
    has_judged: bool


class RejectedFile(Schema):
    """A file that could not be used, and why; `code` groups reasons."""

    path: str
    code: str
    message: str


class Run(Thing):
    """A run; `state` is `waiting`, `running`, `stopping`, `finished`, `stopped` or `failed`.

    `network` is its network's name; of one that somebody keeps, `network_version` is the number of the version.
    """

    task: str
    job: str
    dataset: str
    revision: str
    network: str
    network_version: int | None = None
    parameters: dict[str, Any]
    spec: dict[str, Any]
    model: str | None
    progress: dict[str, Any]
    metrics: dict[str, float]
    code: str = ""
    message: str = ""


# Described as two numbers: generators of clients stumble over a schema for each place of an array.
Point = Annotated[
    tuple[int, float], WithJsonSchema({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2})
]


class MemoryParts(Schema):
    """Bytes at the fullest moment, by what they hold; `rest` is the process, its kernels and short-lived copies."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    pictures: int
    rest: int


class Forecast(Schema):
    """What a run would take. `verdict` is `fits`, `tight`, `full` (more than is free now) or `never`.

    A row that is `measured` comes from a probe at a smaller batch, one that is `reckoned` from the network alone; times
    are null where none was measured. `largest_batch` fits into the device's whole memory, `free_batch` surely into what
    of it is free; 0 where none does. `probe` is `none`, `held-back` (while a run trains), `waiting`, `running` (ask
    again in a moment), `finished` or `failed`; `probe_message` tells why nothing was measured. `warnings` are what an
    inspection of a network of Python found that a run is better without.
    """

    verdict: str
    sentence: str
    device: str
    memory_how: str
    memory_bytes: int
    memory_high_bytes: int
    memory_free_bytes: int
    memory_total_bytes: int
    parts: MemoryParts
    largest_batch: int
    free_batch: int
    batch_size: int
    disk_bytes: int
    disk_free_bytes: int
    time_how: str | None
    epoch_s: float | None
    total_s: float | None
    probe: str
    probe_message: str
    warnings: list[str] = []


class History(Schema):
    """Metric series: (step, value) by name, thinned to what a chart can show."""

    series: dict[str, list[Point]]


class LogLine(Schema):
    """A line for people."""

    at: float
    level: str
    text: str


class Model(Thing):
    """A model; `state` is always `ready`.

    One that was trained elsewhere has no run, no revision and no network; `facts.file` says what it came as.
    """

    task: str
    run: str
    revision: str
    network: str
    size_bytes: int
    step: int
    metrics: dict[str, float]
    facts: dict[str, Any]


class Prediction(Schema):
    """A class and how likely it is, 0 to 1."""

    label: str
    probability: float


class Classified(Schema):
    """The classes of one picture, most likely first; `predictions` of the first picture stand at the top as well."""

    predictions: list[Prediction]
    pictures: list[list[Prediction]]


class Job(Schema):
    """A job of the queue. `name` is the name of what it works on, `reason` why it waits."""

    id: str
    name: str
    state: str
    kind: str
    subject: str
    slot: str
    granted: str
    attempt: int
    reason: str
    created_at: float
    started_at: float | None


class User(Schema):
    """A person; `state` is `enabled` or `disabled`."""

    id: str
    name: str
    state: str
    role: str
    run_code: bool
    has_password: bool
    created_at: float


class Token(Schema):
    """A token; `token` is there in the one answer that made it."""

    id: str
    name: str
    state: str
    scope: str
    created_at: float
    used_at: float | None
    token: str | None = None


class UploadFile(Schema):
    """A file that is to be sent: its path in the upload, its size, and anything that changes when the file does."""

    path: str = Field(max_length=4000)
    size_bytes: int = Field(ge=0, le=2**50)
    modified: str = Field("", max_length=100)


class UploadRequest(Schema):
    """The files of an upload, in the order in which their contents follow each other."""

    files: list[UploadFile] = Field(min_length=1, max_length=MAX_FILES)


class RefusedFile(RejectedFile):
    """A file that may not be sent; `number` is its place in the announcement, from 0."""

    number: int


class Upload(Schema):
    """Files that are being sent, or have arrived and can be named as the source of a dataset.

    `offset` of its `size_bytes` have arrived; `digest` is known once all have. `refused` are files that may not come.
    """

    id: str
    name: str
    state: str
    num_files: int
    size_bytes: int
    offset: int
    digest: str = ""
    refused: list[RefusedFile] = []


class Folder(Schema):
    """A folder that the server may read; `pictures` is complete unless `more_pictures`."""

    path: str
    name: str
    pictures: int
    more_pictures: bool


class SplitCount(Schema):
    """How many pictures a split seems to have; those without a split are to be divided."""

    split: str | None
    count: int
    is_exact: bool


class LayoutPreview(Schema):
    """What a path was recognised as. `chosen` names columns by role; `rows` have a text for each of `columns`."""

    path: str
    layout: str
    sentence: str
    counts: list[SplitCount]
    classes: list[str]
    columns: list[str]
    chosen: dict[str, str]
    rows: list[list[str]]
    notes: list[str]


class FolderListing(Schema):
    """A folder with its folders; `parent` is `None` where going up would leave what may be read."""

    path: str
    parent: str | None
    pictures: int
    more_pictures: bool
    folders: list[Folder]
    is_complete: bool


class SampleSet(Schema):
    """A public dataset that Tenfold can fetch."""

    id: str
    name: str
    state: str = "available"
    title: str
    description: str
    licence: str
    download_bytes: int
    num_samples: int


class Page(Schema, Generic[ItemT]):
    """Part of a list; `cursor` is empty on the last page."""

    items: list[ItemT]
    cursor: str
    total: int


class FieldProblem(Schema):
    """What is wrong with one field; of a text, `line` and `column` say where, from 1."""

    field: str
    message: str
    code: str
    line: int | None = Field(default=None, exclude_if=_is_none)
    column: int | None = Field(default=None, exclude_if=_is_none)


class ProblemDocument(Schema):
    """RFC 9457 problem details, with a stable `code` and one entry a field in `errors`."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem] = []


class Environment(Schema):
    """A set of packages beside Tenfold's own, in which jobs run; `state` is ready, missing or broken.

    `message` says why no job can run in it, and what to do; `size_bytes` is 0 for one that lies elsewhere.
    """

    id: str
    name: str
    state: str
    title: str
    serves: str
    python: str = ""
    versions: dict[str, str] = {}
    size_bytes: int = 0
    message: str = ""

"""What the REST API says of networks, and the bodies that it takes of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tenfold.core.networks.limits import MAX_AXIS
from tenfold.interfaces.schemas.objects import Schema, Thing


class Network(Thing):
    """A network; `state` is `ready`, or `draft` for one whose text has mistakes.

    One that somebody keeps has versions: `number` is that of the one shown, `current` the id of the newest; `origin`
    is where the first came from, as `catalogue:lenet`. A network of the catalogue has neither owner nor versions.
    """

    title: str
    is_catalogue: bool
    origin: str = ""
    number: int | None = None
    current: str = ""
    num_parameters: int | None


class TextEdit(Schema):
    """Replaces the characters `start` to `end` of a text."""

    start: int
    end: int
    text: str


class QuickFix(Schema):
    """A remedy in one step."""

    label: str
    edits: list[TextEdit]


class TextProblem(Schema):
    """A mistake in a text, told once however often its block is used.

    Lines and columns count from 1, `start` and `end` are characters of the text; `path` is the first layer that shows
    it, of `places` in all.
    """

    code: str
    message: str
    line: int
    column: int
    end_line: int
    end_column: int
    start: int
    end: int
    path: str
    places: int
    allowed: list[str]
    fixes: list[QuickFix]


class NetworkDetail(Network):
    """A network with its text, whose `language` is `network` or `python`.

    `parameters` are its fields as JSON schema, `problems` what keeps it from being trained, `imported` what the file
    said that its text does not, `summary` what this version has otherwise than the one before.
    """

    text: str
    language: str = "network"
    paper: str = ""
    summary: str = ""
    parameters: dict[str, Any]
    problems: list[TextProblem]
    warnings: list[TextProblem]
    imported: dict[str, Any] = Field(default_factory=dict)


class VersionRun(Schema):
    """A run that trained a version, and what came of it."""

    id: str
    name: str
    state: str
    metrics: dict[str, float]


class NetworkVersion(Schema):
    """A version of a network; `state` is `current` or `earlier`, and a draft has no `num_parameters`.

    `parent` is the version that it was made from and `summary` what is otherwise; both are empty for the first. `runs`
    are its newest.
    """

    id: str
    name: str
    state: str
    network: str
    number: int
    created_at: float
    author: str
    parent: str
    summary: str
    sha256: str
    num_parameters: int | None
    runs: list[VersionRun]


class NetworkInput(Schema):
    """An input; its shape is channels first, without the batch."""

    name: str
    kind: str
    shape: list[int]


class NetworkLayer(Schema):
    """A layer with the shape of what it gives, its trained values, and its operations for one sample."""

    path: str
    kind: str
    inputs: list[str]
    shape: list[int]
    num_parameters: int
    flops: int


class NetworkLook(Schema):
    """What a text means; with problems it has no layers."""

    name: str
    title: str
    problems: list[TextProblem]
    warnings: list[TextProblem]
    parameters: dict[str, Any]
    inputs: list[NetworkInput]
    layers: list[NetworkLayer]
    outputs: list[str]
    num_parameters: int | None
    flops: int | None


class SourceProblem(Schema):
    """Why a network of Python cannot be trained, and the line of its source; 0 where it is none."""

    line: int
    message: str


class Confinement(Schema):
    """What holds of code that people wrote: level `B` is confined, by `parts`; `A` is not, for what is `lacking`."""

    level: str
    parts: list[str]
    lacking: list[str]


class SourceLayer(Schema):
    """A layer of a network of Python, or an operation, with the line of the source that makes it."""

    path: str
    kind: str
    line: int
    inputs: list[str]
    shape: list[int]
    num_parameters: int


class Inspection(Schema):
    """What a worker found in a network of Python; `state` is `none`, `waiting`, `running`, `finished` or `failed`.

    `parameters` are the arguments that can be set, as JSON schema. `why_not_traced` is empty where the layers come from
    a symbolic trace; else they are the modules in the order in which they ran. `num_layers` counts all. `onnx` is
    `yes`, `no` or `unknown`: whether a model of it can be written as an ONNX file, without which a training ends with
    none, and `why_not_onnx` what hinders. `warnings` tell what changes while it runs and no resumed run would know.
    """

    name: str
    state: str
    message: str = ""
    problem: SourceProblem | None = None
    confinement: Confinement | None = None
    layers: list[SourceLayer] = Field(default_factory=list)
    num_layers: int = 0
    num_parameters: int | None = None
    input_shape: list[int] = Field(default_factory=list)
    classes: int | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    why_not_traced: str = ""
    onnx: str = "unknown"
    why_not_onnx: SourceProblem | None = None
    warnings: list[SourceProblem] = Field(default_factory=list)


class Rename(Schema):
    """A path of stored weights that moves."""

    old: str
    new: str


class EditedText(Schema):
    """A text after an operation, the edits that led to it, and what is wrong with it now."""

    text: str
    edits: list[TextEdit]
    renames: list[Rename]
    problems: list[TextProblem]
    warnings: list[TextProblem]


class DifferentLine(Schema):
    """A line; `old` and `new` are its numbers in both texts, 0 where it is not there; `left_out` equal lines in one."""

    text: str
    old: int
    new: int
    left_out: int


class DifferentLayer(Schema):
    """A layer that is `added`, `removed` or `changed`, with what it is in both networks."""

    path: str
    what: str
    old: NetworkLayer | None
    new: NetworkLayer | None


class NetworkDifference(Schema):
    """A network against another, `against`: lines, and where both fit layers and tensors.

    Of weights of the other, `loaded` counts the tensors that can be taken, `missing` those that it has not and `unfit`
    those with another shape; without them the layers were not compared.
    """

    name: str
    against: str
    lines: list[DifferentLine]
    layers: list[DifferentLayer]
    loaded: int | None
    missing: list[str]
    unfit: list[str]


class FormattedText(Schema):
    """A text in the usual layout."""

    text: str


class Statements(Schema):
    """A text as data: `model` is the version of its schema, which stands at `/language/schema`."""

    model: int
    text: str
    statements: list[dict[str, Any]]
    problems: list[dict[str, Any]]


class ArgumentKind(Schema):
    """An argument; `default` is as the language writes it, `allowed` in words, both empty where there is none."""

    name: str
    type: str
    help: str
    required: bool
    default: str
    choices: list[str]
    allowed: str


class KindOfLayer(Schema):
    """A kind of layer, with its arguments in their order."""

    help: str
    arguments: list[ArgumentKind]


class Language(Schema):
    """The network language: `common` are arguments of every layer with weights, `inputs` the sizes of each kind."""

    number: int
    layers: dict[str, KindOfLayer]
    common: list[ArgumentKind]
    output: list[ArgumentKind]
    inputs: dict[str, list[str]]
    functions: list[str]
    initialisers: list[str]
    statements: dict[str, str]
    reserved: list[str]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class NewNetwork(_Body):
    """A network to keep: its `text`, or the name of what it copies, as `lenet`, `mine@3`, `model:first`, `run:first`.

    Left out, a free name is made of the text's or of the source's. The `language` of a text is `network`, or `python`
    for a file with a module of PyTorch.
    """

    name: str | None = None
    text: str | None = None
    language: Literal["network", "python"] = "network"
    copy_of: str | None = None


class NewVersion(_Body):
    """The next text of a network; `on` is the id of the version that it was made from: another by now is refused."""

    text: str
    on: str


class InspectionWish(_Body):
    """On what a network of Python is looked at: a dataset, else a shape (channels, height, width), else its own
    defaults; with values for its parameters."""

    dataset: str = ""
    input_shape: list[Annotated[int, Field(ge=1, le=MAX_AXIS)]] | None = Field(None, min_length=3, max_length=3)
    parameters: dict[str, Any] = Field(default_factory=dict)


class TextAlone(_Body):
    """A text, of which nothing is kept."""

    text: str


class TextToCheck(TextAlone):
    """A text, the parameters it is to have, and the shape of its input without the batch, channels first."""

    parameters: dict[str, Any] = Field(default_factory=dict)
    input_shape: list[Annotated[int, Field(ge=1, le=MAX_AXIS)]] | None = Field(None, min_length=1, max_length=4)

"""What a worker finds in a network of Python: its layers with their lines, or the line that it fails on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast, get_args

from tenfold.core.events import Json
from tenfold.core.fields import Field
from tenfold.core.jobs.confinement import Confinement, Limits
from tenfold.core.networks.custom import DECIDED, MAX_MESSAGE
from tenfold.core.networks.limits import MAX_AXIS

KIND = "inspect"
MOST_LAYERS = 2000
MAX_NAME = 200
LIMITS = Limits(memory_bytes=4 << 30, cpu_s=20, wall_s=60, file_bytes=8 << 20, output_bytes=64 << 10)
"""Of an inspection, which computes on two or three samples."""
MOST_WARNINGS = 20
Exports = Literal["yes", "no", "unknown"]
KnobType = Literal["integer", "number", "boolean", "text"]


@dataclass(frozen=True, kw_only=True)
class InspectJob:
    """A network of Python to look at; without an `input_shape` (channels first) or `classes` its own defaults hold."""

    network_text: str
    parameters: dict[str, Json] = field(default_factory=dict)
    input_shape: tuple[int, ...] = ()
    classes: int | None = None

    def to_json(self) -> dict[str, Json]:
        return {"kind": KIND, **cast("dict[str, Json]", asdict(self)), "input_shape": [*self.input_shape]}

    @classmethod
    def from_json(cls, values: Mapping[str, Json]) -> InspectJob:
        known = {name: value for name, value in values.items() if name != "kind"}
        shape = tuple(cast("list[int]", known.pop("input_shape")))
        return cls(input_shape=shape, **known)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class TracedLayer:
    """A layer, or an operation between layers, with the line of the source that makes it, 0 where that is unknown.

    `inputs` are paths of others or `input`; `shape` is its output without the batch.
    """

    path: str
    kind: str
    line: int
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True, kw_only=True)
class Knob:
    """An argument of the constructor that people set."""

    name: str
    type: KnobType
    default: bool | int | float | str

    def field(self) -> Field:
        """The argument as forms and doors offer it."""
        return Field(name=self.name, type=self.type, label=self.name, help="", default=self.default)


@dataclass(frozen=True)
class SourceProblem:
    """What is wrong with a network of Python, and at which line of its source; 0 for none of them."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.message}" if self.line else self.message

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SourceProblem:
        """What a worker told; raises `ValueError`, `KeyError`."""
        return cls(_whole(values["line"]), str(values["message"])[:MAX_MESSAGE])


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What was found on inputs of a shape. `why_not_traced` is empty where the layers come from a symbolic trace.

    `onnx` says whether its model can be written as an ONNX file, without which there is none, and `why_not_onnx` what
    hinders. `warnings` are what a resumed run would not know.
    """

    name: str
    layers: tuple[TracedLayer, ...]
    num_layers: int
    num_parameters: int
    input_shape: tuple[int, ...]
    classes: int
    knobs: tuple[Knob, ...] = ()
    why_not_traced: str = ""
    onnx: Exports = "unknown"
    why_not_onnx: SourceProblem | None = None
    warnings: tuple[SourceProblem, ...] = ()
    confinement: Confinement

    def told(self) -> tuple[str, ...]:
        """What is to be known before it is trained, in sentences."""
        hinders = self.why_not_onnx if self.onnx == "no" else None
        about_onnx = f"Its training cannot end with a model, which is an ONNX file. {hinders}" if hinders else ""
        return (*((about_onnx,) if about_onnx else ()), *map(str, self.warnings))

    def fields(self) -> tuple[Field, ...]:
        """The arguments that people set."""
        return tuple(knob.field() for knob in self.knobs)

    def to_json(self) -> dict[str, Json]:
        values = cast("dict[str, Json]", asdict(self))
        return {**values, "confinement": self.confinement.to_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Inspection:
        """What `to_json` wrote, told by a process that ran foreign code: raises `ValueError` for what cannot be."""
        try:
            layers = tuple(_layer(each) for each in values["layers"][:MOST_LAYERS])
            return cls(
                name=_name(values["name"]),
                layers=layers,
                num_layers=max(len(layers), _whole(values["num_layers"])),
                num_parameters=_whole(values["num_parameters"]),
                input_shape=_shape(values["input_shape"]),
                classes=_whole(values["classes"]),
                knobs=tuple(_knob(each) for each in values["knobs"]),
                why_not_traced=str(values["why_not_traced"])[:MAX_NAME],
                **_onnx(values),
                warnings=tuple(map(SourceProblem.from_json, values.get("warnings", ())[:MOST_WARNINGS])),
                confinement=Confinement.from_json(values["confinement"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it is no inspection: {error}") from None


def _layer(values: Mapping[str, Any]) -> TracedLayer:
    return TracedLayer(
        path=_name(values["path"]),
        kind=_name(values["kind"]),
        line=_whole(values["line"]),
        inputs=tuple(_name(each) for each in values["inputs"]),
        shape=_shape(values["shape"]),
        parameters=_whole(values["parameters"]),
    )


def _onnx(values: Mapping[str, Any]) -> dict[str, Any]:
    """Whether it can be exported; one of an earlier release does not say so."""
    onnx, why_not = values.get("onnx", "unknown"), values.get("why_not_onnx")
    if onnx not in get_args(Exports):
        raise ValueError(f"`onnx` is {onnx!r:.40}")
    return {"onnx": onnx, "why_not_onnx": SourceProblem.from_json(why_not) if why_not else None}


def _knob(values: Mapping[str, Any]) -> Knob:
    kinds: dict[str, type] = {"integer": int, "number": float, "boolean": bool, "text": str}
    name, kind = _name(values["name"]), values["type"]
    default: Any = values["default"]
    wanted = kinds[kind]
    if wanted is float and type(default) is int:
        default = float(default)
    if type(default) is not wanted or not name.isidentifier() or name in DECIDED:
        raise ValueError(f"{name!r} is no argument that can be set")
    if isinstance(default, float) and not math.isfinite(default):
        raise ValueError(f"the default of {name!r} is no number to work with")
    return Knob(name=name, type=kind, default=cast("bool | int | float | str", default))


def _shape(values: object) -> tuple[int, ...]:
    sizes = tuple(_whole(each) for each in cast("list[object]", values))
    if len(sizes) > 8 or any(size > MAX_AXIS for size in sizes):
        raise ValueError("a shape is too large")
    return sizes


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r:.40} is no number of anything")
    return value


def _name(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_NAME:
        raise ValueError(f"{value!r:.40} is no name")
    return value

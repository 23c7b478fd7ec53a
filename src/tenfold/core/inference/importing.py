"""Models of other programs: what people say of an ONNX file, and what a worker finds in it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, cast

from tenfold.core.datasets.preprocessing import (
    Normalise,
    Preprocessing,
    ResizeMode,
    Scale,
    image_preprocessing,
)
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import InvalidFields, Problem
from tenfold.core.events import Json
from tenfold.core.fields import Choice, declare, fields_of, spec_values
from tenfold.core.jobs.confinement import Confinement, Limits

KIND = "onnx"
MODEL_FILE = "model.onnx"
MAX_MODEL_BYTES = 1_000_000_000
MAX_SIDE = 4096
MAX_CLASSES = 100_000
MAX_LABEL = 200
MAX_TOLD = 200
LIMITS = Limits(
    memory_bytes=6 << 30, cpu_s=240, wall_s=60, file_bytes=MAX_MODEL_BYTES + (16 << 20), output_bytes=64 << 10
)
"""Of reading a file and of running it for the first time."""
ANSWER_LIMITS = Limits(memory_bytes=6 << 30, wall_s=30, file_bytes=0, output_bytes=0)
"""Of the process that a model of others classifies in; `wall_s` is for one answer to at most sixteen pictures."""
MOST_ANSWERING = 2
"""How many such processes there are: each has a model loaded, and may take as much memory as its limits say."""
Layout = Literal["auto", "nchw", "nhwc"]
Range = Literal["0-1", "0-255"]
Output = Literal["auto", "probabilities", "logits"]
_OUT_OF_MEMORY = ("bad allocation", "bad_alloc", "allocate", "out of memory")
_RESIZE = next(field for field in fields_of(DatasetSpec) if field.name == "resize")


@dataclass(frozen=True, kw_only=True)
class ModelImport:
    """How a picture becomes the input of a model of others, and what its output means."""

    width: int | None = declare(
        None,
        label="Width",
        help="Of the pictures that it takes, where the file leaves it open.",
        minimum=1,
        maximum=MAX_SIDE,
        unit="pixels",
    )
    height: int | None = declare(
        None, label="Height", help="Where the file leaves it open.", minimum=1, maximum=MAX_SIDE, unit="pixels"
    )
    channels: int | None = declare(
        None, label="Channels", help="1 for grey, 3 for colour, where the file leaves it open.", minimum=1, maximum=3
    )
    resize: ResizeMode = declare("squash", label=_RESIZE.label, help=_RESIZE.help, choices=_RESIZE.choices)
    layout: Layout = declare(
        "auto",
        label="Layout",
        help="In which order the input has its axes.",
        choices=(
            Choice("auto", "As the file says", "Seen by the axis that has one or three entries."),
            Choice("nchw", "Channels first (NCHW)", "PyTorch's."),
            Choice("nhwc", "Channels last (NHWC)", "TensorFlow's and Keras'."),
        ),
    )
    range: Range = declare(
        "0-1",
        label="Values",
        help="What black and white are, before mean and deviation.",
        choices=(
            Choice("0-1", "0 to 1", "Pixels are divided by 255."),
            Choice("0-255", "0 to 255", "Pixels stay as they are."),
        ),
    )
    mean: str = declare(
        "",
        label="Mean",
        help="Taken away from the values: one number, or one a channel, as in 0.485, 0.456, 0.406. Empty, nothing is.",
    )
    std: str = declare(
        "",
        label="Deviation",
        help="What the values are divided by then: one number, or one a channel. Empty, they are not.",
    )
    output: Output = declare(
        "auto",
        label="Output",
        help="What its numbers are, one a class.",
        choices=(
            Choice("auto", "As it shows", "Probabilities where it ends in a softmax or they add up to 1, else logits."),
            Choice("probabilities", "Probabilities", "They add up to 1."),
            Choice("logits", "Logits", "A softmax is put behind them."),
        ),
    )

    def problems(self) -> list[Problem]:
        """Numbers that are none, and two channels."""
        found = []
        if self.channels == 2:
            found.append(Problem("channels", "Channels is 2; allowed is 1 for grey and 3 for colour.", "range"))
        for name, text in (("mean", self.mean), ("std", self.std)):
            numbers = _numbers(text)
            if numbers is None or len(numbers) not in {0, 1, 3}:
                why = f"{text[:40]!r} is not one number or three, as in 0.485, 0.456, 0.406."
                found.append(Problem(name, why, "type"))
            elif name == "std" and any(number <= 0 for number in numbers):
                found.append(Problem(name, "The deviation divides: every number of it is above 0.", "range"))
        return found

    def preprocessing(self, width: int, height: int, channels: int) -> Preprocessing:
        """What is done to a picture; raises `InvalidFields` where mean or deviation have another number of channels."""
        pictures = image_preprocessing(width=width, height=height, channels=channels, resize=self.resize)
        divide_by = 255.0 if self.range == "0-1" else 1.0
        mean, std = (self._per_channel(name, channels) for name in ("mean", "std"))
        if mean or std:
            normalise = Normalise(mean=mean or (0.0,) * channels, std=std or (1.0,) * channels)
            return replace(pictures, operations=(*pictures.operations, Scale(divide_by=divide_by), normalise))
        return replace(pictures, operations=(*pictures.operations, Scale(divide_by=divide_by)))

    def _per_channel(self, name: str, channels: int) -> tuple[float, ...]:
        numbers = _numbers(getattr(self, name)) or ()
        if len(numbers) == 1:
            return numbers * channels
        if len(numbers) not in {0, channels}:
            text = f"There are {len(numbers)} numbers for pictures of {channels} channel{'s' * (channels > 1)}."
            raise InvalidFields([Problem(name, text, "length")])
        return numbers


@dataclass(frozen=True, kw_only=True)
class TakeInJob:
    """A file to look at and to run; `file` is its path in the data folder."""

    file: str
    wanted: ModelImport

    def to_json(self) -> dict[str, Json]:
        return {"kind": KIND, "file": self.file, "wanted": spec_values(self.wanted)}

    @classmethod
    def from_json(cls, values: Mapping[str, Json]) -> TakeInJob:
        wanted: Any = values["wanted"]
        return cls(file=str(values["file"]), wanted=ModelImport(**wanted))


@dataclass(frozen=True, kw_only=True)
class ForeignModel:
    """What a worker found in a file, which it ran. `says_output` tells by what it knew what the output is.

    `batch` is how many pictures it takes at a time, 0 for any number.
    """

    width: int
    height: int
    channels: int
    layout: Literal["nchw", "nhwc"]
    classes: int
    output: Literal["probabilities", "logits"]
    says_output: str
    batch: int
    parameters: int
    num_nodes: int
    opset: int
    producer: str
    input: str

    def to_json(self) -> dict[str, Json]:
        return cast("dict[str, Json]", asdict(self))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ForeignModel:
        """What `to_json` wrote, told by a process that ran a foreign graph: `ValueError` for what cannot be."""
        try:
            found = cls(
                width=_whole(values["width"], 1, MAX_SIDE),
                height=_whole(values["height"], 1, MAX_SIDE),
                channels=_whole(values["channels"], 1, 3),
                layout=_one_of(values["layout"], "nchw", "nhwc"),
                classes=_whole(values["classes"], 2, MAX_CLASSES),
                output=_one_of(values["output"], "probabilities", "logits"),
                says_output=told(values["says_output"]),
                batch=_whole(values["batch"], 0, 1),
                parameters=_whole(values["parameters"], 0, MAX_MODEL_BYTES * 8),
                num_nodes=_whole(values["num_nodes"], 0, MAX_MODEL_BYTES),
                opset=_whole(values["opset"], 0, 10_000),
                producer=told(values["producer"]),
                input=told(values["input"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it is no model: {error}") from None
        if found.channels == 2:
            raise ValueError("there are no pictures of two channels")
        return found


def told(value: object) -> str:
    """A text from a file as it can be shown: short, and without what is no text."""
    plain = "".join(char if char.isprintable() else " " for char in str(value)[:MAX_TOLD])
    return " ".join(plain.encode("utf-8", "replace").decode("utf-8").split())


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of a runtime says that there was not enough memory; it has no kind of its own for that."""
    said = str(error).casefold()
    return isinstance(error, MemoryError) or any(word in said for word in _OUT_OF_MEMORY)


def read_labels(text: str) -> tuple[str, ...]:
    """The classes, one a line; raises `InvalidFields`. A text without any gives none."""
    lines = [line.strip() for line in text.removeprefix("\ufeff").splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    problem = ""
    for number, line in enumerate(lines, 1):
        if not line:
            problem = f"Line {number} of the labels is empty: every class has a name."
        elif len(line) > MAX_LABEL or not line.isprintable():
            problem = f"Line {number} of the labels is no name of at most {MAX_LABEL} characters that can be shown."
        if problem:
            raise InvalidFields([Problem("labels", problem, "invalid")])
    return tuple(lines)


def labels_for(labels: Sequence[str], classes: int) -> tuple[str, ...]:
    """As many labels as there are classes, `class 0` and so on without any; raises `InvalidFields`.

    Equal ones are told apart by their number, as in `crane (class 134)`: ImageNet's own list has two cranes, the bird
    and the machine, and two maillots, and whoever collects probabilities by label would lose one.
    """
    if not labels:
        return tuple(f"class {number}" for number in range(classes))
    if len(labels) != classes:
        text = f"There are {len(labels):,} labels, and the model gives {classes:,} numbers: one label a number, in its"
        raise InvalidFields([Problem("labels", f"{text} order.", "length")])
    counts = Counter(labels)
    told = tuple(f"{label} (class {number})" if counts[label] > 1 else label for number, label in enumerate(labels))
    places: dict[str, int] = {}
    for number, label in enumerate(told):
        if (place := places.setdefault(label, number)) != number:
            text = f"Lines {place + 1} and {number + 1} of the labels both become {label!r}: change one of them."
            raise InvalidFields([Problem("labels", text, "invalid")])
    return told


def origin_facts(found: ForeignModel, confinement: Confinement) -> dict[str, Json]:
    """What a model's facts keep of how it was found."""
    return {**found.to_json(), "confinement": confinement.to_json()}


def _numbers(text: str) -> tuple[float, ...] | None:
    """Numbers with commas or blanks between; nothing for a text that holds others."""
    words = [word for word in re.split(r"[\s,;]+", text.strip(" \t\r\n[]()")) if word]
    try:
        numbers = tuple(float(word) for word in words)
    except ValueError:
        return None
    return numbers if all(math.isfinite(number) and abs(number) < 1e9 for number in numbers) else None


def _whole(value: object, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{value!r:.40} is no number from {low} to {high}")
    return value


def _one_of(value: object, *allowed: str) -> Any:
    if value not in allowed:
        raise ValueError(f"{value!r:.40} is none of {', '.join(allowed)}")
    return value

"""Which samples of a revision are meant, and in which order they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tenfold.core.datasets.health.codes import CODES, FindingCode
from tenfold.core.datasets.model import Split
from tenfold.core.errors import Problem
from tenfold.core.fields import Choice, declare, format_number

SplitOrExcluded = Literal[Split, "excluded"]
SortOrder = Literal[
    "index",
    "-index",
    "mixed",
    "path",
    "-path",
    "label",
    "-label",
    "split",
    "-split",
    "width",
    "-width",
    "height",
    "-height",
    "bytes",
    "-bytes",
    "brightness",
    "-brightness",
    "contrast",
    "-contrast",
    "finding",
    "confidence",
    "-confidence",
]
BY_CONFIDENCE = ("confidence", "-confidence")
RANGED = ("width", "height", "bytes", "brightness", "contrast")
VALUE = "value"
"""What the label of a picture is ranged by where it is a number."""
MAX_SEARCH = 200


def _size(label: str, help: str, *, unit: str) -> int | None:
    """A bound of a whole number that pictures have."""
    bound: int | None = declare(None, label=label, help=help, unit=unit, minimum=0, maximum=2**40, group="Size")
    return bound


def _light(label: str, help: str) -> float | None:
    """A bound of a number between 0 and 1 that pictures have."""
    bound: float | None = declare(None, label=label, help=help, minimum=0, maximum=1, group="Light")
    return bound


@dataclass(frozen=True, kw_only=True)
class SampleFilter:
    """Samples that fit all that is given, in an order that never changes; equal ones stand in the order of indices.

    Without a split it finds all that have one; those that were excluded are found as `excluded` alone.
    """

    split: SplitOrExcluded | None = declare(
        None,
        label="Split",
        help="Pictures of this split alone. Empty: of all splits, but none that was excluded.",
        choices=(
            Choice("train", "Training"),
            Choice("val", "Validation"),
            Choice("test", "Test"),
            Choice("excluded", "Excluded"),
        ),
    )
    label: str | None = declare(None, label="Class", help="Pictures of this class alone. Empty: of all classes.")
    group: str | None = declare(
        None, label="Group", help="Pictures of this group alone, such as those of one patient. Empty: of all."
    )
    text: str | None = declare(
        None, label="File name", help="Pictures whose path has this text in it, in small or capital letters."
    )
    finding: FindingCode | None = declare(
        None,
        label="Finding",
        help="Pictures that the last checkup of the dataset named for this. Empty: with or without findings.",
        choices=tuple(Choice(code, words) for code, words in CODES.items()),
    )
    min_width: int | None = _size("Width from", "Pictures whose file is at least this wide.", unit="px")
    max_width: int | None = _size("Width to", "Pictures whose file is at most this wide.", unit="px")
    min_height: int | None = _size("Height from", "Pictures whose file is at least this high.", unit="px")
    max_height: int | None = _size("Height to", "Pictures whose file is at most this high.", unit="px")
    min_bytes: int | None = _size("File size from", "Pictures whose file has at least so many bytes.", unit="bytes")
    max_bytes: int | None = _size("File size to", "Pictures whose file has at most so many bytes.", unit="bytes")
    min_brightness: float | None = _light("Brightness from", "Mean of the stored pixels, 0 black to 1 white.")
    max_brightness: float | None = _light("Brightness to", "Mean of the stored pixels, 0 black to 1 white.")
    min_contrast: float | None = _light("Contrast from", "Standard deviation of the stored pixels, 0 is one flat grey.")
    max_contrast: float | None = _light("Contrast to", "Standard deviation of the stored pixels, 0 is one flat grey.")
    min_value: float | None = declare(
        None, label="Number from", help="Pictures whose number is at least this.", group="Number"
    )
    max_value: float | None = declare(
        None, label="Number to", help="Pictures whose number is at most this.", group="Number"
    )
    sort: SortOrder = declare(
        "index",
        label="Order",
        help="What the pictures are ordered by; a leading - turns the order.",
        choices=(
            Choice("index", "As they were packed"),
            Choice("-index", "As they were packed, last first"),
            Choice("mixed", "Mixed"),
            Choice("path", "By file name"),
            Choice("-path", "By file name, from Z to A"),
            Choice("label", "By class or number"),
            Choice("-label", "By class or number, last first"),
            Choice("split", "By split"),
            Choice("-split", "By split, test first"),
            Choice("width", "Narrowest first"),
            Choice("-width", "Widest first"),
            Choice("height", "Lowest first"),
            Choice("-height", "Highest first"),
            Choice("bytes", "Smallest file first"),
            Choice("-bytes", "Largest file first"),
            Choice("brightness", "Darkest first"),
            Choice("-brightness", "Brightest first"),
            Choice("contrast", "Flattest first"),
            Choice("-contrast", "Richest in contrast first"),
            Choice("finding", "Worst of the finding first"),
            Choice("confidence", "Least likely of its class first, as models judge"),
            Choice("-confidence", "Likeliest of its class first, as models judge"),
        ),
    )
    model: str | None = declare(
        None,
        label="Judged by",
        help="The model whose judgement orders by likelihood. Empty: the one that judged last.",
        reference="model",
    )

    def problems(self) -> list[Problem]:
        """What is wrong between the fields."""
        found = []
        for name in (*RANGED, VALUE):
            low, high = self.bounds(name)
            if low is not None and high is not None and low > high:
                text = f"From {format_number(low)} to {format_number(high)} finds nothing: turn them round."
                found.append(Problem(f"min_{name}", text, "range"))
        if self.text is not None and len(self.text) > MAX_SEARCH:
            text = f"The text has {len(self.text)} characters; at most {MAX_SEARCH} are looked for."
            found.append(Problem("text", text, "length"))
        if self.sort == "finding" and self.finding is None:
            found.append(Problem("sort", "Name the finding whose worst are to come first.", "required"))
        return found

    def bounds(self, name: str) -> tuple[float | None, float | None]:
        """The lowest and the highest value of one of `RANGED`, or of `VALUE`."""
        return getattr(self, f"min_{name}"), getattr(self, f"max_{name}")

    @property
    def is_narrowing(self) -> bool:
        """Whether it leaves out anything but what is excluded."""
        return any(
            getattr(self, name) is not None for name in self.__dataclass_fields__ if name not in {"sort", "model"}
        )

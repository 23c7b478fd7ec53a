"""What labels mean: names of classes, or numbers of names that a file beside the data has."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from tenfold.core.datasets.class_names import MAX_CLASS_NAME, class_name_of
from tenfold.core.datasets.model import RejectedFile

_SHOWN = 5


@dataclass(frozen=True)
class ClassNames:
    """The name of class i, and who names it: a file, or a table itself. Without names a label is its class's name."""

    names: tuple[str, ...] = ()
    origin: str = ""

    def name_of(self, label: str) -> str | None:
        """The class that a label means, itself or by its number; `None` for what is none."""
        if not self.names or label in self._known:
            return class_name_of(label)
        number = _whole(label)
        return self.by_number(number) if number is not None else None

    def by_number(self, number: int) -> str | None:
        """The class of a number; `None` where there is none."""
        return self.names[number] if 0 <= number < len(self.names) else None

    def refused(self, place: str, label: str) -> RejectedFile:
        """A file whose label is no class."""
        shown = label[:60].encode("utf-8", "replace").decode()
        allowed = f"a name has 1 to {MAX_CLASS_NAME} letters and no control character"
        if self.names:
            listed = ", ".join(self.names[:_SHOWN]) + (", ..." if len(self.names) > _SHOWN else "")
            allowed = f"{self.origin} names {listed}; a label is one of these, or its number from 0"
            allowed += f" to {len(self.names) - 1}" if len(self.names) > 1 else ""
        return RejectedFile(place, "list.label", f"The label {shown!r} is no class: {allowed}.")

    def fitting(self, labels: Collection[str]) -> tuple[ClassNames, str]:
        """Those names that labels have use for, and a sentence on what became of the file; empty without a file.

        The names are used where at least half of the labels that are none of them are numbers, and one is theirs.
        """
        if not self.names or not labels:
            return self, ""
        strange = [label for label in labels if label not in self._known]
        numbers = [number for label in strange if (number := _whole(label.removeprefix("-"))) is not None]
        if 2 * len(numbers) >= len(strange) and any(number < len(self.names) for number in numbers):
            return self, f"Labels are numbers; {self.origin} names their classes."
        last = len(self.names) - 1
        return ClassNames(), f"{self.origin} is not used: labels are no numbers of its lines, from 0 to {last}."

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.names)


def _whole(label: str) -> int | None:
    """The number that a label is; programs write whole ones as 3.0 too."""
    digits = label[:-2] if label.endswith(".0") else label
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else None


UNNAMED = ClassNames()

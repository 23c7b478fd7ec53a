"""What checkups need from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.health.findings import Report
from tenfold.core.events import Json


@dataclass(frozen=True, kw_only=True)
class CheckJob:
    """What a checkup's worker is told, as it lies in the job folder's `spec.json`; folders are relative to the data's.

    `earlier` is the checkup of a revision that this one was made from, empty where there is none: pictures that it
    looked at are not read again. `judges` are `JudgeSpec` of the models that judge labels and features; with
    `is_judgement` that is all that is done.
    """

    dataset: str
    dataset_name: str
    revision: str
    revision_folder: str
    earlier: str = ""
    judges: list[dict[str, Json]] = field(default_factory=list)
    is_judgement: bool = False

    def to_json(self) -> dict[str, Json]:
        return {"kind": "check", **asdict(self)}

    @classmethod
    def from_json(cls, values: Mapping[str, Json]) -> CheckJob:
        return cls(**{name: value for name, value in values.items() if name != "kind"})  # type: ignore[arg-type]


class CheckupReader(Protocol):
    """A published checkup. Immutable and thread-safe; raises `Damaged` for files that cannot be read."""

    @property
    def report(self) -> Report: ...

    def samples(self, code: str) -> npt.NDArray[np.int32]:
        """The samples of a finding, worst or most alike first; none where it was not found."""
        ...

    def chosen(self, code: str) -> npt.NDArray[np.int32]:
        """The samples that a finding's fix changes."""
        ...

    def judged(self, name: str) -> npt.NDArray[Any] | None:
        """By sample: `confidence` in its own class, `guesses` of the likeliest one, and `sureness` of these.

        `None` where no model judged.
        """
        ...

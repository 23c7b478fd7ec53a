"""What a checkup tells of a revision: findings, worst first, each with its samples and what mends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tenfold.core.datasets.edits import Action, Change
from tenfold.core.datasets.health.codes import CODES, FindingCode
from tenfold.core.datasets.model import SPLITS, Split
from tenfold.core.errors import Damaged
from tenfold.core.events import Json

DOCTOR_VERSION = 1
MAX_EXAMPLES = 8
Indices = npt.NDArray[np.integer]
Severity = Literal["bad", "warn"]


@dataclass(frozen=True, kw_only=True)
class Fix:
    """An edit that mends a finding: `change` of `count` samples; `word` stands on its button."""

    action: Action
    word: str
    count: int
    to_split: Split | None = None
    label: str | None = None

    @property
    def change(self) -> Change:
        return Change(action=self.action, to_split=self.to_split, label=self.label)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong: how often, in a sentence, and why it matters.

    `num_samples` are those that are shown for it, the first of them `examples`; a count may be of classes or files.
    """

    code: FindingCode
    severity: Severity
    count: int
    sentence: str
    why: str
    num_samples: int = 0
    examples: tuple[int, ...] = ()
    fix: Fix | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """A finding with the indices of its samples, worst or most alike first, and of those that its fix changes."""

    finding: Finding
    samples: Indices
    chosen: Indices


def found(
    code: FindingCode,
    severity: Severity,
    *,
    count: int,
    texts: tuple[str, str],
    samples: Indices,
    fix: tuple[Action, str, str | None] | None = None,
    chosen: Indices | None = None,
) -> Found:
    """A finding; `texts` are its sentence and why it matters.

    `fix` are action, word, and split or, of a relabelling, class for `chosen` samples.
    """
    mended = samples if chosen is None else chosen
    finding = Finding(
        code=code,
        severity=severity,
        count=count,
        sentence=texts[0],
        why=texts[1],
        num_samples=len(samples),
        examples=tuple(samples[:MAX_EXAMPLES].tolist()),
        fix=_fix(*fix, len(mended)) if fix else None,
    )
    return Found(finding, samples.astype(np.int32), mended.astype(np.int32) if fix else np.empty(0, np.int32))


def _fix(action: Action, word: str, target: str | None, count: int) -> Fix:
    to_split = next((split for split in SPLITS if action == "move" and split == target), None)
    return Fix(action=action, word=word, count=count, to_split=to_split, label=target if action == "relabel" else None)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Who judged labels and features. `names` are models or runs, `num_folds` 0 unless they are k of k.

    `num_unseen` samples were judged by a model that had not learnt from them, `accuracy` of these as labelled;
    `judges` are the `JudgeSpec` of all, so that a later checkup can ask the same.
    """

    names: tuple[str, ...] = ()
    num_folds: int = 0
    num_unseen: int = 0
    accuracy: float = 0.0
    judges: tuple[dict[str, Json], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that a checkup told. `checked` are the codes that were looked for, also in vain."""

    num_samples: int
    findings: tuple[Finding, ...]
    checked: tuple[FindingCode, ...]
    judged: Judged = field(default_factory=Judged)
    doctor_version: int = DOCTOR_VERSION

    @property
    def is_judgement(self) -> bool:
        """Whether it looked for nothing: a model judged all pictures, which a gallery is ordered by."""
        return not self.checked

    @property
    def num_bad(self) -> int:
        return sum(finding.severity == "bad" for finding in self.findings)

    def finding(self, code: str) -> Finding | None:
        return next((finding for finding in self.findings if finding.code == code), None)

    def to_json(self) -> dict[str, Json]:
        return asdict(self)


def report_from_json(values: Mapping[str, Any]) -> Report:
    """The report from what `to_json` gave; raises `Damaged` for anything else."""
    try:
        findings = tuple(
            Finding(
                **{
                    **each,
                    "examples": tuple(each["examples"]),
                    "fix": Fix(**each["fix"]) if each["fix"] is not None else None,
                }
            )
            for each in values["findings"]
        )
        judged = Judged(**{**values["judged"], **{key: tuple(values["judged"][key]) for key in ("names", "judges")}})
        return Report(**{**values, "findings": findings, "checked": tuple(values["checked"]), "judged": judged})
    except (KeyError, TypeError) as error:
        raise Damaged(f"The findings cannot be read: {error}.") from error


def worst_first(all_found: list[Found]) -> list[Found]:
    """Bad ones before the others; within these the order of `CODES`."""
    order = list(CODES)
    return sorted(all_found, key=lambda each: (each.finding.severity != "bad", order.index(each.finding.code)))

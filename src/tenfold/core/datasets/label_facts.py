"""What the groups, weights and numbers of a revision are like, in a few figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, kw_only=True)
class LabelFacts:
    """Of the samples that have a split: groups, and how many of them are in two splits; ranges from least to most.

    `num_alone` belong to no group, `num_without` of several classes have none. A range is `None` where there is none.
    """

    num_groups: int = 0
    num_torn: int = 0
    num_alone: int = 0
    num_without: int = 0
    weights: tuple[float, float] | None = None
    values: tuple[float, float] | None = None


def label_facts(columns: Mapping[str, npt.NDArray[Any]], num_groups: int) -> LabelFacts:
    """The figures from columns by name, a row a sample; splits below 0 are excluded."""
    splits = columns["splits"]
    has_split = splits >= 0
    groups, sets = columns.get("groups"), columns.get("class_sets")
    present = torn = alone = 0
    if groups is not None:
        is_in = has_split & (groups >= 0)
        alone = int((has_split & (groups < 0)).sum())
        parts = np.zeros((num_groups, 3), np.bool_)
        parts[groups[is_in], splits[is_in]] = True
        counts = parts.sum(axis=1)
        present, torn = int((counts > 0).sum()), int((counts > 1).sum())
    return LabelFacts(
        num_groups=present,
        num_torn=torn,
        num_alone=alone,
        num_without=int((~sets[has_split].any(axis=1)).sum()) if sets is not None else 0,
        weights=_range(columns.get("weights"), has_split),
        values=_range(columns.get("values"), has_split),
    )


def _range(column: npt.NDArray[Any] | None, has_split: npt.NDArray[np.bool_]) -> tuple[float, float] | None:
    if column is None or not has_split.any():
        return None
    chosen = column[has_split]
    return float(chosen.min()), float(chosen.max())

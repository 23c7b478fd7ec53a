"""Folds: every sample is validated on once, classes are dealt evenly, groups stay whole."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tenfold.core.datasets.folds import FoldedSamples, assign_folds, fold_members


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=300), num_folds=st.integers(2, 7))
def test_every_class_is_dealt_evenly(labels: list[int], num_folds: int) -> None:
    found = assign_folds(np.arange(len(labels)), np.array(labels), num_folds)
    assert set(found.tolist()) <= set(range(num_folds))
    for label in set(labels):
        counts = np.bincount(found[np.array(labels) == label], minlength=num_folds)
        assert counts.max() - counts.min() <= 1
    sizes = np.bincount(found, minlength=num_folds)
    assert sizes.max() - sizes.min() <= 1


def test_a_fold_depends_on_the_indices_and_mixes_neighbours() -> None:
    labels = np.zeros(1000, np.int64)
    found = assign_folds(np.arange(1000), labels, 4)
    assert np.array_equal(found, assign_folds(np.arange(1000), labels, 4))
    assert not np.array_equal(found, assign_folds(np.arange(1000) + 7, labels, 4))
    assert (np.diff(found) != 0).mean() > 0.6


@given(seed=st.integers(0, 999), num_folds=st.integers(2, 5))
def test_groups_are_never_torn_apart(seed: int, num_folds: int) -> None:
    chance = np.random.default_rng(seed)
    groups, labels = chance.integers(0, 40, 400), chance.integers(0, 3, 400)
    found = assign_folds(np.arange(400), labels, num_folds, groups=groups)
    for group in range(40):
        assert len(set(found[groups == group].tolist())) <= 1
    sizes = np.bincount(found, minlength=num_folds)
    assert sizes.max() - sizes.min() <= np.bincount(groups).max() * 2


class Grouped:
    """As much of a revision's reader as folds ask for; samples 1, 4, 7, ... are for validation."""

    def __init__(self, groups: list[int] | None) -> None:
        count = 60
        self._indices = {
            "train": np.flatnonzero(np.arange(count) % 3 != 1),
            "val": np.flatnonzero((np.arange(count) % 3 == 1) & (np.arange(count) < 50)),
            "test": np.flatnonzero((np.arange(count) % 3 == 1) & (np.arange(count) >= 50)),
        }
        self._groups = None if groups is None else np.array(groups, np.int32)

    def indices(self, split: str) -> Any:
        return self._indices[split]

    def labels_at(self, indices: Any) -> Any:
        return indices % 2

    def weights(self, split: str) -> Any:
        return (self._indices[split] / 10).astype(np.float32)

    def groups(self, split: str) -> Any:
        return None if self._groups is None else self._groups[self._indices[split]]


def test_a_revision_s_groups_stay_whole_and_what_has_none_is_dealt_alone() -> None:
    groups = [number // 6 if number < 42 else -1 for number in range(60)]
    indices, folds = fold_members(cast("Any", Grouped(groups)), 3)
    for group in range(7):
        assert len(set(folds[np.array(groups)[indices] == group].tolist())) == 1
    assert len(set(folds[np.array(groups)[indices] == -1].tolist())) == 3


def test_folded_samples_keep_their_weights() -> None:
    samples = FoldedSamples(cast("Any", Grouped(None)), fold=1, num_folds=3)
    seen = []
    for split in ("train", "val", "test"):
        weights = samples.weights(split)
        assert weights is not None
        assert len(weights) == len(samples.labels(split))
        seen += np.rint(weights * 10).astype(int).tolist()
        np.testing.assert_array_equal(np.rint(weights * 10).astype(int) % 2, samples.labels(split))
    assert sorted(seen) == list(range(60))

"""Folds: every sample is validated on once, classes are dealt evenly, groups stay whole."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tenfold.core.datasets.folds import assign_folds


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

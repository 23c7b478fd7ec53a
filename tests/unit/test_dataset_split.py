"""The split is stratified, exact, and decided by seed and key alone."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold.core.datasets.model import SPLITS
from tenfold.core.datasets.split import assign_splits, draw, split_counts, within_limits
from tenfold.core.errors import Invalid

shares = st.floats(0, 45).map(lambda share: round(share, 2))
samples = st.dictionaries(st.text(min_size=1, max_size=8), st.integers(0, 3))


def split(by_key, *, seed=1, validation=20.0, test=20.0, splits=None):
    """The split of samples by key, from their classes and the splits that are given for some."""
    keys = sorted(by_key)
    labels = np.array([by_key[key] for key in keys], np.int32)
    given_codes = np.array([SPLITS.index(splits[key]) if key in (splits or {}) else -1 for key in keys], np.int8)
    draws = np.array([draw(seed, key) for key in keys], np.uint64)
    codes = assign_splits(labels, given_codes, draws, validation_share=validation, test_share=test)
    return {key: SPLITS[code] for key, code in zip(keys, codes.tolist(), strict=True)}


@given(st.integers(0, 5000), shares, shares)
def test_counts_add_up_and_are_near_the_shares(total, validation, test):
    counts = split_counts(total, validation_share=validation, test_share=test)
    assert sum(counts) == total
    exact = (total * (100 - validation - test) / 100, total * validation / 100, total * test / 100)
    raised = sum(0 < wanted < 1 for wanted in exact)
    for count, wanted in zip(counts, exact, strict=True):
        assert abs(count - wanted) < 1.001 + raised
    if total >= 3:
        assert all(count >= 1 for count, share in zip(counts[1:], (validation, test), strict=True) if share > 0)
        assert counts[0] >= 1


@given(samples, shares, shares)
def test_every_class_is_split_by_itself(by_key, validation, test):
    found = split(by_key, validation=validation, test=test)
    for label in set(by_key.values()):
        counts = Counter(found[key] for key in by_key if by_key[key] == label)
        expected = split_counts(sum(counts.values()), validation_share=validation, test_share=test)
        assert (counts["train"], counts["val"], counts["test"]) == expected


@given(samples, st.integers(0, 2**31 - 1))
def test_other_classes_do_not_move_a_sample(by_key, seed):
    everything = split(by_key, seed=seed)
    for label in set(by_key.values()):
        alone = split({key: each for key, each in by_key.items() if each == label}, seed=seed)
        assert all(everything[key] == found for key, found in alone.items())


def test_another_seed_gives_another_split():
    by_key = {str(number): 0 for number in range(200)}
    assert split(by_key, seed=1) != split(by_key, seed=2)


def test_a_new_sample_moves_few_others():
    by_key = {str(number): 0 for number in range(500)}
    before, after = split(by_key), split({**by_key, "new": 0})
    assert sum(before[key] != after[key] for key in by_key) <= 3


def test_given_splits_stay_and_missing_ones_come_from_train():
    splits = {f"train/{number}": "train" for number in range(90)} | {f"test/{number}": "test" for number in range(10)}
    found = split(dict.fromkeys(splits, 0), validation=10, test=50, splits=splits)
    assert Counter(found.values()) == {"train": 81, "val": 9, "test": 10}
    assert all(found[key] == "test" for key in splits if key.startswith("test/"))


def test_shares_over_the_whole_are_refused():
    with pytest.raises(Invalid, match="60 % and 50 %"):
        split({"a": 0}, validation=60, test=50)


@given(samples, st.integers(1, 3), st.integers(3, 6))
def test_limits_per_class(by_key, at_least, at_most):
    keys = sorted(by_key)
    labels = np.array([by_key[key] for key in keys], np.int32)
    draws = np.array([draw(3, key) for key in keys], np.uint64)
    stays = within_limits(labels, draws, at_least=at_least, at_most=at_most)
    for label in set(by_key.values()):
        total, kept = int((labels == label).sum()), int(stays[labels == label].sum())
        assert kept == (0 if total < at_least else min(total, at_most))

"""The split is stratified, exact, and decided by seed and key alone."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold.core.datasets.split import SplitItem, choose_at_most, split_counts, split_samples
from tenfold.core.errors import Invalid

shares = st.floats(0, 45).map(lambda share: round(share, 2))
items = st.lists(
    st.builds(SplitItem, st.text(min_size=1, max_size=8), st.integers(0, 3)), unique_by=lambda item: item.key
)


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


@given(items, st.integers(0, 2**31 - 1), shares, shares, st.randoms())
def test_the_split_does_not_depend_on_order(samples, seed, validation, test, random):
    one = split_samples(samples, seed=seed, validation_share=validation, test_share=test)
    by_key = {item.key: split for item, split in zip(samples, one, strict=True)}
    shuffled = list(samples)
    random.shuffle(shuffled)
    two = split_samples(shuffled, seed=seed, validation_share=validation, test_share=test)
    assert {item.key: split for item, split in zip(shuffled, two, strict=True)} == by_key


@given(items, shares, shares)
def test_every_class_is_split_by_itself(samples, validation, test):
    splits = split_samples(samples, seed=1, validation_share=validation, test_share=test)
    for label in {item.label for item in samples}:
        found = Counter(split for item, split in zip(samples, splits, strict=True) if item.label == label)
        total = sum(found.values())
        assert (found["train"], found["val"], found["test"]) == split_counts(
            total, validation_share=validation, test_share=test
        )


def test_another_seed_gives_another_split():
    samples = [SplitItem(str(number), 0) for number in range(200)]
    one, two = (split_samples(samples, seed=seed, validation_share=20, test_share=20) for seed in (1, 2))
    assert one != two


def test_a_new_sample_moves_few_others():
    samples = [SplitItem(str(number), 0) for number in range(500)]
    before = split_samples(samples, seed=1, validation_share=20, test_share=20)
    after = split_samples([*samples, SplitItem("new", 0)], seed=1, validation_share=20, test_share=20)
    assert sum(one != two for one, two in zip(before, after, strict=False)) <= 3


def test_given_splits_stay_and_missing_ones_come_from_train():
    samples = [SplitItem(f"train/{number}", 0, "train") for number in range(90)]
    samples += [SplitItem(f"test/{number}", 0, "test") for number in range(10)]
    splits = split_samples(samples, seed=1, validation_share=10, test_share=50)
    assert Counter(splits) == {"train": 81, "val": 9, "test": 10}
    assert splits[90:] == ["test"] * 10


def test_shares_over_the_whole_are_refused():
    with pytest.raises(Invalid, match="60 % and 50 %"):
        split_samples([SplitItem("a", 0)], seed=0, validation_share=60, test_share=50)


@given(items, st.integers(1, 5))
def test_at_most_so_many_of_a_class(samples, limit):
    chosen = choose_at_most(samples, seed=3, limit=limit)
    for label in {item.label for item in samples}:
        keys = {item.key for item in samples if item.label == label}
        assert len(keys & chosen) == min(limit, len(keys))
    assert chosen == choose_at_most(reversed(samples), seed=3, limit=limit)

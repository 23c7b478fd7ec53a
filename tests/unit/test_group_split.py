"""A split never tears a group apart, keeps shares and strata, and does not depend on the order of files."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold.core.datasets.group_split import NO_GROUP, Grouping, assign_groups
from tenfold.core.datasets.label_space import quantile_bins
from tenfold.core.datasets.split import NO_SPLIT, draw

shares = st.tuples(st.floats(0.05, 0.4), st.floats(0, 0.4)).map(lambda pair: (1 - sum(pair), *pair))
rows = st.lists(st.tuples(st.integers(-1, 12), st.integers(0, 3)), min_size=1, max_size=80)


def split(rows, *, seed=1, parts=(0.6, 0.2, 0.2), given_splits=None, order=None):
    """The split of samples (group, stratum) by their number, shown to the function in this order."""
    order = list(range(len(rows))) if order is None else order
    groups = np.array([rows[at][0] for at in order], np.int32)
    strata = np.array([rows[at][1] for at in order], np.int32)
    codes = np.array([(given_splits or {}).get(at, NO_SPLIT) for at in order], np.int8)
    draws = np.array([draw(seed, f"sample {at}") for at in order], np.uint64)
    group_draws = np.array([draw(seed, f"group {number}") for number in range(20)], np.uint64)
    found = assign_groups(strata, codes, draws, Grouping(groups, group_draws), shares=parts)
    return dict(zip(order, found.tolist(), strict=True))


def units_of(rows):
    """How many samples each group has; one that stands alone is a group of its own."""
    return Counter((group,) if group != NO_GROUP else (group, at) for at, (group, _) in enumerate(rows))


@given(rows, shares, st.integers(0, 2**31 - 1))
def test_no_group_is_torn(rows, parts, seed):
    found = split(rows, seed=seed, parts=parts)
    splits = defaultdict(set)
    for at, (group, _) in enumerate(rows):
        if group != NO_GROUP:
            splits[group].add(found[at])
    assert all(len(parts) == 1 for parts in splits.values())


@given(rows, shares, st.randoms())
def test_the_order_of_files_does_not_matter(rows, parts, random):
    order = list(range(len(rows)))
    random.shuffle(order)
    assert split(rows, parts=parts) == split(rows, parts=parts, order=order)


@given(st.lists(st.integers(-1, 12), min_size=1, max_size=80), shares)
def test_every_share_is_met_to_within_the_largest_group(groups, parts):
    rows = [(group, 0) for group in groups]
    counts = Counter(split(rows, parts=parts).values())
    units = units_of(rows)
    largest = max(units.values())
    raised = sum(0 < share * len(rows) <= largest for share in parts) if len(units) >= 3 else 0
    for code, share in enumerate(parts):
        assert abs(counts[code] - share * len(rows)) <= largest * (4 / 3 + raised) + 1e-6


@given(rows, shares)
def test_shares_are_met_over_all_strata_together(rows, parts):
    counts = Counter(split(rows, parts=parts).values())
    largest = max(units_of(rows).values())
    for code, share in enumerate(parts):
        assert abs(counts[code] - share * len(rows)) <= largest * (4 / 3 + 2 * len({stratum for _, stratum in rows}))


def test_many_groups_of_any_size_come_near_the_shares():
    random = np.random.default_rng(3)
    rows = [(group, group % 4) for group in range(19) for _ in range(int(random.integers(1, 40)))]
    rows += [(NO_GROUP, at % 4) for at in range(2000)]
    counts = Counter(split(rows, parts=(0.8, 0.1, 0.1)).values())
    for code, share in enumerate((0.8, 0.1, 0.1)):
        assert abs(counts[code] / len(rows) - share) < 0.01


def test_a_class_of_three_groups_is_in_every_part():
    rows = [(group, stratum) for stratum in range(4) for group in range(3 * stratum, 3 * stratum + 3) for _ in range(5)]
    found = split(rows, parts=(0.9, 0.05, 0.05))
    for stratum in range(4):
        assert {found[at] for at, row in enumerate(rows) if row[1] == stratum} == {0, 1, 2}


def test_a_group_is_of_the_class_that_most_of_its_pictures_have():
    """Eleven groups that are mostly of one class and one that is of another: that one class gives the parts."""
    rows = [(group, 0 if sample < 4 else 1) for group in range(10) for sample in range(5)]
    found = split(rows, parts=(0.6, 0.2, 0.2))
    by_group = {row[0]: found[at] for at, row in enumerate(rows)}
    assert Counter(by_group.values()) == {0: 6, 1: 2, 2: 2}


@given(rows, shares, st.dictionaries(st.integers(0, 12), st.sampled_from([1, 2]), max_size=4))
def test_given_splits_hold_for_the_whole_group(rows, parts, fixed):
    first = {group: at for at, (group, _) in reversed(list(enumerate(rows)))}
    given_splits = {first[group]: code for group, code in fixed.items() if group in first}
    found = split(rows, parts=parts, given_splits=given_splits)
    for at, (group, _) in enumerate(rows):
        if group in fixed and group in first:
            assert found[at] == fixed[group]


def test_another_seed_gives_another_split():
    rows = [(group, 0) for group in range(13) for _ in range(3)]
    assert split(rows, seed=1) != split(rows, seed=2)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=300))
def test_ranges_of_numbers_hold_their_order_and_keep_equal_ones_together(values):
    bins = quantile_bins(np.array(values, np.float64), num_units=len(values))
    assert len(bins) == len(values)
    by_value = dict(zip(values, bins.tolist(), strict=True))
    assert bins.tolist() == [by_value[value] for value in values]
    ordered = [by_value[value] for value in sorted(by_value)]
    assert ordered == sorted(ordered)


def test_ranges_of_numbers_are_of_equal_size():
    values = np.random.default_rng(0).normal(size=1000)
    counts = np.bincount(quantile_bins(values, num_units=1000))
    assert len(counts) == 20
    assert counts.min() >= 45
    assert len(np.bincount(quantile_bins(values, num_units=100))) == 5


@pytest.mark.parametrize("count", [0, 1, 39])
def test_few_numbers_are_one_range(count):
    assert set(quantile_bins(np.arange(count, dtype=np.float64), num_units=count).tolist()) <= {0}

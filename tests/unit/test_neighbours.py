"""The nearest neighbours: the same as by brute force, whatever path leads there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from tenfold.core.datasets.health import neighbours
from tenfold.core.datasets.health.neighbours import nearest


def vectors(count: int, *, kinds: int = 60) -> npt.NDArray[np.float32]:
    chance = np.random.default_rng(count)
    centres = chance.normal(size=(kinds, 24))
    found = centres[chance.integers(0, kinds, count)] + chance.normal(0, 0.4, (count, 24))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def test_all_pairs_agree_with_brute_force() -> None:
    some = vectors(700)
    likeness = some @ some.T
    np.fill_diagonal(likeness, -np.inf)
    found = nearest(some, 4)
    assert found.indices[:, 0].tolist() == likeness.argmax(axis=1).tolist()
    assert found.likeness == pytest.approx(-np.sort(-likeness, axis=1)[:, :4], abs=1e-5)


def test_buckets_miss_few_and_no_equal_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    some = vectors(6000)
    some[3000:3200] = some[:200]
    exact = nearest(some, 3)
    monkeypatch.setattr(neighbours, "ALL_PAIRS", 1000)
    monkeypatch.setattr(neighbours, "PER_BUCKET", 100)
    found = nearest(some, 3)
    assert (found.indices[:, 0] == exact.indices[:, 0]).mean() > 0.9
    assert found.indices[:200, 0].tolist() == list(range(3000, 3200))
    assert np.array_equal(found.indices, nearest(some, 3).indices)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_vectors_have_few_neighbours(count: int) -> None:
    found = nearest(vectors(count), 5)
    assert ((found.indices >= 0).sum(axis=1) == max(0, count - 1)).all()

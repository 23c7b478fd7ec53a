import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold.core.training.sampling import batch_bounds, epoch_order
from tenfold.core.training.schedule import rate_at


@given(
    total=st.integers(1, 5000),
    warm_up=st.floats(0, 90),
    schedule=st.sampled_from(["one-cycle", "fixed"]),
    rate=st.floats(1e-5, 10),
)
def test_a_rate_is_never_above_the_asked_one_and_never_negative(
    total: int, warm_up: float, schedule: str, rate: float
) -> None:
    for step in {0, total // 3, total // 2, total - 1}:
        value = rate_at(step, total, schedule=schedule, rate=rate, warm_up=warm_up)
        assert 0 < value <= rate * (1 + 1e-9)


def test_one_cycle_rises_peaks_and_falls_to_nearly_nothing() -> None:
    rates = [rate_at(step, 1000, schedule="one-cycle", rate=0.1, warm_up=25) for step in range(1000)]
    assert rates[0] == pytest.approx(0.1 / 25)
    assert max(rates) == rates[250] == pytest.approx(0.1)
    assert rates[-1] == pytest.approx(0.1 / 10_000)
    assert rates[:251] == sorted(rates[:251])
    assert rates[250:] == sorted(rates[250:], reverse=True)


def test_fixed_stays() -> None:
    assert {rate_at(step, 10, schedule="fixed", rate=0.1, warm_up=0) for step in range(10)} == {0.1}


@given(samples=st.integers(1, 3000), batch=st.integers(1, 400))
def test_batches_cover_all_samples_once(samples: int, batch: int) -> None:
    bounds = batch_bounds(samples, batch)
    assert [index for start, stop in bounds for index in range(start, stop)] == list(range(samples))
    if samples > 1 and batch > 1:
        assert all(stop - start > 1 for start, stop in bounds)


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    assert np.array_equal(epoch_order(1, 2, 100), epoch_order(1, 2, 100))
    assert not np.array_equal(epoch_order(1, 2, 100), epoch_order(1, 3, 100))
    assert not np.array_equal(epoch_order(1, 2, 100), epoch_order(2, 2, 100))

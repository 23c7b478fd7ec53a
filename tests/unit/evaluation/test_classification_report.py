import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold.core.evaluation.classification import classification_report, wilson_interval


def test_counts_every_sample_where_it_belongs() -> None:
    labels = np.array([0, 0, 1, 1, 2])
    probabilities = np.eye(3)[[0, 1, 1, 1, 0]] * 0.8 + 0.05
    report = classification_report(probabilities, labels, ("cat", "dog", "owl"))
    assert report.confusion == ((1, 1, 0), (0, 2, 0), (1, 0, 0))
    assert report.accuracy == 0.6
    cat, dog, owl = report.classes
    assert (cat.support, cat.precision, cat.recall, cat.f1) == (2, 0.5, 0.5, 0.5)
    assert (dog.precision, dog.recall) == (2 / 3, 1.0)
    assert (owl.support, owl.precision, owl.recall, owl.f1) == (1, None, 0.0, 0.0)
    assert report.top5_accuracy == 1.0


def test_the_interval_agrees_with_the_published_example() -> None:
    # Wilson's interval of 81 of 263, as in Newcombe 1998, table I.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)


@given(total=st.integers(1, 10_000), share=st.floats(0, 1))
def test_the_interval_holds_the_share(total: int, share: float) -> None:
    right = round(total * share)
    low, high = wilson_interval(right, total)
    assert 0 <= low <= right / total + 1e-12
    assert right / total - 1e-12 <= high <= 1

"""Whole numbers in texts from outside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis.strategies import characters, integers, text

from tenfold.core.numerals import MOST_DIGITS, whole_number


@given(integers(0, 10**MOST_DIGITS - 1))
def test_a_number_is_read_as_it_was_written(number: int) -> None:
    assert whole_number(str(number)) == number


@pytest.mark.parametrize("odd", ["", "²", "٣", "-1", "+1", "1.0", " 1", "1_0", "9" * (MOST_DIGITS + 1), "1\n"])
def test_nothing_else_is_a_number(odd: str) -> None:
    assert whole_number(odd) is None


@given(text(characters(categories=["Nd", "No", "Nl"], exclude_characters="0123456789"), min_size=1))
def test_digits_of_other_kinds_are_no_numbers(odd: str) -> None:
    assert whole_number(odd) is None

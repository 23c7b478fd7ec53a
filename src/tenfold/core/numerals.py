"""Whole numbers in texts from outside."""

from __future__ import annotations

MOST_DIGITS = 15


def whole_number(text: str) -> int | None:
    """The number that a text of up to 15 of the digits 0 to 9 stands for; `None` for any other text.

    `str.isdigit` alone lets through `²`, which `int` refuses, `٣`, which no program of ours wrote, and texts of any
    length.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None

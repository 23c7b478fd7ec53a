"""Figures as findings tell them."""

from __future__ import annotations


def pictures(count: int) -> str:
    return f"{count:,} picture{'' if count == 1 else 's'}"


def a_share(part: int, whole: int, of: str = "") -> str:
    """`1.6 points`, or with `of` `1.6 % of all pictures`."""
    share = 100 * part / max(1, whole)
    number = f"{share:.1f}" if share >= 0.1 else "0.1" if not of else f"{share:.2g}"
    return f"{number} % of {of}" if of else f"{number} points"

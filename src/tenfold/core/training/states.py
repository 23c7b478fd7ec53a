"""Checks that a saved state belongs to the backend that is to go on from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from tenfold.core.errors import Invalid


def require_same_arrays(expected: Mapping[str, tuple[int, ...]], given: Mapping[str, NDArray[Any]]) -> None:
    """Raises `Invalid` unless `given` has exactly the expected keys and shapes."""
    missing = sorted(expected.keys() - given.keys())
    unknown = sorted(given.keys() - expected.keys())
    if missing or unknown:
        what = f"has no `{missing[0]}`" if missing else f"has `{unknown[0]}`, which is not expected"
        count = len(missing) + len(unknown) - 1
        more = f" (and {count} more such)" if count else ""
        raise Invalid(f"The state {what}{more}: it was saved by another network or optimizer.", code="state.mismatch")
    for key, shape in expected.items():
        if given[key].shape != shape:
            text = (
                f"`{key}` of the state has the shape {given[key].shape}, expected is {shape}: it was saved by another"
            )
            raise Invalid(f"{text} network.", code="state.mismatch")

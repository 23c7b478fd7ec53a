"""Padding as ONNX lists it: what stands before every axis, then what stands behind."""

from __future__ import annotations

from collections.abc import Sequence

Pads = Sequence[tuple[int, int]]


def flat_pads(pads: Pads) -> list[int]:
    return [before for before, _ in pads] + [after for _, after in pads]


def whole_pads(pads: Pads) -> list[int]:
    """The same for a value with batch and channels, which are not padded."""
    return flat_pads([(0, 0), (0, 0), *pads])

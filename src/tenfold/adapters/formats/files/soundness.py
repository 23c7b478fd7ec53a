"""Whether weights that came from elsewhere are numbers: what is NaN or infinite is told."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tenfold.adapters.formats.files.tensor_file import Blocks
from tenfold.core.errors import BadNetwork

_MOST_TOLD = 50
_MOST_SHOWN = 200
_MEANS = "A run that begins with them cannot learn."


def find_unsound(name: str, tensors: Mapping[str, tuple[tuple[int, ...], Blocks]]) -> tuple[str, ...]:
    """A sentence for each tensor of a file, given by path with its shape and values, that holds what is no number.

    Raises `BadNetwork` where nothing in it is a number.
    """
    found: dict[str, int] = {}
    for path, (_, blocks) in tensors.items():
        count = sum(int(np.count_nonzero(~np.isfinite(block))) for block in blocks)
        if count:
            found[path] = count
    sizes = {path: math.prod(shape) for path, (shape, _) in tensors.items()}
    if found and sum(found.values()) == sum(sizes.values()):
        text = (
            f"{name}: all of its values are NaN or infinite, as of a training that had diverged. Take an earlier one."
        )
        raise BadNetwork(text, code="weights.not-numbers", file="weights")
    told = [
        f"`{path[:_MOST_SHOWN]}` of {name}: {count:,} of {sizes[path]:,} values are NaN or infinite. {_MEANS}"
        for path, count in list(found.items())[:_MOST_TOLD]
    ]
    more = [f"{name} has {len(found) - _MOST_TOLD:,} more such tensors."] if len(found) > _MOST_TOLD else []
    return (*told, *more)

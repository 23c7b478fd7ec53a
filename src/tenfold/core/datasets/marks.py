"""What a checkup knows of single samples, beside the columns of their revision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Marks:
    """The samples of the finding that a filter names, worst first; `None` where nothing is known of findings.

    By sample, and `None` where no model judged: the `confidence` in its own class, the likeliest class and the
    `sureness` of that. `key` is the same for the same marks: orders are remembered by it.
    """

    key: str = ""
    found: npt.NDArray[np.int32] | None = None
    confidence: npt.NDArray[np.float32] | None = None
    guesses: npt.NDArray[np.int32] | None = None
    sureness: npt.NDArray[np.float32] | None = None


NO_MARKS = Marks()

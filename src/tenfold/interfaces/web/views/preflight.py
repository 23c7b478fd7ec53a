"""What a run would take, as the form of a new run shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tenfold.core.training.preflight.forecast import Forecast

Mark: TypeAlias = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class ForecastView:
    """A forecast, or why there is none; `bar` and `bar_high` are thousandths of the device's memory.

    While it `is_measuring` the page asks again. `warnings` are what an inspection of the network found.
    """

    forecast: Forecast | None = None
    why_none: str = ""
    mark: Mark = ("done", "")
    bar: int = 0
    bar_high: int = 0
    parts: tuple[tuple[str, int], ...] = ()
    is_measuring: bool = False
    why_no_time: str = ""
    warnings: tuple[str, ...] = ()

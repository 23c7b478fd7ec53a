"""The learning rate as a pure function of how far the training is."""

from __future__ import annotations

import math

START_SHARE = 1 / 25
END_SHARE = 1 / 10_000


def rate_at(step: int, total_steps: int, *, schedule: str, rate: float, warm_up: float) -> float:
    """The rate of step `step` (0-based) of `total_steps`; `warm_up` is in percent of the training.

    One cycle after Smith and Topin 2018 with cosine arms: from rate/25 to the rate, then to rate/10,000.
    """
    warm_steps = total_steps * warm_up / 100
    if step < warm_steps:
        return _cosine(START_SHARE * rate, rate, step / warm_steps)
    if schedule == "fixed":
        return rate
    remaining = max(1.0, total_steps - 1 - warm_steps)
    return _cosine(rate, END_SHARE * rate, min(1.0, (step - warm_steps) / remaining))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2

"""Loads what a training worker needs."""

from __future__ import annotations

import tenfold.adapters.frameworks.keras.backend
import tenfold.tasks.classification.keras  # noqa: F401


def warm_up() -> None:
    """Nothing more: importing is all that is loaded in any case."""

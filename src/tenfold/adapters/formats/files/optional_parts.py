"""Packages that only some formats need."""

from __future__ import annotations

import importlib
from types import ModuleType

from tenfold.core.errors import BadDataset


def needed(module: str, what: str) -> ModuleType:
    """An optional module; raises `BadDataset` naming the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        text = f"{what} need a package that is not installed: run  pip install 'tenfold[formats]'  and start again."
        raise BadDataset(text, code="format.not-installed") from error

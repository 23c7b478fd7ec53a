"""Hostile archives, lists, tables, arrays, databases, folders: a revision that adds up or a named refusal."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from . import containers  # noqa: F401 declares the cases
from .cases import CASES, EITHER, READY, REFUSED
from .importing import Importer, nothing_written
from .pictures import pictures

VALUES = {"width": 16, "height": 16, "colour": "rgb"}
MOST_MIB = 1500
LANDMARKS = ("/tmp/tenfold-was-here", "/tmp/evil.png", "/tmp/evil")


def test_there_are_at_least_three_hundred() -> None:
    ways = Counter(case.way for case in CASES.values())
    print(f"\n{len(pictures())} hostile files, {len(CASES)} hostile sources by {len(ways)} ways: {dict(ways)}")
    assert len(pictures()) >= 300
    assert len(CASES) >= 150


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.is_long])
def test_each_is_a_revision_or_a_refusal(importer: Importer, name: str) -> None:
    bring_in(importer, name)


@pytest.mark.campaign
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.is_long])
def test_campaign_each_is_a_revision_or_a_refusal(importer: Importer, name: str) -> None:
    bring_in(importer, name)


def bring_in(importer: Importer, name: str) -> None:
    """Imports a source and looks at what became of it."""
    case = CASES[name]
    source = case.make(importer, importer.home / "sources" / name)
    with nothing_written(importer):
        found = importer.run(source, **VALUES)
    if case.fate != EITHER:
        assert (READY if not found.code else REFUSED) == case.fate, (found.code, found.message)
    if case.kept is not None:
        assert len(found.kept) == case.kept, (found.rejected, found.skipped)
        assert Counter(code for _, code in found.rejected) == case.rejected
    assert found.peak_mib < MOST_MIB
    assert not any(Path(landmark).exists() for landmark in LANDMARKS)

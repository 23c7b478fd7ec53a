"""What a hostile source is, the pictures that most are made of, and the list of all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tenfold.testing.picture_files import encode, make_photo

from .importing import Importer
from .ways import Source, put, upload

READY, REFUSED, EITHER = "ready", "refused", "either"
GOOD = {f"{'ab'[number % 2]}/{number}.png": encode(make_photo(8, 8, seed=number)) for number in range(12)}
RANDOM = np.random.default_rng(23)
GREY = RANDOM.integers(0, 256, (12, 6, 6), np.uint8)
LABELS = np.arange(12) % 2


@dataclass(frozen=True)
class Case:
    """A source: `make` puts it into a folder, `fate` is what becomes of it, a revision or a refusal with its reason.

    `kept` and `rejected` are how many there are of each, where that is sure. One that `is_long` is for the campaign.
    """

    way: str
    make: Callable[[Importer, Path], Source]
    fate: str
    kept: int | None = None
    rejected: Mapping[str, int] | None = None
    is_long: bool = False


CASES: dict[str, Case] = {}


def declare(
    name: str, way: str, make: Callable[[Importer, Path], Source], fate: str, kept: int | None = None, **rejected: int
) -> None:
    """A case; codes of rejections are written with `__` for the dot and `_` for the stroke."""
    assert name not in CASES, name
    codes = {code.replace("__", ".").replace("_", "-"): count for code, count in rejected.items()}
    CASES[name] = Case(way, make, fate, kept, codes if kept is not None else None)


def a_file(
    name: str, content: bytes, *, beside: Mapping[str, bytes] | None = None
) -> Callable[[Importer, Path], Source]:
    """One file of the server, with others beside it."""

    def make(_importer: Importer, root: Path) -> Source:
        put(root, {**(beside or {}), name: content})
        return {"folder": str(root / name)}

    return make


def a_folder(files: Mapping[str, bytes]) -> Callable[[Importer, Path], Source]:
    return lambda _importer, root: {"folder": str(put(root, files))}


def sent(name: str, content: bytes) -> Callable[[Importer, Path], Source]:
    return lambda importer, _root: upload(importer, {name: content})


def cuts(content: bytes, count: int = 10) -> Iterator[tuple[int, bytes]]:
    """A file cut `count` times, from nothing to all but its last byte."""
    for number in range(count):
        yield number, content[: (len(content) - 1) * number // (count - 1)]


def leave_to_campaign(way: str, *, but: Collection[str]) -> None:
    """Keeps a few cases of a way in for the short form; each needs a child process of its own."""
    for name, case in CASES.items():
        if case.way == way:
            CASES[name] = replace(case, is_long=name not in but)

"""Lines of text files of any size and encoding, never more of one in memory than a line may have."""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Iterator
from typing import BinaryIO

from tenfold.adapters.formats.files.guarded_folder import GuardedFolder
from tenfold.core.datasets.class_names import class_name_of
from tenfold.core.errors import BadDataset, BadImage

MAX_LINE = 1 << 20
MAX_NAMES = 100_000
_LOOK_BYTES = 1 << 18
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_lines(file: BinaryIO, name: str) -> Iterator[str]:
    """Lines with their ends, decoded by the byte-order mark, else as UTF-8 (bytes that are none stay as surrogates).

    Raises `BadDataset` for a line of over a million characters, and for a file that cannot be read.
    """
    encoding = _encoding(file)
    errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
    text = io.TextIOWrapper(file, encoding, errors, newline="")
    number = 0
    try:
        while line := text.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                message = f"Line {number} of {name} has over {MAX_LINE:,} characters: is it really a text?"
                raise BadDataset(message, code="list.line-too-long")
            yield line
    except (OSError, UnicodeError) as error:
        raise BadDataset(f"Line {number + 1} of {name} cannot be read: {error}.", code="list.unreadable") from error
    finally:
        text.detach()


def open_lines(guard: GuardedFolder, path: str) -> Iterator[str]:
    """The lines of a file of a source; raises `BadDataset` naming it when it cannot be opened."""
    try:
        with guard.opened(path) as file:
            yield from read_lines(file, path)
    except BadImage as error:
        raise BadDataset(f"{path} cannot be read: {error.message}", code="list.unreadable") from error


def estimated_lines(guard: GuardedFolder, path: str) -> tuple[int, bool]:
    """How many lines a file has, and whether that is exact: of a long one only the beginning is read."""
    try:
        with guard.opened(path) as file:
            head = file.read(_LOOK_BYTES)
            size = os.fstat(file.fileno()).st_size
    except BadImage as error:
        raise BadDataset(f"{path} cannot be read: {error.message}", code="list.unreadable") from error
    lines = head.count(b"\n") + (size <= len(head) and not head.endswith(b"\n") and bool(head))
    return (lines, True) if size <= len(head) else (max(1, round(lines * size / len(head))), False)


def read_class_names(guard: GuardedFolder, path: str) -> tuple[str, ...]:
    """Line i is the name of class i, as in `labels.txt`; an empty line within has its number for a name."""
    names: list[str] = []
    for number, line in enumerate(open_lines(guard, path)):
        if number >= MAX_NAMES:
            raise BadDataset(f"{path} has over {MAX_NAMES:,} lines: is it a list of classes?", code="list.labels")
        name = class_name_of(line)
        if name is None and line.strip():
            text = f"Line {number + 1} of {path} is no name of a class: at most 500 letters, no control character."
            raise BadDataset(text, code="list.labels")
        names.append(name or "")
    while names and not names[-1]:
        names.pop()
    return tuple(name or str(number) for number, name in enumerate(names))


def _encoding(file: BinaryIO) -> str:
    head = file.read(4096)
    file.seek(0)
    marked = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)
    if marked:
        return marked
    odd, even = head[1::2].count(0), head[0::2].count(0)
    if len(head) >= 8 and max(odd, even) > 0.4 * len(head) / 2 and min(odd, even) < 0.05 * len(head):
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"

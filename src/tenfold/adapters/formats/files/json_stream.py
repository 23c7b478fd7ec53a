"""A JSON file with one object, read member by member; of a list in it one item at a time."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

from tenfold.adapters.formats.files.guarded_folder import GuardedFolder
from tenfold.core.errors import BadDataset, BadImage

MAX_ITEM = 16 << 20
_BLOCK = 1 << 16
_BLANK = " \t\n\r"


def read_members(guard: GuardedFolder, path: str) -> Iterator[tuple[str, Any]]:
    """The members of the object that a file holds, those that are lists item by item; names may come repeatedly.

    Raises `BadDataset` for what is no JSON object, and for an item of over `MAX_ITEM` characters.
    """
    try:
        with guard.opened(path) as file, io.TextIOWrapper(file, "utf-8-sig") as text:
            yield from _Reader(text, path).members()
    except (BadImage, OSError) as error:
        raise BadDataset(f"{path} cannot be read: {error}", code="json.unreadable") from error
    except UnicodeDecodeError:
        raise BadDataset(f"{path} is no JSON: it is not UTF-8.", code="json.unreadable") from None


class _Reader:
    """What of a text was read and not yet taken."""

    def __init__(self, text: io.TextIOBase, path: str) -> None:
        self._text = text
        self._path = path
        self._waiting = ""
        self._at = 0
        self._is_over = False
        self._decoder = json.JSONDecoder()

    def members(self) -> Iterator[tuple[str, Any]]:
        self._take("{")
        while self._next() != "}":
            name = self._value()
            if not isinstance(name, str):
                raise self._broken("the name of a member is no text")
            self._take(":")
            if self._next() == "[":
                yield from ((name, item) for item in self._items())
            else:
                yield name, self._value()
            self._part("}")
        self._take("}")

    def _items(self) -> Iterator[Any]:
        self._take("[")
        while self._next() != "]":
            yield self._value()
            self._part("]")
        self._take("]")

    def _part(self, end: str) -> None:
        """Takes the comma between two members or items, or stays before the end of them."""
        if self._next() != end:
            self._take(",")
            if self._next() == end:
                raise self._broken(f"{end!r} follows a comma")

    def _value(self) -> Any:
        while True:
            self._next()
            try:
                value, end = self._decoder.raw_decode(self._waiting, self._at)
            except RecursionError:
                raise self._broken("it is nested too deeply") from None
            except ValueError as error:
                if self._is_over:
                    raise self._broken(str(error)) from None
            else:
                if end < len(self._waiting) or self._is_over:
                    self._at = end
                    return value
            self._read_on()

    def _take(self, sign: str) -> None:
        found = self._next()
        if found != sign:
            raise self._broken(f"{sign!r} is expected where {found[:1]!r} is" if found else "it ends too early")
        self._at += 1

    def _next(self) -> str:
        """The next sign that is no blank; empty at the end."""
        while True:
            while self._at < len(self._waiting) and self._waiting[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._waiting) or self._is_over:
                return self._waiting[self._at : self._at + 1]
            self._read_on()

    def _read_on(self) -> None:
        """Reads as much again as waits."""
        rest = self._waiting[self._at :]
        if len(rest) > MAX_ITEM:
            raise self._broken(f"an entry has over {MAX_ITEM >> 20} million characters")
        block = self._text.read(max(_BLOCK, len(rest)))
        self._is_over = not block
        self._waiting, self._at = rest + block, 0

    def _broken(self, why: str) -> BadDataset:
        return BadDataset(f"{self._path} is no JSON object: {why}.", code="json.unreadable")

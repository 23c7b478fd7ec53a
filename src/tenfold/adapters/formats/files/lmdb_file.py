"""LMDB databases, read page by page (the format of version 0.9: openldap, `mdb.c`).

The library maps the file: one that is cut off ends the process with a bus error, and it writes locks beside it. Here
every offset is checked and every page is read by `pread`, so a damaged file is an error with a name.
"""

from __future__ import annotations

import os
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from tenfold.adapters.formats.files.guarded_folder import MAX_FILE_BYTES
from tenfold.core.errors import BadDataset

MAGIC, VERSION = 0xBEEFC0DE, 1
_HEAD = struct.Struct("<QHHHH")  # number, padding, flags, end of the list of nodes, start of the nodes
_TREE = struct.Struct("<IHHQQQQQ")  # page size, flags, depth, pages of branches, leaves and overflow, entries, root
_NODE = struct.Struct("<HHHH")  # size or page in two halves, flags or the page's top, size of the key
_NUMBER = struct.Struct("<Q")
_BRANCH, _LEAF, _OVERFLOW, _META = 1, 2, 4, 8
_BIG, _SUB, _DUPLICATES = 1, 2, 4
_EMPTY = 2**64 - 1
_HEAD_SIZE = _HEAD.size
_PAGE_SIZES = frozenset(1 << power for power in range(8, 17))
MAX_DEPTH = 40


@dataclass(frozen=True)
class _Node:
    key: bytes
    page: int  # of a branch: the page below
    value: bytes | None  # of a leaf
    overflow: tuple[int, int] | None = None  # page and size of a value that has pages of its own


class LmdbFile:
    """The main database of an open `data.mdb`, as the last transaction left it. Thread-safe; the handle is not owned.

    Raises `BadDataset` naming `path`: `lmdb.format` for what is no such database, `lmdb.damaged` for pages that do not
    fit each other.
    """

    def __init__(self, handle: int, path: str) -> None:
        self._handle = handle
        self._path = path
        self._size = os.fstat(handle).st_size
        metas = [meta for meta in (self._meta(0), self._meta(1)) if meta is not None]
        if not metas:
            raise BadDataset(f"{path} is no LMDB database of a known version.", code="lmdb.format")
        _, self._page_size, tree = max(metas)
        _, flags, self._depth, branches, leaves, _, self.num_entries, self._root = tree
        self._num_pages = min(branches + leaves, self._size // self._page_size)
        if self._size < 2 * self._page_size:
            raise self._damaged("it ends before its second page")
        if flags:
            text = f"{path} is an LMDB database of a kind that holds no pictures (its flags are {flags})."
            raise BadDataset(text, code="lmdb.format")
        if self._depth > MAX_DEPTH:
            raise self._damaged("its tree is impossibly deep")

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """All keys in order with their values."""
        if self._root != _EMPTY:
            yield from self._below(self._root, self._depth, iter(range(self._num_pages)))

    def get(self, key: bytes) -> bytes | None:
        """The value of a key; `None` if there is none."""
        page = self._root
        for _ in range(MAX_DEPTH if page != _EMPTY else 0):
            content, places, is_leaf = self._page(page)
            after = bisect_right(places, key, 0 if is_leaf else 1, key=lambda place: self._key(content, place))
            if not after or not places:
                return None
            node = self._node(content, places[after - 1], is_leaf)
            if is_leaf:
                return self._value(node) if node.key == key else None
            page = node.page
        return None

    def _below(self, number: int, depth: int, visits: Iterator[int]) -> Iterator[tuple[bytes, bytes]]:
        if next(visits, None) is None or not depth:
            raise self._damaged("its pages lead in circles")
        content, places, is_leaf = self._page(number)
        for place in places:
            node = self._node(content, place, is_leaf)
            if is_leaf:
                yield node.key, self._value(node)
            else:
                yield from self._below(node.page, depth - 1, visits)

    def _meta(self, number: int) -> tuple[int, int, tuple[int, ...]] | None:
        """Transaction, page size and tree of one of the two meta pages; `None` if it is none."""
        first = os.pread(self._handle, 152, 0)
        page_size = _TREE.unpack_from(first, 40)[0] if len(first) == 152 else 0
        if page_size not in _PAGE_SIZES:
            return None
        page = os.pread(self._handle, 152, number * page_size)
        if len(page) < 152 or not _HEAD.unpack_from(page)[2] & _META:
            return None
        if struct.unpack_from("<II", page, _HEAD_SIZE) != (MAGIC, VERSION):
            return None
        return _NUMBER.unpack_from(page, 144)[0], page_size, _TREE.unpack_from(page, 88)

    def _page(self, number: int) -> tuple[bytes, tuple[int, ...], bool]:
        """A page of keys, the places of its nodes in their order, and whether it is a leaf."""
        page = self._read(number, 0, self._page_size)
        _, _, flags, lower, _ = _HEAD.unpack_from(page)
        if flags & ~16 not in {_BRANCH, _LEAF} or not _HEAD_SIZE <= lower <= self._page_size:
            raise self._damaged(f"page {number} is none of keys")
        count = (lower - _HEAD_SIZE) // 2
        return page, struct.unpack_from(f"<{count}H", page, _HEAD_SIZE), bool(flags & _LEAF)

    def _key(self, page: bytes, place: int) -> bytes:
        if place + _NODE.size > len(page):
            raise self._damaged("a node lies outside of its page")
        start = place + _NODE.size
        return page[start : start + _NODE.unpack_from(page, place)[3]]

    def _node(self, page: bytes, place: int, is_leaf: bool) -> _Node:
        key = self._key(page, place)
        low, high, flags, key_size = _NODE.unpack_from(page, place)
        start = place + _NODE.size + key_size
        size = low | high << 16
        if not is_leaf:
            return _Node(key, size | flags << 32, None)
        if flags & (_SUB | _DUPLICATES):
            raise BadDataset(f"{self._path} holds databases in a database: these are not read.", code="lmdb.format")
        length = _NUMBER.size if flags & _BIG else size
        content = page[start : start + length]
        if len(content) < length or size > MAX_FILE_BYTES:
            raise self._damaged("a value lies outside of its page")
        if flags & _BIG:
            return _Node(key, 0, None, (_NUMBER.unpack(content)[0], size))
        return _Node(key, 0, content)

    def _value(self, node: _Node) -> bytes:
        if node.overflow is None:
            return node.value or b""
        number, size = node.overflow
        if not _HEAD.unpack(self._read(number, 0, _HEAD_SIZE))[2] & _OVERFLOW:
            raise self._damaged(f"page {number} is none of a value")
        return self._read(number, _HEAD_SIZE, size)

    def _read(self, number: int, start: int, size: int) -> bytes:
        place = number * self._page_size + start
        if place + size > self._size:
            raise self._damaged(f"it ends before page {number}")
        content = os.pread(self._handle, size, place)
        if len(content) < size:
            raise self._damaged(f"it ends before page {number}")
        return content

    def _damaged(self, why: str) -> BadDataset:
        return BadDataset(f"{self._path} is damaged: {why}.", code="lmdb.damaged")

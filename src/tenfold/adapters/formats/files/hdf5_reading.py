"""What the child of `apart` reads of HDF5 files: arrays of numbers and texts, and nothing that lies in other files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tenfold.adapters.formats.files.optional_parts import needed
from tenfold.core.errors import BadDataset

MAX_OBJECTS = 1000
MAX_DEPTH = 8
BLOCK_BYTES = 4 << 20
MOST_UNPACKED = 100 << 20
MAX_RATIO = 1000
_KINDS = frozenset("biufSUO")


def list_hdf5(handle: int, path: str) -> Iterator[tuple[dict[str, Any], Sequence[bytes]]]:
    """A message an array: `name`, `shape`, and `dtype`, which is empty for texts.

    Raises `BadDataset` for links to other files and arrays that are kept in them.
    """
    with _opened(handle, path) as file:
        for name, array in _arrays(file, "", path, MAX_DEPTH):
            is_text = array.dtype.kind in "SUO"
            yield {"name": name, "shape": list(array.shape), "dtype": "" if is_text else array.dtype.str}, ()


def read_hdf5(handle: int, path: str, *, name: str) -> Iterator[tuple[dict[str, Any], Sequence[bytes]]]:
    """The values of an array, some megabytes a message: a blob in C order, or `texts`."""
    with _opened(handle, path) as file:
        array = dict(_arrays(file, "", path, MAX_DEPTH))[name]
        per_row = max(1, array.dtype.itemsize * array.size // max(1, array.shape[0]))
        step = max(1, BLOCK_BYTES // per_row)
        for start in range(0, array.shape[0], step):
            values = array[start : start + step]
            if array.dtype.kind in "SUO":
                yield {"texts": [_text(value) for value in values.reshape(-1).tolist()]}, ()
            else:
                yield {}, [values.tobytes()]


@contextmanager
def _opened(handle: int, path: str) -> Iterator[Any]:
    h5py = needed("h5py", "HDF5 files")
    try:
        with h5py.File(f"/proc/self/fd/{handle}", "r", locking=False) as file:
            yield file
    except (OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError) as error:
        why = str(error).partition("\n")[0][:200].rstrip(".")
        raise BadDataset(f"{path} is no whole HDF5 file: {why}.", code="hdf5.unreadable") from error


def _arrays(group: Any, above: str, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    h5py = needed("h5py", "HDF5 files")
    for number, name in enumerate(group):
        if number >= MAX_OBJECTS:
            return
        full = f"{above}/{name}" if above else name
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            text = f"{path} leads to another file ({full} is a link there): only what it holds itself is read."
            raise BadDataset(text, code="hdf5.external")
        if not isinstance(link, h5py.HardLink):
            continue
        found = group[name]
        if isinstance(found, h5py.Group) and depth:
            yield from _arrays(found, full, path, depth - 1)
        elif isinstance(found, h5py.Dataset) and found.shape and found.dtype.kind in _KINDS:
            _check_storage(found, full, path)
            yield full, found


def _check_storage(array: Any, name: str, path: str) -> None:
    if array.external or array.is_virtual:
        text = f"{path} keeps {name} in other files: only what it holds itself is read."
        raise BadDataset(text, code="hdf5.external")
    stored = array.id.get_storage_size()
    if array.nbytes > MOST_UNPACKED and array.nbytes > MAX_RATIO * max(1, stored):
        text = f"{path} unpacks {name} to over {MAX_RATIO} times what it stores: it is taken for a bomb."
        raise BadDataset(text, code="hdf5.bomb")


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)[:1000]

"""Memory that a process needed for a moment goes back to the machine."""

from __future__ import annotations

import ctypes
import gc

M_MMAP_THRESHOLD = -3  # of glibc's <malloc.h>
LARGE_BYTES = 1 << 20


def give_back_large_blocks() -> None:
    """Lets glibc give each block of a megabyte or more back to the machine as soon as it is free.

    By itself it raises this limit to 32 MB and keeps what a thread has freed for that thread: a dozen threads that have
    decoded one picture of 50 megapixels each hold 3.4 GB for good. Other C libraries do not keep it.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)


def set_start_aside() -> None:
    """Takes what the start has made out of the search for garbage, in which all of it would be walked again and again:
    150 ms each time, in the middle of some request or of a training step."""
    gc.collect()
    gc.freeze()

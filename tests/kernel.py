"""What the kernel below the tests can keep apart, asked of it without a word of Tenfold's own code."""

from __future__ import annotations

import ctypes
import platform

_LANDLOCK_CREATE_RULESET = 444
_GET_SECCOMP = 21


def level_here() -> str:
    """The level at which foreign code has to be confined on this machine."""
    libc = ctypes.CDLL(None, use_errno=True)
    landlock = libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    can_filter = libc.prctl(_GET_SECCOMP, 0, 0, 0, 0) >= 0
    return "B" if landlock >= 3 and can_filter and platform.machine() == "x86_64" else "A"

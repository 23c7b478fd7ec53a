"""How much memory this process has taken since it began to work."""

from __future__ import annotations

import contextlib
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # proc_pid_clear_refs(5)


class OwnMemory:
    """The peak of what the process holds for itself; pages of files that it maps are not counted, Linux can drop them.

    What lay there when this was made, as in a fork of the template, is left out.
    """

    def __init__(self) -> None:
        with contextlib.suppress(OSError):  # a fork begins with the peak of what it was forked from
            _CLEAR.write_text(_RESET_PEAK, "ascii")
        self._start = _status()["RssAnon"]

    def peak_bytes(self) -> int:
        """The most there has been, as far as mapped files that were read since leave it visible."""
        now = _status()
        return max(now["RssAnon"], now["VmHWM"] - now["RssFile"] - now["RssShmem"]) - self._start


def _status() -> dict[str, int]:
    """Bytes by name, of those lines that are sizes."""
    found = {}
    for line in _STATUS.read_text("ascii").splitlines():
        name, _, value = line.partition(":")
        if value.endswith(" kB"):
            found[name] = 1024 * int(value.removesuffix(" kB"))
    return found

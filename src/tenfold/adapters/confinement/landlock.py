"""Landlock: which files a process may still open, and whom it may signal (landlock(7)); through its system calls.

The one package of the registry is a preview that knows neither signals nor devices.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path

from tenfold.adapters.confinement.system_calls import call

_CREATE, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1

LEAST = 3  # before, a file that may not be written could still be cut off
SIGNALS_SINCE = 6

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE = 1 << 4, 1 << 5
_MAKE_DIR, _MAKE_REG = 1 << 7, 1 << 8
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
READ = _READ_FILE | _READ_DIR
WRITE = READ | _WRITE_FILE | _TRUNCATE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG
"""Neither links, sockets, pipes nor devices can be made: the server will read what lies there."""
DEVICE = READ | _WRITE_FILE | _IOCTL_DEV


def landlock_version() -> int:
    """The version of its interface that this kernel has; 0 for none."""
    try:
        return call(_CREATE, None, 0, _VERSION)
    except OSError:
        return 0


def restrict(allowed: Iterable[tuple[Path, int]]) -> int:
    """Leaves this thread and what it starts only what is allowed beneath each path; returns the version.

    What is not there is passed over. Raises `OSError`.
    """
    version = call(_CREATE, None, 0, _VERSION)
    handled = _handled(version)
    scoped = 0b11 if version >= SIGNALS_SINCE else 0  # abstract sockets, signals
    net = 0b11 if version >= 4 else 0  # binding and connecting over TCP
    about = struct.pack("<QQQ", handled, net, scoped)[: 24 if scoped else 16 if net else 8]
    rules = call(_CREATE, ctypes.create_string_buffer(about, len(about)), len(about), 0)
    try:
        for path, rights in allowed:
            _allow(rules, path, rights & handled)
        call(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)
    return version


def _handled(version: int) -> int:
    """All rights over files that a version knows."""
    known = {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)
    return (1 << known) - 1


def _allow(rules: int, path: Path, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError, NotADirectoryError):
        return
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("<Qi", rights, handle)
        call(_ADD_RULE, rules, _PATH_BENEATH, ctypes.create_string_buffer(rule, len(rule)), 0)
    finally:
        os.close(handle)

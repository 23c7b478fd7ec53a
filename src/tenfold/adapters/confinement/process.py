"""Confines the process that calls it: namespaces, no rights, limits, Landlock and a filter over system calls."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import resource
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

from tenfold.adapters.confinement import landlock, seccomp
from tenfold.adapters.confinement.surroundings import allowed_paths, is_kept
from tenfold.core.jobs.confinement import Confinement, Limits, Reach

_PARENT_DEATH_SIGNAL, _NO_NEW_PRIVILEGES = 1, 38
_NEW_USER, _NEW_IPC, _NEW_NET = 0x10000000, 0x08000000, 0x40000000
_CAPABILITIES_3 = 0x20080522
_STATUS = Path("/proc/self/status")
_MORE_CPU_S = 5  # between the signal that can be caught and the one that cannot


def confine(reach: Reach, limits: Limits) -> Confinement:
    """Fulfils `tenfold.core.jobs.confinement.Confiner`."""
    parts: list[str] = []
    lacking: list[str] = []
    forget_environment()
    if reach.temporary is not None:
        os.environ["TMPDIR"] = str(reach.temporary)
    num_threads = len(list(Path("/proc/self/task").iterdir()))
    if num_threads > 1:
        lacking.append(f"The process runs {num_threads} threads, which would not be confined.")
    _limit(limits)
    if _libc("prctl", _NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        parts.append("no new rights")
    else:
        lacking.append("The kernel cannot take rights away for good.")
    if _leave_namespaces():
        parts.append("own namespaces for user, network and memory")
    _libc("prctl", _PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    allowed = list(allowed_paths(reach))  # looked up before nothing can be
    _try(f"Landlock (version {landlock.landlock_version()})", lambda: landlock.restrict(allowed), parts, lacking)
    if landlock.landlock_version() < landlock.LEAST:
        lacking.append(f"Landlock is of a version below {landlock.LEAST}: the kernel is older than 6.2.")
    _try("a filter over system calls", seccomp.filter_calls, parts, lacking)
    return Confinement(level="A" if lacking else "B", parts=tuple(parts), lacking=tuple(lacking))


def survey() -> Confinement:
    """What `confine` would find on this machine, told without confining anything."""
    version = landlock.landlock_version()
    lacking = []
    if version < landlock.LEAST:
        found = f"of version {version}" if version else "not there, or switched off"
        lacking.append(f"Landlock is {found}; version {landlock.LEAST} is needed, which Linux has since 6.2.")
    if os.uname().machine != seccomp.MACHINE:
        lacking.append(f"The filter over system calls is for {seccomp.MACHINE} alone.")
    parts = () if lacking else (f"Landlock (version {version})", "a filter over system calls")
    return Confinement(level="A" if lacking else "B", parts=parts, lacking=tuple(lacking))


def forget_environment() -> None:
    """Leaves of the environment what says how to compute, also in the memory that the process was started with."""
    kept = {name: value for name, value in os.environ.items() if is_kept(name)}
    os.environ.clear()
    fields = Path("/proc/self/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    start, end = int(fields[47]), int(fields[48])
    if 0 < start < end:
        ctypes.memset(start, 0, end - start)
    os.environ.update(kept)
    os.environ["CUDA_CACHE_DISABLE"] = "1"
    tempfile.tempdir = None


def _limit(limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if limits.memory_bytes is not None:
        most = _memory_bytes() + limits.memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    if limits.cpu_s is not None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = math.ceil(used.ru_utime + used.ru_stime) + limits.cpu_s
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + _MORE_CPU_S))
    if limits.file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_bytes, limits.file_bytes))


def _memory_bytes() -> int:
    """The addresses that the process has taken."""
    lines = _STATUS.read_text("ascii", "replace").splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmSize:"))


def _leave_namespaces() -> bool:
    """Leaves those of users, networks and shared memory for empty ones, and all rights in them; false if refused."""
    user, group = os.getuid(), os.getgid()
    if not _libc("unshare", _NEW_USER | _NEW_NET | _NEW_IPC):
        return False
    with contextlib.suppress(OSError):  # without a map the user has no name inside, which harms nothing
        Path("/proc/self/setgroups").write_text("deny", "ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")
    head = (ctypes.c_uint32 * 2)(_CAPABILITIES_3, 0)
    return _libc("capset", head, (ctypes.c_uint32 * 6)())


def _try(part: str, restrict: Callable[[], object], parts: list[str], lacking: list[str]) -> None:
    try:
        restrict()
    except OSError as error:
        lacking.append(f"{part[:1].upper()}{part[1:]} could not be had: {error.strerror}.")
    else:
        parts.append(part)


def _libc(name: str, *arguments: object) -> bool:
    """Whether a function of the C library did what it was asked."""
    words = [ctypes.c_ulong(each) if isinstance(each, int) else each for each in arguments]
    return bool(getattr(ctypes.CDLL(None), name)(*words) == 0)

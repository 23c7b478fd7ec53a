"""A filter over system calls (seccomp(2)): no network, no other process, no other program, nobody else's modes.

Landlock does not speak of sockets in the file system, of the mode and owner of files, nor, on older kernels, of
signals. What is refused fails with EPERM, as any call does that is not permitted.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator

from tenfold.adapters.confinement.system_calls import call

MACHINE = "x86_64"
_ARCHITECTURE = 0xC000003E
_OTHER_NUMBERS = 0x40000000  # those of x32 begin here
_SECCOMP, _MODE_FILTER, _ALL_THREADS = 317, 1, 1

_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _RETURN = 0x20, 0x06
_EQUAL, _AT_LEAST, _ANY_BIT = 0x15, 0x35, 0x45
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16
_REFUSE = _ERRNO | errno.EPERM
_UNKNOWN = _ERRNO | errno.ENOSYS

_CLONE, _CLONE3, _THREAD = 56, 435, 0x10000
_DENIED = {
    "other processes": (57, 58, 59, 322, 101, 310, 311, 312, 424, 434, 438, 440, 448, 200, 129, 297),
    "how others are scheduled": (141, 142, 144, 251, 314),
    "the network, also by io_uring": (41, 425, 426, 427),
    "memory and messages of the system": (
        29,
        30,
        31,
        64,
        65,
        66,
        67,
        68,
        69,
        70,
        71,
        220,
        240,
        241,
        246,
        248,
        249,
        250,
    ),
    "modes, owners and times by path": (90, 92, 94, 132, 188, 189, 197, 198, 235, 260, 261, 268, 280, 452, 463, 466),
    "modes, owners and attributes of what it has open, also to read alone": (91, 93, 190, 199),
    "what happens to others' files": (254, 300, 301, 303, 304),
    "the lock by which the server knows that they live": (73,),
    "mounts and namespaces": (155, 161, 165, 166, 272, 308, 428, 429, 430, 431, 432, 433, 442),
    "the kernel": (103, 163, 164, 167, 168, 169, 172, 173, 175, 176, 179, 227, 298, 305, 313, 320, 321, 323),
}
"""Numbers of x86-64, as in asm/unistd_64.h."""
_FIRST_UNKNOWN = 467
"""Calls of later kernels, which nobody has looked at: as if there were none."""
_OF_INODES = (0x40086602, 0x40046602, 0x401C5820, 0x40806685)
"""Requests of ioctl that change a file which is open to read alone: flags, attributes of a project, fs-verity."""


def filter_calls() -> None:
    """Refuses, from now on and in all threads, the calls that a network needs for nothing; raises `OSError`."""
    if platform.machine() != MACHINE:
        raise OSError(errno.ENOSYS, f"the filter knows the calls of {MACHINE} alone")
    program = b"".join(_program(os.getpid()))
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("@HxxxxxxQ", len(program) // 8, ctypes.addressof(code))
    call(_SECCOMP, _MODE_FILTER, _ALL_THREADS, ctypes.create_string_buffer(head, len(head)))


def _program(own: int) -> Iterator[bytes]:
    """The filter for the process `own`; every call it does not name is allowed."""
    yield _step(_LOAD, _ARCH)
    yield _step(_EQUAL, _ARCHITECTURE, 1, 0)
    yield _step(_RETURN, _KILL)
    yield _step(_LOAD, _NUMBER)
    yield _step(_AT_LEAST, _OTHER_NUMBERS, 0, 1)
    yield _step(_RETURN, _REFUSE)
    yield _step(_AT_LEAST, _FIRST_UNKNOWN, 0, 1)
    yield _step(_RETURN, _UNKNOWN)
    for numbers in _DENIED.values():
        for number in numbers:
            yield from _refused(number, _REFUSE)
    yield from _refused(_CLONE3, _UNKNOWN)  # its arguments cannot be read here: the library falls back to clone
    yield from _only_if(_CLONE, 0, [_step(_ANY_BIT, _THREAD, 0, 1)])
    for number in (62, 234):  # kill and tgkill: oneself
        yield from _only_if(number, 0, [_step(_EQUAL, own, 0, 1)])
    yield from _only_if(302, 0, [_step(_EQUAL, 0, 1, 0), _step(_EQUAL, own, 0, 1)])  # prlimit64
    yield from _unless(157, 0, (1,))  # prctl: the signal at the death of the parent stays
    yield from _unless(16, 1, _OF_INODES)
    yield from _unless(72, 1, (8, 10, 15))  # fcntl: signals to others
    yield _step(_RETURN, _ALLOW)


def _refused(number: int, answer: int) -> Iterator[bytes]:
    yield _step(_EQUAL, number, 0, 1)
    yield _step(_RETURN, answer)


def _only_if(number: int, argument: int, tests: list[bytes]) -> Iterator[bytes]:
    """Allows a call if one of the tests holds for the low word of an argument; the last one skips the allowance."""
    yield _step(_EQUAL, number, 0, len(tests) + 3)
    yield _step(_LOAD, _ARGUMENTS + 8 * argument)
    yield from tests
    yield _step(_RETURN, _ALLOW)
    yield _step(_RETURN, _REFUSE)


def _unless(number: int, argument: int, values: tuple[int, ...]) -> Iterator[bytes]:
    """Refuses a call if an argument is one of some values."""
    yield _step(_EQUAL, number, 0, len(values) + 3)
    yield _step(_LOAD, _ARGUMENTS + 8 * argument)
    for place, value in enumerate(values):
        yield _step(_EQUAL, value, len(values) - place, 0)
    yield _step(_RETURN, _ALLOW)
    yield _step(_RETURN, _REFUSE)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)

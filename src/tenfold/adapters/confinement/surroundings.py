"""What Python and PyTorch need of a machine to work, apart from what they are to work on."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import tenfold
from tenfold.adapters.confinement.landlock import DEVICE, READ, WRITE
from tenfold.core.jobs.confinement import Reach

_INSTALLED = frozenset({"site-packages", "dist-packages"})
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo")
_FACTS = (
    *("/etc/ld.so.cache", "/etc/localtime", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat"),
    *("/sys/devices/system/cpu", "/sys/devices/system/node"),
)
_PLAIN_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_GPU_LIBRARIES = ("/usr/local/cuda", "/proc/driver/nvidia", "/sys/bus/pci", "/sys/devices", "/sys/module/nvidia")
_KEPT = frozenset({"PATH", "TZ", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE"})
_KEPT_BEGINNINGS = ("LC_", "OMP_", "MKL_", "OPENBLAS_", "MALLOC_", "CUDA_", "CUBLAS_", "NVIDIA_", "KMP_", "TORCH_NUM_")


def allowed_paths(reach: Reach) -> Iterator[tuple[Path, int]]:
    """Each path with its rights for Landlock: what Python needs, and what the process is to reach."""
    for path in python_folders():
        yield path, READ
    for name in (*_LIBRARIES, *_FACTS):
        yield Path(name), READ
    yield Path(f"/proc/{os.getpid()}"), READ
    for name in _PLAIN_DEVICES:
        yield Path(name), DEVICE
    if reach.devices:
        for name in _GPU_LIBRARIES:
            yield Path(name), READ
        for device in Path("/dev").glob("nvidia*"):
            yield device, DEVICE
    for path in reach.read:
        yield path, READ
    for path in (*reach.write, *([reach.temporary] if reach.temporary is not None else [])):
        yield path, WRITE


def python_folders() -> Iterator[Path]:
    """The standard library, the places that packages are installed into, and Tenfold's own code."""
    known = sysconfig.get_paths()
    yield from (Path(known[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    yield from (Path(entry) for entry in sys.path if Path(entry).name in _INSTALLED)
    yield Path(sys.base_prefix, "lib") if sys.base_prefix not in {"/", ""} else Path("/usr/lib")
    yield Path(tenfold.__file__).parent


def is_kept(name: str) -> bool:
    """Whether a variable of the environment says how to compute, and nothing of this installation or of people."""
    return name in _KEPT or name.startswith(_KEPT_BEGINNINGS)

"""What Tenfold knows of the machine it runs on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Gpu:
    """A GPU as its driver describes it now; `busy` is 0 ... 1."""

    index: int
    name: str
    memory_used_bytes: int
    memory_total_bytes: int
    busy: float
    temperature_c: float | None


@dataclass(frozen=True, kw_only=True)
class MachineFacts:
    """One look at the machine; `cpu_busy` is 0 ... 1 over all cores; the disk is the one that holds the data."""

    cpu_name: str
    cpu_cores: int
    cpu_busy: float
    memory_used_bytes: int
    memory_total_bytes: int
    disk_free_bytes: int
    disk_total_bytes: int
    gpus: tuple[Gpu, ...]


class Gauges(Protocol):
    """Reads the machine; cheap enough for once a second."""

    def read(self) -> MachineFacts: ...

"""Reads the machine with psutil and, where there is an NVIDIA driver, NVML."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psutil
import pynvml

from tenfold.core.workstation.machine import Gpu, MachineFacts

KEPT_S = 0.5


class SystemGauges:
    """Fulfils `tenfold.core.workstation.machine.Gauges`. Looks at most twice a second, however many ask."""

    def __init__(self, data_folder: Path) -> None:
        self._data = data_folder
        self._mutex = threading.Lock()
        self._gpus = _Nvml()
        self._cpu_name = _cpu_name()
        self._last: tuple[float, MachineFacts] | None = None
        psutil.cpu_percent()

    def read(self) -> MachineFacts:
        with self._mutex:
            now = time.monotonic()
            if self._last is None or now - self._last[0] > KEPT_S:
                self._last = (now, self._look())
            return self._last[1]

    def gpu_slots(self) -> tuple[str, ...]:
        """`cuda:0`, `cuda:1`, ... for the GPUs that the driver shows."""
        return tuple(f"cuda:{gpu.index}" for gpu in self._gpus.read())

    def _look(self) -> MachineFacts:
        memory = psutil.virtual_memory()
        disk = psutil.disk_usage(str(self._data))
        return MachineFacts(
            cpu_name=self._cpu_name,
            cpu_cores=psutil.cpu_count() or 1,
            cpu_busy=psutil.cpu_percent() / 100,
            memory_used_bytes=memory.total - memory.available,
            memory_total_bytes=memory.total,
            disk_free_bytes=disk.free,
            disk_total_bytes=disk.total,
            gpus=self._gpus.read(),
        )


class _Nvml:
    """The NVIDIA driver's own figures; without a driver there are no GPUs."""

    def __init__(self) -> None:
        try:
            pynvml.nvmlInit()
            self._count = int(pynvml.nvmlDeviceGetCount())
        except pynvml.NVMLError:
            self._count = 0

    def read(self) -> tuple[Gpu, ...]:
        return tuple(gpu for index in range(self._count) if (gpu := self._look(index)) is not None)

    @staticmethod
    def _look(index: int) -> Gpu | None:
        try:
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            name = pynvml.nvmlDeviceGetName(handle)
            busy = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
            temperature = float(pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU))
        except pynvml.NVMLError:
            return None
        text = name.decode() if isinstance(name, bytes) else str(name)
        return Gpu(index, text, int(memory.used), int(memory.total), busy, temperature)


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return "CPU"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "CPU")

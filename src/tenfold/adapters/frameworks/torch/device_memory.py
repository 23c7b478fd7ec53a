"""How much of a GPU's memory this process has taken."""

from __future__ import annotations

import torch


class DeviceMemory:
    """Fulfils `tenfold.worker.toolbox.MemoryGauge` with what PyTorch reserved: that is what other programs miss."""

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)

    def peak_bytes(self) -> int:
        return torch.cuda.max_memory_reserved(self._device)

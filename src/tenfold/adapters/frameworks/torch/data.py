"""Batches on the device: packed pictures gathered, moved and normalised."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tenfold.core.training.ports import BackendPlan, Samples

RESIDENT_BYTES = 2**30
SPLITS = ("train", "val", "test")


class DeviceData:
    """The splits of a dataset, kept on the device when they are packed and small enough, else read batch by batch.

    Pictures are uint8, uint16 or float32 NHWC; batches are float32 NCHW, normalised by channel, in the memory layout
    `layout`.
    """

    def __init__(
        self, plan: BackendPlan, samples: Samples, *, device: torch.device, layout: torch.memory_format
    ) -> None:
        self._samples = samples
        self._device = device
        self._layout = layout
        self._shift = torch.tensor(plan.mean, dtype=torch.float32, device=device).mul_(plan.span)
        self._factor = torch.tensor(plan.std, dtype=torch.float32, device=device).mul_(plan.span).reciprocal_()
        self._labels = {split: _copied(samples.labels(split)).to(device) for split in SPLITS}
        picture_bytes = math.prod(samples.input_shape) * samples.pictures("train", np.arange(0)).itemsize
        total = sum(map(len, self._labels.values())) * picture_bytes
        self._images: dict[str, torch.Tensor] = {}
        if samples.is_packed and total <= RESIDENT_BYTES:
            self._images = {split: self._all(split).to(device) for split in SPLITS}

    def at(self, split: str, indices: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
        """Pictures and labels of given samples."""
        places = _copied(indices).to(self._device, non_blocking=True)
        labels = self._labels[split].index_select(0, places)
        if split in self._images:
            return self._normalised(self._images[split].index_select(0, places)), labels
        return self._normalised(self._moved(self._samples.pictures(split, indices))), labels

    def between(self, split: str, start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Pictures and labels of the samples start to stop."""
        labels = self._labels[split][start:stop]
        if split in self._images:
            return self._normalised(self._images[split][start:stop]), labels
        return self._normalised(self._moved(self._samples.pictures(split, np.arange(start, stop)))), labels

    def _all(self, split: str) -> torch.Tensor:
        return self._tensor(self._samples.pictures(split, np.arange(len(self._labels[split]))))

    def _moved(self, images: NDArray[Any]) -> torch.Tensor:
        batch = self._tensor(images)
        if self._device.type == "cuda":
            return batch.pin_memory().to(self._device, non_blocking=True)
        return batch

    def _tensor(self, images: NDArray[Any]) -> torch.Tensor:
        """The pictures as a tensor; 16 bits in 32 for a GPU, where PyTorch computes little in unsigned 16."""
        is_widened = images.dtype == np.uint16 and self._device.type != "cpu"
        return torch.from_numpy(images.astype(np.int32) if is_widened else images)

    def _normalised(self, images_nhwc: torch.Tensor) -> torch.Tensor:
        images = torch.sub(images_nhwc, self._shift).mul_(self._factor)
        return images.permute(0, 3, 1, 2).contiguous(memory_format=self._layout)


def _copied(array: NDArray[np.generic]) -> torch.Tensor:
    """A tensor of its own: PyTorch does not take the read-only arrays of a memory map."""
    return torch.from_numpy(np.array(array, order="C"))

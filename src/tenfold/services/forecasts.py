"""Pre-flight: what a run will take on this machine, before it starts."""

from __future__ import annotations

import math

import numpy as np

from tenfold.core.datasets.model import RevisionManifest
from tenfold.core.fields import parse_spec
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.training.preflight.forecast import Forecast, Reading, Room, Workload, forecast
from tenfold.core.training.run import Run
from tenfold.core.training.spec import TrainingSpec
from tenfold.core.workstation.machine import Gauges

_DECIDES = ("framework", "batch_size", "optimizer", "device", "threads", "fold", "folds")


class ForecastService:
    """Puts what is to be trained and what the machine has together."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def look(
        self, spec: TrainingSpec, graph: LayerGraph, manifest: RevisionManifest, readings: tuple[Reading, ...] = ()
    ) -> Forecast:
        """The forecast for a graph on a revision; `auto` is the first GPU, and the CPU where there is none."""
        return forecast(workload(spec, graph, manifest), self._room(spec.device), readings)

    def _room(self, device: str) -> Room:
        facts = self._gauges.read()
        index = int(device.removeprefix("cuda:")) if device.startswith("cuda:") else None
        wanted = [gpu for gpu in facts.gpus if device == "auto" or gpu.index == index]
        if wanted and device != "cpu":
            gpu = wanted[0]
            total, free, name = gpu.memory_total_bytes, gpu.memory_total_bytes - gpu.memory_used_bytes, gpu.name
        else:
            total, name = facts.memory_total_bytes, "cpu"
            free = total - facts.memory_used_bytes
        return Room(
            device=name, memory_total_bytes=total, memory_free_bytes=free, disk_free_bytes=facts.disk_free_bytes
        )


def workload(spec: TrainingSpec, graph: LayerGraph, manifest: RevisionManifest) -> Workload:
    """What is to be computed; folds deal the samples that are not for testing anew."""
    training, validation = manifest.split_size("train"), manifest.split_size("val")
    if spec.folds is not None:
        both = training + validation
        validation = math.ceil(both / spec.folds)
        training = both - validation
    number_bytes = max((np.dtype(store.dtype).itemsize for store in manifest.pixels), default=1)
    return Workload(
        graph=graph,
        optimizer=spec.optimizer,
        batch_size=spec.batch_size,
        epochs=spec.epochs,
        num_training=training,
        num_validation=validation,
        num_pictures=manifest.num_samples,
        picture_bytes=manifest.width * manifest.height * manifest.channels * number_bytes,
        is_packed=manifest.in_place is None,
    )


def reading_of(run: Run, spec: TrainingSpec) -> Reading | None:
    """What a run took that was trained like this in one go; nothing of any other."""
    taken = run.progress.get("taken")
    trained = parse_spec(TrainingSpec, run.spec)  # one of an earlier release has fewer fields
    alike = all(getattr(trained, name) == getattr(spec, name) for name in _DECIDES)
    if not isinstance(taken, dict) or not alike or run.progress.get("resumed_step") is not None:
        return None
    memory, seconds, steps = (taken.get(name) for name in ("memory_bytes", "seconds", "steps"))
    said = run.progress.get("forecast")
    parts = said.get("parts") if isinstance(said, dict) else None
    pictures = parts.get("pictures") if isinstance(parts, dict) else None
    if not isinstance(memory, int) or not isinstance(seconds, int | float) or not isinstance(steps, int) or not steps:
        return None
    held = pictures if isinstance(pictures, int) else 0
    return Reading(spec.batch_size, max(0, memory - held), seconds / steps)

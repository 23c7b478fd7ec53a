"""The probe: a few steps of a training that is not begun, to see what they take."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Literal

from tenfold.core.events import Probed
from tenfold.core.jobs.confinement import Reach
from tenfold.core.networks.custom import is_python
from tenfold.core.training.custom import LIMITS, plan_of_python
from tenfold.core.training.job import TrainJob
from tenfold.core.training.ports import BackendPlan
from tenfold.core.training.preflight.probing import FirstSamples, fewest_samples, largest_probe, probe
from tenfold.worker.material import gather
from tenfold.worker.toolbox import JobFolder, Toolbox


def probe_training(
    job: TrainJob, path: Path, folder: JobFolder, tools: Toolbox, slot: str
) -> Literal["finished", "stopped"]:
    """Tells what steps of the job take on this device; nothing of what is learnt is kept."""
    gauge = tools.watch_memory(slot)
    material = gather(job, folder.data_folder, tasks=tools.tasks, open_revision=tools.open_revision)
    spec = material.spec
    about: dict[str, Any] = {
        "graph": material.graph,
        "spec": spec,
        "head": tools.make_head(material.task),
        "device": slot,
        "threads": spec.threads or len(os.sched_getaffinity(0)),
        "mean": material.mean,
        "std": material.std,
        "span": material.revision.span,
    }
    plan = BackendPlan(**about)
    if is_python(job.network_text):
        pictures = folder.data_folder / job.revision_folder
        tools.confine(Reach(read=(path, pictures), devices=slot != "cpu"), LIMITS)
        plan = plan_of_python(job.network_text, job.parameters, material.revision.classes, about)
    backend = tools.make_backend(plan, FirstSamples(material.samples, largest_probe(spec.batch_size)))
    fewest = fewest_samples(material.graph)
    for reading in probe(backend, spec.batch_size, fewest=fewest, gauge=gauge, clock=time.monotonic):
        folder.emit(Probed(batch=reading.batch, memory_bytes=reading.peak_bytes, step_s=reading.step_s))
        if folder.stop_requested():
            return "stopped"
    return "finished"

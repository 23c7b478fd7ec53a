"""Opening networks that were trained, or are being: published models and checkpoints of runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.numpy import load_file

from tenfold.adapters.formats.in_place.reader import RevisionOpener
from tenfold.adapters.storage.checkpoints import read_checkpoint
from tenfold.bootstrap.tasks import FAST_DECODER, TASKS, find
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.errors import BadNetwork, NotFound
from tenfold.core.export.contents import network_file
from tenfold.core.inference.inside import InsideJob
from tenfold.core.networks.custom import is_python
from tenfold.core.networks.fitting import require_fit
from tenfold.core.training.job import TrainJob
from tenfold.worker.material import gather
from tenfold.worker.toolbox import OpenNetwork


def open_network(job: InsideJob, data: Path) -> OpenNetwork:
    """Fulfils `tenfold.worker.toolbox.NetworkOpener`."""
    if job.job_folder:
        return _open_checkpoint(data / job.job_folder, job.step or 0, data)
    return open_model(data / job.model_folder, job.task, job.parameters)


def _open_checkpoint(folder: Path, step: int, data: Path) -> OpenNetwork:
    job = TrainJob.from_json(json.loads((folder / "spec.json").read_text("utf-8")))
    _require_language(job.network_text)
    material = gather(job, data, tasks=TASKS, open_revision=RevisionOpener(find(FAST_DECODER)))
    return OpenNetwork(
        graph=material.graph,
        weights=read_checkpoint(folder / "checkpoints", step).backend.weights(),
        preprocessing=material.preprocessing(),
        classes=material.revision.classes,
    )


def open_model(folder: Path, task: str, parameters: Mapping[str, object]) -> OpenNetwork:
    """A published model; raises `NotFound` where its files are gone."""
    try:
        preprocessing = Preprocessing.from_json(json.loads((folder / "preprocessing.json").read_text("utf-8")))
        classes = tuple((folder / "labels.txt").read_text("utf-8").splitlines())
        text = (folder / network_file([each.name for each in folder.iterdir()])).read_text("utf-8")
        weights = load_file(folder / "model.safetensors")
    except FileNotFoundError:
        raise NotFound("The files of this model are gone.", code="model.gone") from None
    _require_language(text)
    height, width, channels = preprocessing.shape
    decided = {**parameters, **TASKS[task].network_parameters(classes)}
    return OpenNetwork(
        graph=require_fit(text, decided, (channels, height, width)),
        weights=weights,
        preprocessing=preprocessing,
        classes=classes,
    )


def _require_language(text: str) -> None:
    if is_python(text):
        raise BadNetwork("It is written in Python: Tenfold cannot look into its layers yet.", code="network.python")

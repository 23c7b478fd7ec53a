"""Sealing: the server makes the folder of a model that a process has left which executed code of others."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tenfold.adapters.formats.in_place.reader import RevisionOpener
from tenfold.adapters.formats.sealed_model import Figures, Result, seal_model
from tenfold.adapters.imaging.pillow import PillowDecoder
from tenfold.adapters.storage.durable import disk_errors, publish_folder
from tenfold.adapters.storage.job_folders import SEALED, LocalJobFolders
from tenfold.bootstrap.model_texts import predict_text, versions_of
from tenfold.bootstrap.tasks import OWN_FRAMEWORK, PARTS, TASKS
from tenfold.core.export.trained_model import TrainedModel
from tenfold.core.ids import JobId
from tenfold.core.networks.custom import is_python
from tenfold.core.training.custom import graph_of_python
from tenfold.core.training.job import TrainJob
from tenfold.core.training.task import Evaluation
from tenfold.worker.material import Material, gather


@dataclass(frozen=True)
class Sealer:
    """Fulfils `tenfold.services.run_observer.ResultSealer` for the jobs of a data folder."""

    data: Path
    folders: LocalJobFolders

    def __call__(self, job_id: JobId, attempt: int, manifest: str) -> tuple[Path, str]:
        result = Path(self.folders.result_folder(job_id, attempt))
        place = self.folders.path(job_id)
        job = TrainJob.from_json(json.loads((place / "spec.json").read_text("utf-8")))
        if not is_python(job.network_text):
            return result, manifest
        material = gather(job, self.data, tasks=TASKS, open_revision=RevisionOpener(PillowDecoder))
        sealed, staged = place / SEALED, place / f"{SEALED}.part"
        for left in (sealed, staged):
            shutil.rmtree(left, ignore_errors=True)
        with disk_errors(staged):
            staged.mkdir()
            _seal(job, material, Result(result, manifest), staged)
        return sealed, publish_folder(staged, sealed)


def _seal(job: TrainJob, material: Material, result: Result, folder: Path) -> None:
    figures = result.read_figures(_likeness(material))
    model = _model(job, material, figures, result.copy_data(folder))
    seal_model(model, figures.difference, folder, script=predict_text)


def _model(job: TrainJob, material: Material, figures: Figures, num_trained: int) -> TrainedModel:
    return TrainedModel(
        **material.describe(job),
        graph=graph_of_python(material.samples.input_shape, len(material.revision.classes), num_trained),
        weights={},
        evaluation=figures.evaluation,
        tested_on=figures.tested_on,
        step=figures.step,
        epochs_done=figures.epochs,
        versions=versions_of(PARTS[OWN_FRAMEWORK]),
    )


def _likeness(material: Material) -> Evaluation:
    """What figures of the task look like: those of one sample."""
    classes = material.revision.classes
    return material.task.evaluate(np.ones((1, len(classes)), np.float32), np.zeros(1, np.int64), classes)

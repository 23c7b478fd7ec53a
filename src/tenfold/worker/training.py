"""The training job: train, test the best checkpoint, write the model, publish it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Literal

import numpy as np

from tenfold.core.datasets.folds import FoldedSamples
from tenfold.core.datasets.ports import RevisionReader
from tenfold.core.events import Json, Logged, PhaseStarted, Published
from tenfold.core.export.trained_model import TrainedModel
from tenfold.core.networks.fitting import require_fit
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.training.engine import Engine, Outcome, Surroundings
from tenfold.core.training.job import Decisions, TrainJob
from tenfold.core.training.ports import BackendPlan, CheckpointStore, Samples, TrainingBackend
from tenfold.core.training.spec import TrainingSpec
from tenfold.core.training.task import Evaluation, Task
from tenfold.worker.pace import Pace
from tenfold.worker.toolbox import JobFolder, Toolbox

TEST_BATCH = 256


class Training:
    """One attempt of a training job."""

    def __init__(self, job: TrainJob, folder: JobFolder, tools: Toolbox, *, slot: str, job_path: Path) -> None:
        self._job = job
        self._folder = folder
        self._tools = tools
        self._spec: TrainingSpec = job.training_spec()
        self._task: Task = tools.tasks[job.task]
        self._decisions = self._decide(slot)
        self._revision: RevisionReader = tools.open_revision(folder.data_folder / job.revision_folder)
        self._samples = self._dealt()
        self._graph = self._expand()
        self._checkpoints: CheckpointStore = tools.open_checkpoints(
            job_path / "checkpoints", folder.check_fence, warn=self._warn
        )
        self._backend = self._make_backend()

    @property
    def device(self) -> str:
        return self._backend.device

    def prepare(self) -> int | None:
        """Builds the engine and loads the newest checkpoint; returns its step."""
        self._engine = Engine(
            self._spec,
            num_training=len(self._samples.labels("train")),
            num_validation=len(self._samples.labels("val")),
            around=Surroundings(
                backend=self._backend,
                checkpoints=self._checkpoints,
                events=self._folder,
                control=self._folder,
                clock=time.monotonic,
            ),
        )
        return self._engine.resume()

    def run(self) -> Literal["finished", "stopped"]:
        """Trains to the end or a stop, then tests and publishes the best model there is."""
        outcome = self._engine.run()
        if outcome.step > 0:
            self._publish(outcome)
        return outcome.ended

    def _decide(self, slot: str) -> Decisions:
        threads = self._spec.threads or len(os.sched_getaffinity(0))
        now = Decisions(device=slot, threads=threads, versions=self._tools.versions())
        stored = Decisions.from_json(self._folder.decide(now.to_json()))
        reasons = stored.differences(now)
        if reasons:
            text = f"This resume is not exact: {'; '.join(reasons)}."
            self._warn(text)
        return Decisions(device=slot, threads=stored.threads, versions=now.versions)

    def _dealt(self) -> Samples:
        """The samples as the revision splits them, or as the run's fold does."""
        fold, num_folds = self._spec.fold, self._spec.folds
        if fold is None or num_folds is None:
            return self._revision
        return FoldedSamples(self._revision, fold=fold - 1, num_folds=num_folds)

    def _warn(self, text: str) -> None:
        self._folder.emit(Logged(text=text, level="warning"))

    def _expand(self) -> LayerGraph:
        parameters = {**self._job.parameters, **self._task.network_parameters(self._revision.classes)}
        return require_fit(self._job.network_text, parameters, self._samples.input_shape)

    def _make_backend(self) -> TrainingBackend:
        plan = BackendPlan(
            graph=self._graph,
            spec=self._spec,
            head=self._tools.make_head(self._task),
            device=self._decisions.device,
            threads=self._decisions.threads,
            mean=self._revision.mean,
            std=self._revision.std,
            span=self._revision.span,
        )
        return self._tools.make_backend(plan, self._samples)

    def _publish(self, outcome: Outcome) -> None:
        best = self._checkpoints.load(outcome.best_step)
        self._backend.load_state(best.backend)
        split = "test" if len(self._samples.labels("test")) else "val"
        evaluation = self._evaluate(split)
        self._folder.emit(PhaseStarted(phase="exporting"))
        staged = self._folder.staging()
        job = self._job
        model = TrainedModel(
            name=job.run_name,
            task=job.task,
            dataset=job.dataset_name,
            revision=job.revision,
            network=job.network,
            network_text=job.network_text,
            parameters=job.parameters,
            graph=self._graph,
            weights=best.backend.weights(),
            classes=self._revision.classes,
            preprocessing=self._revision.preprocessing,
            evaluation=evaluation,
            tested_on=split,
            spec=job.spec,
            step=outcome.best_step,
            epochs_done=self._spec.epochs * outcome.best_step / self._engine.total_steps,
            versions=self._decisions.versions,
        )
        self._tools.write_model(model, staged, report=Pace(self._folder, time.monotonic, unit="files").report)
        self._folder.emit(PhaseStarted(phase="publishing"))
        manifest = self._folder.publish(staged)
        metrics = {f"{split}_{name}": value for name, value in (evaluation.metrics if evaluation else {}).items()}
        facts: dict[str, Json] = {"metrics": dict(metrics), "step": outcome.best_step, "tested_on": split}
        self._folder.emit(Published(folder="result", manifest=manifest, facts=facts))

    def _evaluate(self, split: str) -> Evaluation | None:
        labels = self._samples.labels(split)
        if not len(labels):
            return None
        self._folder.emit(PhaseStarted(phase="testing"))
        pace = Pace(self._folder, time.monotonic, unit="samples")
        parts = []
        for start in range(0, len(labels), TEST_BATCH):
            stop = min(start + TEST_BATCH, len(labels))
            parts.append(self._backend.predict(split, start, stop))
            pace.report(stop, len(labels))
        return self._task.evaluate(np.concatenate(parts), np.asarray(labels), self._revision.classes)

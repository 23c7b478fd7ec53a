"""The training job: train, test the best checkpoint, write the model, publish it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tenfold.core.events import Json, Logged, PhaseStarted, Published, Taken
from tenfold.core.export.trained_model import TrainedModel
from tenfold.core.jobs.confinement import Reach
from tenfold.core.networks.custom import is_python
from tenfold.core.networks.fitting import fit
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.weights import carry_weights, require_same_heads
from tenfold.core.training.custom import LIMITS, graph_of_python, num_values, plan_of_python
from tenfold.core.training.engine import Engine, Outcome, Surroundings
from tenfold.core.training.job import Decisions, TrainJob
from tenfold.core.training.ports import Arrays, BackendPlan, CheckpointStore, TrainingBackend
from tenfold.core.training.spec import TrainingSpec
from tenfold.core.training.task import Evaluation
from tenfold.worker.material import gather
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
        self._decisions = self._decide(slot)
        self._memory = tools.watch_memory(self._decisions.device)
        material = gather(job, folder.data_folder, tasks=tools.tasks, open_revision=tools.open_revision)
        self._material = material
        self._task = material.task
        self._revision = material.revision
        self._samples = material.samples
        self._parameters = material.parameters
        self._graph = material.graph
        self._checkpoints: CheckpointStore = tools.open_checkpoints(
            job_path / "checkpoints", folder.check_fence, warn=self._warn
        )
        if is_python(job.network_text):
            self._confine(job_path)
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
        started = time.monotonic()
        outcome = self._engine.run()
        seconds = time.monotonic() - started
        self._folder.emit(Taken(memory_bytes=self._memory.peak_bytes(), seconds=seconds, steps=outcome.step))
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

    def _warn(self, text: str) -> None:
        self._folder.emit(Logged(text=text, level="warning"))

    def _carried(self) -> Mapping[str, NDArray[np.float32]]:
        """The tensors that the network begins with instead of drawn ones; none where it goes on from a checkpoint."""
        origins = self._job.weight_origins()
        if not origins or self._checkpoints.latest() is not None:
            return {}
        self._folder.emit(PhaseStarted(phase="preparing"))
        find = self._tools.find_weights(self._folder.data_folder, tell=self._log)
        meaning = fit(self._job.network_text, self._parameters, self._samples.input_shape)
        for origin in origins.values():
            require_same_heads(self._graph, origin)
        sources = [(source, find(origins[str(source)])) for source in meaning.pretrained]
        carried = carry_weights(self._graph, sources, meaning.renamed)
        for sentence in carried.told:
            self._log(sentence)
        return carried.tensors

    def _log(self, text: str) -> None:
        self._folder.emit(Logged(text=text))

    def _make_backend(self) -> TrainingBackend:
        about: dict[str, Any] = {
            "graph": self._graph,
            "spec": self._spec,
            "head": self._tools.make_head(self._task),
            "device": self._decisions.device,
            "threads": self._decisions.threads,
            "mean": self._material.mean,
            "std": self._material.std,
            "span": self._revision.span,
        }
        text = self._job.network_text
        if is_python(text):
            plan = plan_of_python(text, self._job.parameters, self._revision.classes, about)
            return self._tools.make_backend(plan, self._samples)
        return self._tools.make_backend(BackendPlan(**about, weights=self._carried()), self._samples)

    def _confine(self, job_path: Path) -> None:
        """Leaves the process, for good, what this training reads and writes; the log says which level holds."""
        reach = Reach(
            read=(job_path, self._folder.data_folder / self._job.revision_folder),
            write=(job_path / "checkpoints", self._folder.staging().parent),
            temporary=self._folder.workspace(),
            devices=self._decisions.device != "cpu",
        )
        self._log(self._tools.confine(reach, LIMITS).says())

    def _final_graph(self, weights: Arrays) -> LayerGraph:
        """The graph as the model's folder tells of it."""
        if not is_python(self._job.network_text):
            return self._graph
        return graph_of_python(self._samples.input_shape, len(self._revision.classes), num_values(weights))

    def _publish(self, outcome: Outcome) -> None:
        best = self._checkpoints.load(outcome.best_step)
        self._backend.load_state(best.backend)
        split = "test" if len(self._samples.labels("test")) else "val"
        evaluation = self._evaluate(split)
        self._folder.emit(PhaseStarted(phase="exporting"))
        staged = self._folder.staging()
        model = TrainedModel(
            **self._material.describe(self._job),
            graph=self._final_graph(best.backend.weights()),
            weights=best.backend.weights(),
            evaluation=evaluation,
            tested_on=split,
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

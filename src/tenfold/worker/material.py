"""What a training works on, put together from its job: the revision, how it is dealt, and the layer graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenfold.core.datasets.folds import FoldedSamples
from tenfold.core.datasets.ports import RevisionReader
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.networks.custom import is_python
from tenfold.core.networks.fitting import require_fit
from tenfold.core.networks.graph import LayerGraph
from tenfold.core.training.custom import graph_of_python
from tenfold.core.training.job import TrainJob
from tenfold.core.training.ports import Samples
from tenfold.core.training.spec import TrainingSpec
from tenfold.core.training.task import Task


@dataclass(frozen=True, kw_only=True)
class Material:
    """`samples` are the revision's, as it splits them or as the run's fold does.

    `mean` and `std` of each channel are those that the weights were trained with which the run begins from, else the
    dataset's.
    """

    spec: TrainingSpec
    task: Task
    revision: RevisionReader
    samples: Samples
    parameters: dict[str, object]
    graph: LayerGraph
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def preprocessing(self) -> Preprocessing:
        """What becomes of a picture before the network gets it."""
        return Preprocessing.from_json(self.revision.preprocessing).with_normalisation(mean=self.mean, std=self.std)

    def describe(self, job: TrainJob) -> dict[str, Any]:
        """What a `TrainedModel` says of the job, whatever came of it."""
        return {
            "name": job.run_name,
            "task": job.task,
            "dataset": job.dataset_name,
            "revision": job.revision,
            "network": job.network,
            "network_text": job.network_text,
            "parameters": job.parameters,
            "classes": self.revision.classes,
            "preprocessing": self.preprocessing().to_json(),
            "spec": job.spec,
        }


def gather(
    job: TrainJob, data: Path, *, tasks: Mapping[str, Task], open_revision: Callable[[Path], RevisionReader]
) -> Material:
    """Raises `BadNetwork`, and what opening the revision does."""
    spec, task = job.training_spec(), tasks[job.task]
    revision = open_revision(data / job.revision_folder)
    samples: Samples = revision
    if spec.fold is not None and spec.folds is not None:
        samples = FoldedSamples(revision, fold=spec.fold - 1, num_folds=spec.folds)
    parameters = {**job.parameters, **task.network_parameters(revision.classes)}
    if is_python(job.network_text):
        graph = graph_of_python(samples.input_shape, len(revision.classes))
    else:
        graph = require_fit(job.network_text, parameters, samples.input_shape)
    mean, std = _normalisation(job, revision)
    return Material(
        spec=spec,
        task=task,
        revision=revision,
        samples=samples,
        parameters=parameters,
        graph=graph,
        mean=mean,
        std=std,
    )


def _normalisation(job: TrainJob, revision: RevisionReader) -> tuple[tuple[float, ...], tuple[float, ...]]:
    for origin in reversed(job.weight_origins().values()):
        if len(origin.mean) == len(revision.mean):
            return origin.mean, origin.std
    return revision.mean, revision.std

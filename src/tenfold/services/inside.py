"""Looking inside networks: what a model, or a checkpoint of a run, makes of a picture in each of its layers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tenfold.core.accounts.policy import Actor
from tenfold.core.artifacts import ArtifactStore
from tenfold.core.datasets.model import SPLITS
from tenfold.core.datasets.ports import ImageDecoder, PixelArray, RevisionReader
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.errors import Conflict, InvalidFields, NotFound, Problem
from tenfold.core.events import Json, LayerSeen
from tenfold.core.ids import JobId, RevisionId
from tenfold.core.inference.inside import InsideJob, packed_picture
from tenfold.core.training.run import Run
from tenfold.services.datasets import DatasetService
from tenfold.services.errands import Errands, Standing, State
from tenfold.services.models import ModelService
from tenfold.services.runs import RunService

_KIND = "inside"
_FILE = re.compile(r"\d{4}-(activation|\d{1,3})\.png")


@dataclass(frozen=True, kw_only=True)
class Inside:
    """What is seen so far; `total` counts the layers, 0 until the first is seen. `sample` is the picture's index.

    `step` is the checkpoint's, nothing for a model.
    """

    id: JobId
    state: State
    layers: tuple[LayerSeen, ...]
    message: str
    total: int
    sample: int | None = None
    step: int | None = None


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What to look at: a picture that was sent, else a sample of the dataset, else its first; and a checkpoint."""

    picture: bytes | None = None
    sample: int | None = None
    step: int | None = None


@dataclass(frozen=True, kw_only=True)
class InsideParts:
    """What stands behind: the doers, where files lie, and how pictures are decoded."""

    runs: RunService
    models: ModelService
    datasets: DatasetService
    artifacts: ArtifactStore
    decoder: ImageDecoder
    steps_of: Callable[[JobId], tuple[int, ...]]


class InsideService:
    """What people ask of the inside of networks; the worker that looks is warm, one looks at a time."""

    def __init__(self, errands: Errands, parts: InsideParts) -> None:
        self._errands = errands
        self._parts = parts

    def of_run(self, actor: Actor, name_or_id: str, looked: Looked) -> Inside:
        """Looks into a checkpoint of a run, its newest where none is named, also while it trains.

        Raises `Conflict` before the first checkpoint, `NotFound` for one there is not, `BadImage`.
        """
        actor.require("classify")
        run = self._parts.runs.named.get(actor, name_or_id)
        steps = self.steps(actor, run)
        if not steps:
            raise Conflict(f"{run.name} has no checkpoint yet; the first comes with the first validation.")
        step = looked.step if looked.step is not None else max(steps)
        if step not in steps:
            known = ", ".join(f"{each:,}" for each in steps)
            raise NotFound(f"{run.name} has no checkpoint of step {step:,}; it has {known}.", code="checkpoint.gone")
        reader = self._parts.datasets.revision_reader(run.revision)
        picture, sample = self._picture(reader, Preprocessing.from_json(reader.preprocessing), looked)
        job = InsideJob(
            job_folder=f"jobs/{run.job}",
            step=step,
            sample=sample,
            task=run.task,
            parameters=run.parameters,
            **packed_picture(picture),
        )
        return _told(self._ask(actor, job))

    def of_model(self, actor: Actor, name_or_id: str, looked: Looked) -> Inside:
        """Looks into a model; raises `NotFound`, `BadImage`."""
        actor.require("classify")
        model = self._parts.models.named.get(actor, name_or_id)
        model.require_trained_here("be looked into, for Tenfold does not know its layers")
        folder = self._parts.artifacts.path("models", model.files)
        try:
            preprocessing = Preprocessing.from_json(json.loads((folder / "preprocessing.json").read_text("utf-8")))
        except FileNotFoundError:
            raise NotFound("The files of this model are gone.", code="model.gone") from None
        reader = self._reader(model.revision) if looked.picture is None else None
        picture, sample = self._picture(reader, preprocessing, looked)
        parameters = model.facts.get("parameters")
        job = InsideJob(
            model_folder=self._parts.artifacts.relative_path("models", model.files),
            sample=sample,
            task=model.task,
            parameters=parameters if isinstance(parameters, dict) else {},
            **packed_picture(picture),
        )
        return _told(self._ask(actor, job))

    def look(self, actor: Actor, inside_id: str) -> Inside:
        """What is seen by now; raises `NotFound` for what is no longer remembered."""
        actor.require("classify")
        return _told(self._looked_at(inside_id))

    def tiles(self, actor: Actor, inside_id: str, file: str) -> bytes:
        """A PNG of tiles; raises `NotFound`."""
        actor.require("classify")
        folder = self._errands.folder(self._looked_at(inside_id).id)
        try:
            if _FILE.fullmatch(file) is None:
                raise FileNotFoundError
            return (folder / file).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"There are no tiles {file!r}.", code="tiles.not-found") from None

    def steps(self, actor: Actor, run: Run) -> tuple[int, ...]:
        """The steps whose checkpoints there are, oldest first."""
        actor.require("read")
        return tuple(sorted(set(self._parts.steps_of(run.job))))

    def _looked_at(self, inside_id: str) -> Standing:
        standing = self._errands.look(JobId(inside_id))
        if standing.spec["kind"] != _KIND:
            raise NotFound("This is no look inside.", code="errand.gone")
        return standing

    def _ask(self, actor: Actor, job: InsideJob) -> Standing:
        return self._errands.ask(job.to_json(), slot="cpu", asker=actor.user)

    def _reader(self, revision: RevisionId) -> RevisionReader:
        try:
            return self._parts.datasets.revision_reader(revision)
        except NotFound:
            text = "The dataset that it learnt from is gone: choose a picture of your own."
            raise InvalidFields([Problem("picture", text, "required")]) from None

    def _picture(
        self, reader: RevisionReader | None, preprocessing: Preprocessing, looked: Looked
    ) -> tuple[PixelArray, int | None]:
        if looked.picture is not None or reader is None:
            return self._parts.decoder.decode(looked.picture or b"", preprocessing), None
        sample = looked.sample if looked.sample is not None else _first_sample(reader)
        if not 0 <= sample < reader.manifest.num_rows:
            text = f"There is no sample {sample}; they are 0 to {reader.manifest.num_rows - 1}."
            raise InvalidFields([Problem("sample", text, "range")])
        return reader.pictures_at(np.array([sample]))[0], sample


def _first_sample(reader: RevisionReader) -> int:
    """Of the test split, else of validation, else of training."""
    splits = [reader.indices(split) for split in reversed(SPLITS)]
    return next((int(indices[0]) for indices in splits if len(indices)), 0)


def _told(standing: Standing) -> Inside:
    layers = tuple(each for each in standing.events if isinstance(each, LayerSeen))
    return Inside(
        id=standing.id,
        state=standing.state,
        layers=layers,
        message=standing.message,
        total=layers[0].total if layers else 0,
        sample=_number(standing.spec["sample"]),
        step=_number(standing.spec["step"]),
    )


def _number(value: Json) -> int | None:
    return value if isinstance(value, int) else None

"""Inspections of networks of Python: a worker executes the source, confined, and tells the layers or the mistake."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tenfold.core.accounts.policy import Actor
from tenfold.core.artifacts import ArtifactStore
from tenfold.core.errors import Conflict, InvalidFields, NotFound, Problem
from tenfold.core.events import Inspected, Json
from tenfold.core.ids import NetworkVersionId
from tenfold.core.jobs.confinement import Confinement
from tenfold.core.networks.custom import is_python
from tenfold.core.networks.inspection import Inspection, InspectJob, SourceProblem
from tenfold.core.networks.network import NamedText
from tenfold.services.datasets import DatasetService
from tenfold.services.errands import Errands, Standing
from tenfold.services.networks import NetworkService

State = Literal["none", "waiting", "running", "finished", "failed"]
_FILE = "inspection.json"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """On what a network is looked at: a dataset by its name, else inputs of a shape (C, H, W), else its defaults."""

    dataset: str = ""
    input_shape: tuple[int, ...] = ()
    parameters: Mapping[str, object] | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """How an inspection stands: `none` was never asked for. `message` says why one failed, `problem` also where.

    `confinement` is the level under which the source was executed, where it came to that.
    """

    state: State
    message: str = ""
    inspection: Inspection | None = None
    problem: SourceProblem | None = None
    confinement: Confinement | None = None

    @property
    def is_open(self) -> bool:
        return self.state in {"waiting", "running"}


class InspectionService:
    """What people ask of networks of Python. What was found of a version is kept with it. Thread-safe.

    `survey` tells which level of confinement this machine has.
    """

    def __init__(
        self,
        errands: Errands,
        networks: NetworkService,
        datasets: DatasetService,
        *,
        artifacts: ArtifactStore,
        survey: Callable[[], Confinement],
    ) -> None:
        self._errands = errands
        self._networks = networks
        self._datasets = datasets
        self._artifacts = artifacts
        self._survey = survey
        self._mutex = threading.Lock()

    def ask(self, actor: Actor, name: str, wish: Wish) -> Found:
        """How the inspection of a network, or `NAME@3`, stands, which is begun where there is none.

        Raises `NotFound`, `Conflict` for what is not written in Python, `InvalidFields`, and `Forbidden` for whom own
        Python code is not allowed.
        """
        actor.require("network.create")
        found = self._networks.find(actor, name)
        if not is_python(found.text):
            raise Conflict(_not_python(found), code="network.not-python")
        actor.require_code()
        job = self._job(actor, found, wish)
        return self._told(found, self._errands.ask(job.to_json(), slot="cpu", asker=actor.user))

    def known(self, actor: Actor, name: str, wish: Wish) -> Found:
        """How it stands, without asking for it; what was kept where this is no longer remembered."""
        found = self._networks.find(actor, name)
        if not is_python(found.text):
            return Found(state="none", message=_not_python(found))
        standing = self._errands.known(self._job(actor, found, wish).to_json(), slot="cpu")
        if standing is not None:
            return self._told(found, standing)
        kept = self.kept(found)
        if kept is None:
            return Found(state="none")
        return Found(state="finished", inspection=kept, confinement=kept.confinement)

    def kept(self, found: NamedText) -> Inspection | None:
        """What was found of a version when it was last looked at with success."""
        if found.version is None:
            return None
        try:
            path = self._artifacts.path("inspections", found.version.id) / _FILE
            return Inspection.from_json(json.loads(path.read_text("utf-8")))
        except (NotFound, FileNotFoundError, ValueError):
            return None

    def warnings(self, found: NamedText) -> tuple[str, ...]:
        """What was found that is to be known before a run, in sentences; nothing of what was not looked at."""
        kept = self.kept(found) if is_python(found.text) else None
        return kept.told() if kept is not None else ()

    def level(self, actor: Actor) -> Confinement:
        """The level of confinement that there is on this machine."""
        actor.require("read")
        return self._survey()

    def _job(self, actor: Actor, found: NamedText, wish: Wish) -> InspectJob:
        parameters = _checked(wish.parameters or {})
        if not wish.dataset:
            return InspectJob(network_text=found.text, parameters=parameters, input_shape=_checked_shape(wish))
        dataset = self._datasets.named.get(actor, wish.dataset)
        if dataset.state != "ready":
            raise Conflict(f"{dataset.name} is {dataset.state}: choose one that is ready.", code="dataset.not-ready")
        manifest = self._datasets.reader(actor, dataset).manifest
        shape = (manifest.channels, manifest.height, manifest.width)
        classes = len(manifest.classes) or None
        return InspectJob(network_text=found.text, parameters=parameters, input_shape=shape, classes=classes)

    def _told(self, found: NamedText, standing: Standing) -> Found:
        facts = next((each.facts for each in reversed(standing.events) if isinstance(each, Inspected)), None)
        if standing.is_open or (facts is None and standing.state == "failed"):
            return Found(state=standing.state, message=standing.message)
        try:
            return self._read(found, standing, facts or {})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return Found(state="failed", message=f"The worker told what cannot be: {error}.")

    def _read(self, found: NamedText, standing: Standing, facts: Mapping[str, Json]) -> Found:
        told: Any = facts["confinement"]
        confinement = Confinement.from_json(told)
        if standing.state == "failed" and "layers" not in facts:
            problem: Any = facts.get("problem", {})
            line, message = int(problem.get("line", 0)), str(problem.get("message", standing.message))
            return Found(
                state="failed",
                message=standing.message,
                problem=SourceProblem(line, message),
                confinement=confinement,
            )
        inspection = Inspection.from_json(facts)
        if standing.state == "failed":  # what was found is told before the export is tried
            inspection = replace(inspection, onnx="unknown", why_not_onnx=SourceProblem(0, standing.message))
        if found.version is not None and self._is_news(found, inspection, standing):
            self._keep(found, found.version.id, inspection)
        return Found(state="finished", inspection=inspection, confinement=confinement)

    def _is_news(self, found: NamedText, inspection: Inspection, standing: Standing) -> bool:
        """Whether it is to be kept: what was found with values that somebody set does not replace what was without."""
        kept = self.kept(found)
        return kept is None or (kept != inspection and not standing.spec["parameters"])

    def _keep(self, found: NamedText, id: NetworkVersionId, inspection: Inspection) -> None:
        def write(folder: Path) -> None:
            (folder / _FILE).write_text(json.dumps(inspection.to_json()), "utf-8")

        with self._mutex:
            self._artifacts.remove("inspections", id)
            self._artifacts.publish("inspections", id, write)
        if found.version is not None:
            self._networks.note_size(found.version, inspection.num_parameters)


def _not_python(found: NamedText) -> str:
    return f"{found.name} is written in the network language, which is read without a worker."


def _checked(parameters: Mapping[str, object]) -> dict[str, Json]:
    """Parameters as they are handed to a constructor: plain values; raises `InvalidFields`."""
    kept: dict[str, Json] = {}
    for name, value in parameters.items():
        if not isinstance(value, bool | int | float | str):
            text = f"{name} is {value!r:.40}: a parameter is a number, on or off, or a text."
            raise InvalidFields([Problem(f"parameters.{name}", text, "type")])
        kept[name] = value
    return kept


def _checked_shape(wish: Wish) -> tuple[int, ...]:
    if wish.input_shape and len(wish.input_shape) != 3:
        text = "The shape of pictures is channels, height and width, as in 3, 32, 32."
        raise InvalidFields([Problem("input_shape", text, "length")])
    return wish.input_shape

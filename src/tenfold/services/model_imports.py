"""Models that were trained elsewhere: their file is received, taken in by a worker, and becomes a model."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tenfold.core.accounts.policy import Actor
from tenfold.core.artifacts import ArtifactStore
from tenfold.core.errors import BadModel, InvalidFields, NotFound, Problem
from tenfold.core.events import Inspected, Json
from tenfold.core.export.foreign import ForeignModelWriter, TakenModel
from tenfold.core.fields import parse_spec, spec_values
from tenfold.core.ids import PREFIXES, ModelId, RevisionId, RunId, is_id, new_id
from tenfold.core.inference.importing import (
    MAX_MODEL_BYTES,
    MODEL_FILE,
    ForeignModel,
    ModelImport,
    TakeInJob,
    labels_for,
    origin_facts,
    read_labels,
    told,
)
from tenfold.core.inference.model import Model
from tenfold.core.jobs.confinement import Confinement
from tenfold.core.names import check_name, clean_name
from tenfold.core.networks.importing import ForeignFile
from tenfold.core.repository import Database
from tenfold.services.errands import Errands, Standing
from tenfold.services.named import NamedThings
from tenfold.services.turns import Turns

MOST_WAITING = 4
TASK = "classification"
_BLOCK = 1 << 22
_POLL_S = 0.05
_ABOUT = "about.json"
_FIELDS = frozenset({"width", "height", "channels", "layout", "range", "mean", "std", "output", "file"})


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A file that was received and waits, a day at most, for what is to be said of it."""

    id: str
    owner: str
    name: str
    sha256: str
    size_bytes: int


class ModelImports:
    """What people do with models of other programs. One is taken in at a time, by a worker that is confined."""

    def __init__(
        self,
        database: Database,
        models: NamedThings[Model],
        errands: Errands,
        *,
        artifacts: ArtifactStore,
        write: ForeignModelWriter,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._models = models
        self._errands = errands
        self._artifacts = artifacts
        self._write = write
        self._clock = clock
        self._turns = Turns(MOST_WAITING)
        self._never = threading.Event()

    def receive(self, actor: Actor, file: ForeignFile) -> Arrival:
        """Keeps a file until it is imported; nothing of it is read. Raises `InvalidFields`, `StorageFull`."""
        actor.require("model.create")
        size = len(file.content)
        if not 0 < size <= MAX_MODEL_BYTES:
            text = f"The file has {size:,} bytes; a model has 1 to {MAX_MODEL_BYTES:,}."
            raise InvalidFields([Problem("file", text, "length")])
        name = clean_name(file.name.replace("\\", "/").rpartition("/")[2], "model.onnx")
        about = Arrival(id=new_id("upload"), owner=actor.user, name=name, sha256=_sha256(file.content), size_bytes=size)

        def write(folder: Path) -> None:
            content = memoryview(file.content)
            with (folder / MODEL_FILE).open("wb") as target:
                for start in range(0, size, _BLOCK):
                    target.write(content[start : start + _BLOCK])
            (folder / _ABOUT).write_text(json.dumps(vars(about)), "utf-8")

        self._artifacts.publish("arrivals", about.id, write)
        return about

    def import_file(
        self,
        actor: Actor,
        file: ForeignFile,
        values: Mapping[str, object],
        *,
        labels: str = "",
        name: str | None = None,
    ) -> Model:
        """Receives a file and imports it; nothing of it stays where that fails. Raises what both raise."""
        arrival = self.receive(actor, file)
        try:
            return self.import_model(actor, arrival.id, values, labels=labels, name=name)
        finally:
            self._artifacts.remove("arrivals", arrival.id)

    def arrival(self, actor: Actor, id: str) -> Arrival:
        """One's own file that waits; raises `NotFound`."""
        actor.require("model.create")
        gone = NotFound("This file is no longer here: choose it again.", code="arrival.gone")
        if not (is_id(id) and id.startswith(PREFIXES["upload"])):
            raise gone
        try:
            path = self._artifacts.path("arrivals", id) / _ABOUT
            found = Arrival(**json.loads(path.read_text("utf-8")))
        except (NotFound, FileNotFoundError):
            raise gone from None
        if found.owner != actor.user:
            raise gone
        return found

    def forget(self, actor: Actor, id: str) -> None:
        """Removes one's own file that waits; raises `NotFound`."""
        self._artifacts.remove("arrivals", self.arrival(actor, id).id)

    def import_model(
        self, actor: Actor, arrival_id: str, values: Mapping[str, object], *, labels: str = "", name: str | None = None
    ) -> Model:
        """Makes a model of a file that waits, which then waits no more. Without a name it is called as its file.

        Raises `BadModel` for what cannot be used, `InvalidFields` for what the file leaves open or what does not fit
        it, `NameTaken`, `Busy`, `NotFound`.
        """
        sent = self.arrival(actor, arrival_id)
        wanted = parse_spec(ModelImport, values)
        lines = read_labels(labels)
        given = check_name(name) if name else ""
        if given:
            with self._database.read() as tx:
                self._models.require_free(tx, given)
        file = f"{self._artifacts.relative_path('arrivals', sent.id)}/{MODEL_FILE}"
        with self._turns.turn():
            spec = TakeInJob(file=file, wanted=wanted).to_json()
            standing = self._ended(self._errands.ask(spec, slot="cpu", asker=actor.user))
            try:
                found, confinement = _found(standing)
                said = cast("Json", spec_values(wanted))
                origin = {**_file_facts(sent), **origin_facts(found, confinement), "wanted": said}
                taken = TakenModel(
                    name=given or Path(sent.name).stem,
                    found=found,
                    labels=labels_for(lines, found.classes),
                    preprocessing=wanted.preprocessing(found.width, found.height, found.channels),
                    origin=origin,
                )
                made = self._keep(actor, taken, self._errands.folder(standing.id) / MODEL_FILE, given)
            finally:
                self._errands.forget(standing.id)
        self._artifacts.remove("arrivals", sent.id)
        return made

    def _ended(self, standing: Standing) -> Standing:
        """Waits for the worker, which is killed when its time is up."""
        try:
            while standing.is_open:
                self._never.wait(_POLL_S)
                standing = self._errands.look(standing.id)
        except BaseException:
            self._errands.forget(standing.id)
            raise
        return standing

    def _keep(self, actor: Actor, taken: TakenModel, graph: Path, name: str) -> Model:
        """Publishes the folder, and then the row."""
        kept, now = new_id("upload"), self._clock()
        manifest, size = self._artifacts.publish("arrivals", kept, lambda folder: self._write(taken, graph, folder))
        try:
            with self._database.write() as tx:
                chosen = name or self._models.free_name(tx, clean_name(taken.name, "model"))
                self._models.claim_name(tx, chosen)
                model = Model(
                    id=ModelId(new_id("model")),
                    name=chosen,
                    owner=actor.user,
                    created_at=now,
                    changed_at=now,
                    task=TASK,
                    run=RunId(""),
                    revision=RevisionId(""),
                    network="",
                    manifest=manifest,
                    size_bytes=size,
                    step=0,
                    metrics={},
                    facts={"file": taken.origin},
                )
                self._artifacts.adopt(self._artifacts.path("arrivals", kept), "models", model.files, manifest)
                tx.models.add(model)
                return tx.models.get(model.id)
        finally:
            self._artifacts.remove("arrivals", kept)


def _sha256(content: bytes | memoryview) -> str:
    return hashlib.sha256(content).hexdigest()


def _file_facts(sent: Arrival) -> dict[str, Json]:
    return {"name": sent.name, "sha256": sent.sha256, "size_bytes": sent.size_bytes}


def _found(standing: Standing) -> tuple[ForeignModel, Confinement]:
    """What the worker told; raises `BadModel`, `InvalidFields`. It ran a foreign graph: nothing it says is believed."""
    facts = next((each.facts for each in reversed(standing.events) if isinstance(each, Inspected)), None)
    if standing.state == "failed" and (facts is None or "problems" not in facts):
        raise BadModel(f"The worker that ran it was ended. {told(standing.message)}", code="model.killed")
    try:
        about: Any = facts or {}
        if "problems" in about:
            _refuse(about["problems"])
        return ForeignModel.from_json(about), Confinement.from_json(about["confinement"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadModel(f"The worker told what cannot be: {told(error)}.", code="model.killed") from None


def _refuse(listed: Any) -> None:
    problems = [Problem(str(each["field"]), _sentence(each["message"]), told(each["code"])) for each in listed[:20]]
    if not problems or any(each.field not in _FIELDS for each in problems):
        raise ValueError("problems of no field")
    if all(each.field == "file" for each in problems):
        raise BadModel(problems[0].message, code=problems[0].code)
    raise InvalidFields(problems)


def _sentence(text: object) -> str:
    """A sentence of the worker, without what cannot be shown."""
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)[:800]).split())

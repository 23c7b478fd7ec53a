"""Imports of networks from the files of other programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from tenfold.core.accounts.policy import Actor
from tenfold.core.artifacts import ArtifactStore
from tenfold.core.errors import InvalidFields
from tenfold.core.events import Json
from tenfold.core.fields import fields_of, parse_spec
from tenfold.core.ids import new_id
from tenfold.core.names import clean_name
from tenfold.core.networks.importing import ForeignFile, ForeignFiles, ForeignNetwork, NetworkImport, NetworkReader
from tenfold.core.networks.network import Network
from tenfold.core.training.spec import TrainingSpec
from tenfold.services.network_texts import Deadline
from tenfold.services.networks import NetworkService
from tenfold.services.turns import Turns

IMPORT_S = 0.6
MOST_WAITING = 4


class NetworkImports:
    """Makes a network of files, one import at a time. Reading their texts takes `IMPORT_S` of `clock` at most.

    `clock` counts the seconds that a thread works, so that a busy machine refuses no file.
    """

    def __init__(
        self,
        networks: NetworkService,
        *,
        artifacts: ArtifactStore,
        read: NetworkReader,
        clock: Callable[[], float],
    ) -> None:
        self._networks = networks
        self._artifacts = artifacts
        self._read = read
        self._clock = clock
        self._turns = Turns(MOST_WAITING)

    def import_files(
        self, actor: Actor, files: ForeignFiles, values: Mapping[str, object], *, name: str | None = None
    ) -> Network:
        """A new network, whose `imported` keeps what its text cannot say; without a name it is called as in the file.

        Weights that fit are kept under the id in `imported["weights"]`. Raises `BadNetwork` with the line of what is
        wrong, `InvalidFields`, `Busy`.
        """
        actor.require("network.create")
        wanted = parse_spec(NetworkImport, values)
        with self._turns.turn():
            read = self._read(_tidied(files), wanted, Deadline(self._clock, IMPORT_S))
            facts = {**read.facts, **_training_facts(files, read)}
            weights = self._keep_weights(read, facts)
            try:
                origin = f"file:{read.facts['file']}"
                return self._networks.create(actor, name, read.text, origin=origin, imported=facts)
            except BaseException:
                if weights:
                    self._artifacts.remove("weights", weights)
                raise

    def _keep_weights(self, read: ForeignNetwork, facts: dict[str, Json]) -> str:
        if read.write_weights is None:
            return ""
        kept = new_id("upload")
        manifest, size = self._artifacts.publish("weights", kept, read.write_weights)
        about = cast("dict[str, Json]", facts["weights"])
        facts["weights"] = {**about, "id": kept, "manifest": manifest, "size_bytes": size}
        return kept


def _tidied(files: ForeignFiles) -> ForeignFiles:
    """The files under names that can be shown: what came from another machine may hold anything."""

    def tidy(file: ForeignFile | None) -> ForeignFile | None:
        return ForeignFile(_plain_name(file.name), file.content) if file is not None else None

    network = ForeignFile(_plain_name(files.network.name), files.network.content)
    return ForeignFiles(network=network, solver=tidy(files.solver), weights=tidy(files.weights))


def _plain_name(name: str) -> str:
    return clean_name(name.replace("\\", "/").rpartition("/")[2], "file")


def _training_facts(files: ForeignFiles, read: ForeignNetwork) -> dict[str, Json]:
    """Values for the form of a training, and what it has no field for or does not allow."""
    known = {field.name: field for field in fields_of(TrainingSpec)}
    training: dict[str, Json] = {}
    unsaid = [*read.unsaid]
    for name, value in read.training.items():
        try:
            training[name] = cast("Json", known[name].parse(value))
        except InvalidFields as error:
            unsaid += [problem.message for problem in error.problems]
    solver = _plain_name(files.solver.name) if files.solver is not None else ""
    return {"training": training, "unsaid": cast("Json", unsaid), "solver": solver}

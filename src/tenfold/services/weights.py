"""Where the weights lie that a network's text takes from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from tenfold.core.accounts.policy import Actor
from tenfold.core.artifacts import ArtifactStore
from tenfold.core.datasets.preprocessing import Normalise, Preprocessing
from tenfold.core.errors import BadNetwork, Damaged, Forbidden, NotFound
from tenfold.core.inference.model import Model
from tenfold.core.networks.pretraining import Pretrained
from tenfold.core.networks.weights import PUBLISHED, FolderFinder, HubFinder, WeightOrigin
from tenfold.services.named import NamedThings


class WeightService:
    """Finds the sources that `pretrained` names: published weights, models of this workstation, the hub
    and folders of its layout, imported weights."""

    def __init__(
        self, models: NamedThings[Model], artifacts: ArtifactStore, *, find_folder: FolderFinder, find_hub: HubFinder
    ) -> None:
        self._models = models
        self._artifacts = artifacts
        self._find_folder = find_folder
        self._find_hub = find_hub

    def origins(self, actor: Actor, sources: Sequence[Pretrained]) -> list[WeightOrigin]:
        """Where each source lies, each once; raises `BadNetwork` that names the line of one that there is not."""
        return list({str(source): self._origin(actor, source) for source in sources}.values())

    def _origin(self, actor: Actor, source: Pretrained) -> WeightOrigin:
        if source.kind == "catalogue":
            published = PUBLISHED.get(source.name)
            if published is None:
                known = ", ".join(f"`catalogue:{name}`" for name in PUBLISHED)
                raise _refused(source, f"has no published weights; {known} have")
            return WeightOrigin(source=str(source), mean=published.mean, std=published.std)
        if source.kind == "model":
            return self._of_model(actor, source)
        if source.kind == "upload":
            try:
                self._artifacts.path("weights", source.name)
            except NotFound:
                raise _refused(source, "are no weights that were brought in here") from None
            return WeightOrigin(source=str(source), folder=self._artifacts.relative_path("weights", source.name))
        return self._found(source)

    def _found(self, source: Pretrained) -> WeightOrigin:
        """In a folder of the hub's layout, or on the hub."""
        try:
            is_local = source.kind == "folder"
            found = self._find_folder(source.name) if is_local else self._find_hub(source.name, source.revision)
        except (NotFound, Forbidden, Damaged) as error:
            raise _refused(source, f"cannot be used: {error.message.rstrip('.')}") from None
        return WeightOrigin(source=str(source), **asdict(found))

    def _of_model(self, actor: Actor, source: Pretrained) -> WeightOrigin:
        try:
            model = self._models.get(actor, source.name)
        except NotFound:
            raise _refused(source, "is no model of this workstation") from None
        if model.is_foreign:
            raise _refused(source, "was trained elsewhere and came as ONNX, so that its weights have no layers here")
        try:
            folder = self._artifacts.path("models", model.files)
            preprocessing = Preprocessing.from_json(json.loads((folder / "preprocessing.json").read_text("utf-8")))
        except (FileNotFoundError, NotFound):
            raise _refused(source, "has lost its files") from None
        normalise = next((each for each in preprocessing.operations if isinstance(each, Normalise)), None)
        return WeightOrigin(
            source=str(source),
            folder=self._artifacts.relative_path("models", model.files),
            mean=normalise.mean if normalise else (),
            std=normalise.std if normalise else (),
        )


def _refused(source: Pretrained, why: str) -> BadNetwork:
    text = f"Line {source.line}: `{source}` {why}. Name another source, or remove the line to train from scratch."
    return BadNetwork(text, code="network.pretrained")

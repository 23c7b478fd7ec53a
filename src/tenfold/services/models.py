"""Models: looking at them, classifying with them, downloading them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from tenfold.core.accounts.policy import Actor
from tenfold.core.artifacts import ArtifactStore
from tenfold.core.datasets.preprocessing import Preprocessing
from tenfold.core.errors import InvalidFields, NotFound, Problem
from tenfold.core.events import Json
from tenfold.core.export.contents import PYTHON_FILE, network_file
from tenfold.core.inference.importing import MOST_ANSWERING
from tenfold.core.inference.model import Model
from tenfold.core.inference.ports import DownloadBuilder, Prediction, Predictor
from tenfold.core.repository import Database, Repository, Transaction
from tenfold.services.named import Kind, NamedThings
from tenfold.services.turns import Turns

MAX_PICTURES = 100
MOST_WAITING = 4
PATIENCE_S = 30.0
MOST_KNOWN = 256


@dataclass(frozen=True)
class ModelPictures:
    """The pictures that a model takes: height, width and channels, the type of their values, and its classes."""

    shape: tuple[int, ...]
    dtype: str
    classes: tuple[str, ...]


class ModelService:
    """What people do with models."""

    def __init__(
        self,
        database: Database,
        *,
        artifacts: ArtifactStore,
        predictor: Predictor,
        apart: Predictor,
        build_download: DownloadBuilder,
        clock: Callable[[], float],
    ) -> None:
        self._artifacts = artifacts
        self._predictor = predictor
        self._apart = apart
        self._build_download = build_download
        self._turns = Turns(MOST_WAITING, patience_s=PATIENCE_S)
        self._turns_apart = Turns(MOST_WAITING, at_once=MOST_ANSWERING, patience_s=PATIENCE_S)
        self._pictures = lru_cache(MOST_KNOWN)(self._read_pictures)
        self.named = NamedThings(
            Kind(word="model", repository=_repository, change="model.change", used_by=_used_by), database, clock
        )

    def classify(self, actor: Actor, name_or_id: str, pictures: Iterable[bytes]) -> list[tuple[Prediction, ...]]:
        """All classes of each picture, most likely first; raises `BadImage` for a picture that cannot be read.

        One request is worked on at a time, and its pictures are read when its turn comes; raises `Busy` when too many
        wait, or when its turn does not come in time. A graph that Tenfold did not write, of a model from elsewhere or
        of a network of Python, is run `apart`: such requests have turns of their own, one a model at a time. Raises
        `BadModel` where it fails.
        """
        actor.require("classify")
        model = self.named.get(actor, name_or_id)
        is_apart = model.is_foreign or self.is_python(model)
        with self._turns_apart.turn(model.files) if is_apart else self._turns.turn():
            read = list(islice(pictures, MAX_PICTURES + 1))
            if not 1 <= len(read) <= MAX_PICTURES:
                text = f"There are {len(read)} pictures; a request takes 1 to {MAX_PICTURES}."
                raise InvalidFields([Problem("file", text, "range")])
            predictor = self._apart if is_apart else self._predictor
            return predictor.classify(self._artifacts.path("models", model.files), read)

    def pictures(self, model: Model) -> ModelPictures:
        """What pictures a model takes; raises `NotFound` where its files are gone."""
        return self._pictures(model.files)

    def _read_pictures(self, files: str) -> ModelPictures:
        folder = self._artifacts.path("models", files)
        try:
            preprocessing = Preprocessing.from_json(json.loads((folder / "preprocessing.json").read_text("utf-8")))
            classes = tuple((folder / "labels.txt").read_text("utf-8").splitlines())
        except FileNotFoundError:
            raise NotFound("The files of this model are gone.", code="model.gone") from None
        return ModelPictures(preprocessing.shape, preprocessing.dtype.name, classes)

    def report(self, actor: Actor, model: Model) -> dict[str, Json]:
        """What the test split said, as the training wrote it."""
        actor.require("read")
        if model.is_foreign:
            text = f"{model.name} was trained elsewhere: how good it is was not measured here."
            raise NotFound(text, code="model.no-report")
        path = self._artifacts.path("models", model.files) / "metrics.json"
        try:
            content: dict[str, Json] = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            raise NotFound(f"{model.name} has no report.", code="model.no-report") from None
        return content

    def is_python(self, model: Model) -> bool:
        """Whether its network is one of Python; raises `NotFound`."""
        return (self._artifacts.path("models", model.files) / PYTHON_FILE).is_file()

    def network_text(self, actor: Actor, model: Model) -> str:
        """The text of the network that was trained, as it lies with the weights; raises `NotFound`."""
        actor.require("read")
        if model.is_foreign:
            text = f"{model.name} was trained elsewhere and came as ONNX: it has no network text."
            raise NotFound(text, code="model.no-network")
        folder = self._artifacts.path("models", model.files)
        try:
            return (folder / network_file([each.name for each in folder.iterdir()])).read_text("utf-8")
        except FileNotFoundError:
            raise NotFound(f"{model.name} has no network text.", code="model.no-network") from None

    def download(self, actor: Actor, name_or_id: str) -> tuple[str, Iterator[bytes]]:
        """A file name and the archive in blocks; every file in it is as it was published."""
        actor.require("read")
        model = self.named.get(actor, name_or_id)
        self._artifacts.verify("models", model.files)
        folder = self._artifacts.path("models", model.files)
        return f"{model.name}.zip", self._build_download(folder, model.name)

    def close(self) -> None:
        """Lets go of the models that are held ready."""
        self._predictor.close()
        self._apart.close()


def _repository(tx: Transaction) -> Repository[Model]:
    return tx.models


def _used_by(_tx: Transaction, _model: Model) -> list[str]:
    return []

"""Networks that people keep, and their immutable versions, as the store knows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from tenfold.core.entities import Entity, Named
from tenfold.core.events import Json
from tenfold.core.ids import NetworkId, NetworkVersionId, UserId

NetworkState = Literal["ready", "draft"]


@dataclass(frozen=True, kw_only=True)
class Network(Named):
    """A network that somebody keeps: a row of versions, of which `current` is the newest and `number` its number.

    `title` and `num_parameters` are those of the current version, for lists; a draft has no number of parameters.
    `origin` is where the first version came from, as `catalogue:lenet`, `network:ID@3`, `model:ID`, `run:ID` or
    `file:train_val.prototxt`, and empty for one that was typed. `imported` is what a file said beside its text.
    """

    id: NetworkId
    current: NetworkVersionId
    number: int
    origin: str
    title: str = ""
    num_parameters: int | None = None
    imported: dict[str, Json] = field(default_factory=dict)

    @property
    def state(self) -> NetworkState:
        """A draft has mistakes in its text and cannot be trained."""
        return "draft" if self.num_parameters is None else "ready"

    @property
    def weights(self) -> str:
        """The id of the weights that came with its file; empty where none were kept."""
        about = self.imported.get("weights")
        return str(about.get("id", "")) if isinstance(about, dict) else ""


@dataclass(frozen=True, kw_only=True)
class NetworkVersion(Entity):
    """A text of a network. Numbers count from 1; `summary` says what is otherwise than in `parent`.

    `sha256` is that of the text; a text with mistakes has no `num_parameters`.
    """

    SORTABLE: ClassVar[tuple[str, ...]] = ("created_at", "id", "number")

    id: NetworkVersionId
    network: NetworkId
    number: int
    created_at: float
    author: UserId
    parent: NetworkVersionId | None
    text: str
    summary: str
    sha256: str
    num_parameters: int | None


@dataclass(frozen=True, kw_only=True)
class NamedText:
    """What a network's name stands for: one of the catalogue, or a version of one that somebody keeps.

    `paper` is that of a catalogue network; one that is kept has `network` and `version`.
    """

    name: str
    title: str
    text: str
    paper: str = ""
    network: Network | None = None
    version: NetworkVersion | None = None

    @property
    def is_catalogue(self) -> bool:
        return self.network is None

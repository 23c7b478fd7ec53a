"""Copies, and what they have otherwise: the text of a network, a model or a run becomes one that can be changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import Conflict, InvalidFields, NotFound, Problem
from tenfold.core.networks.difference import NetworkDifference, difference
from tenfold.core.networks.network import NamedText, Network
from tenfold.core.training.run import Run
from tenfold.services.models import ModelService
from tenfold.services.named import NamedThings
from tenfold.services.networks import NetworkService

KINDS = ("network", "catalogue", "model", "run")


@dataclass(frozen=True)
class Compared:
    """A difference: what was asked for, the name of what that is, as `lenet` or `mine@2`, and what is otherwise."""

    against: str
    source: str
    found: NetworkDifference


class NetworkCopies:
    """Copies by the name of where they come from: `lenet`, `network:mine@3`, `catalogue:lenet`, `model:M`, `run:R`."""

    def __init__(self, networks: NetworkService, models: ModelService, runs: NamedThings[Run]) -> None:
        self._networks = networks
        self._models = models
        self._runs = runs

    def copy_of(self, actor: Actor, source: str, *, name: str | None = None) -> Network:
        """A new network with the text of something, which says where it came from; raises `NotFound`."""
        actor.require("network.create")
        text, origin, wish = self.text_of(actor, source)
        return self._networks.create(actor, name or self._networks.free_name(wish), text, origin=origin)

    def text_of(self, actor: Actor, source: str) -> tuple[str, str, str]:
        """A text, where it came from in a form that outlives renames, and a name for a copy; raises `NotFound`."""
        kind, colon, name = source.partition(":")
        if not colon or kind not in KINDS:
            kind, name = "network", source
        if kind == "model":
            model = self._models.named.get(actor, name)
            return self._models.network_text(actor, model), f"model:{model.id}", model.name
        if kind == "run":
            run = self._runs.get(actor, name)
            return run.network_text, f"run:{run.id}", run.name
        if kind == "catalogue":
            entry = self._networks.get(actor, name)
            return entry.text, f"catalogue:{entry.name}", entry.name
        found = self._networks.find(actor, name)
        if found.network is None or found.version is None:
            return found.text, f"catalogue:{found.name}", found.name
        return found.text, f"network:{found.network.id}@{found.version.number}", found.name

    def difference(self, actor: Actor, name: str, against: str = "", *, text: str | None = None) -> Compared:
        """A network, or a `text` that shall become it, against another: `@2` a version of its own, `origin` what it
        came from, or anything that can be copied.

        Without `against` it is the version before, of a first version what it came from, and of a `text` the network
        itself. Raises `NotFound`, `Conflict` where there is nothing to compare with.
        """
        found = self._networks.find(actor, name)
        wanted = against or self._nearest(found, is_draft=text is not None)
        source = wanted
        if wanted == "origin" and found.network is not None:
            source = self.origin_name(actor, found.network)
        elif wanted.startswith("@"):
            source = f"{found.name}{wanted}"
        if not source:
            raise _alone(found.name)
        old, new = self.text_of(actor, source)[0], found.text if text is None else text
        look = self._networks.meaning if text is None else self._networks.look
        return Compared(wanted, source, difference(self._networks.meaning(old), look(new), old, new))

    def _nearest(self, found: NamedText, *, is_draft: bool) -> str:
        """What it was made from."""
        if is_draft:
            return f"@{found.version.number}" if found.version is not None else found.name
        if found.version is None:
            raise _alone(found.name)
        return f"@{found.version.number - 1}" if found.version.number > 1 else "origin"

    def origin_name(self, actor: Actor, network: Network) -> str:
        """Where a network came from, with the name that this has now, as in `network:mine@3`; empty where unknown."""
        kind, _, about = network.origin.partition(":")
        if kind not in {"network", "model", "run"}:
            return network.origin
        source, at, number = about.partition("@")
        things: dict[str, NamedThings[Any]] = {
            "network": self._networks.named,
            "model": self._models.named,
            "run": self._runs,
        }
        try:
            return f"{kind}:{things[kind].get(actor, source).name}{at}{number}"
        except NotFound:
            return f"{kind} that is gone"


def _alone(name: str) -> Conflict:
    return Conflict(
        f"{name} has no other version and comes from nothing: say what to compare it with.", code="network.alone"
    )


def checked_source(source: object) -> str:
    """Where a copy comes from; raises `InvalidFields`."""
    if not isinstance(source, str) or not source:
        text = "Say what to copy: a network, or `model:` or `run:` and its name."
        raise InvalidFields([Problem("copy_of", text, "type")])
    return source

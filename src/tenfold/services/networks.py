"""Networks: the ones that ship with Tenfold and those that people keep, each a row of versions of a text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import Changed, Conflict, Invalid, InvalidFields, NotFound, Problem
from tenfold.core.events import Json
from tenfold.core.ids import NetworkId, NetworkVersionId, new_id
from tenfold.core.names import check_name, lookup_form
from tenfold.core.networks.analysis import Analysis
from tenfold.core.networks.custom import as_python, is_python
from tenfold.core.networks.limits import MAX_TEXT_BYTES
from tenfold.core.networks.network import NamedText, Network, NetworkVersion
from tenfold.core.networks.ports import CatalogueEntry
from tenfold.core.networks.summary import summarise
from tenfold.core.numerals import whole_number
from tenfold.core.repository import MAX_PAGE, Database, Page, Query, Repository, Transaction
from tenfold.core.training.run import Run
from tenfold.services.named import Kind, NamedThings
from tenfold.services.network_texts import NetworkTexts

MAX_OFFERED = 100


@dataclass(frozen=True)
class NetworkPage:
    """Part of the list of all networks; `cursor` is empty on the last page."""

    items: tuple[Network | CatalogueEntry, ...]
    cursor: str
    total: int


class NetworkService(NetworkTexts):
    """What people do with networks. `clock` gives the time, `worked` the seconds that a thread has worked."""

    def __init__(
        self,
        catalogue: Iterable[CatalogueEntry],
        database: Database,
        *,
        clock: Callable[[], float],
        worked: Callable[[], float],
    ) -> None:
        super().__init__(worked)
        self._entries = {entry.name: entry for entry in catalogue}
        self._database = database
        self._clock = clock
        self.named = NamedThings(
            Kind(
                word="network",
                repository=_repository,
                change="network.change",
                used_by=_used_by,
                reserved=frozenset(self._entries),
            ),
            database,
            clock,
        )

    def entries(self, actor: Actor) -> tuple[CatalogueEntry, ...]:
        """The networks of the catalogue, in its order."""
        actor.require("read")
        return tuple(self._entries.values())

    def page(self, actor: Actor, query: Query) -> NetworkPage:
        """Part of the list of all: those that people keep in the order that is asked for, then the catalogue."""
        asked = "" if _catalogue_place(query.cursor) is not None else query.cursor
        kept = self.named.page(actor, replace(query, cursor=asked))
        shipped = [] if query.trashed else [each for each in self._entries.values() if _is_found(each, query.search)]
        total = kept.total + len(shipped)
        first = _catalogue_place(query.cursor)
        if first is None and kept.cursor:
            return NetworkPage(kept.items, kept.cursor, total)
        items: tuple[Network | CatalogueEntry, ...] = kept.items if first is None else ()
        first = first or 0
        last = first + query.limit - len(items)
        return NetworkPage((*items, *shipped[first:last]), f"catalogue-{last}" if last < len(shipped) else "", total)

    def texts(self, actor: Actor, page: NetworkPage) -> tuple[NamedText, ...]:
        """The current texts of a part of the list, in its order."""
        actor.require("read")
        kept = [each for each in page.items if isinstance(each, Network)]
        with self._database.read() as tx:
            versions = {each.id: tx.network_versions.get(each.current) for each in kept}
        return tuple(
            self._named_text(each, versions[each.id]) if isinstance(each, Network) else _shipped(each)
            for each in page.items
        )

    def choices(self, actor: Actor, *, drafts: bool = False) -> tuple[NamedText, ...]:
        """The newest that people keep, without drafts unless these are asked for, then the catalogue."""
        actor.require("read")
        with self._database.read() as tx:
            newest = tx.networks.page(Query(limit=MAX_OFFERED)).items
            kept = [each for each in newest if drafts or each.state == "ready"]
            versions = {each.id: tx.network_versions.get(each.current) for each in kept}
        own = [self._named_text(each, versions[each.id]) for each in kept]
        return (*own, *(_shipped(entry) for entry in self._entries.values()))

    def get(self, actor: Actor, name: str) -> CatalogueEntry:
        """One of the catalogue; raises `NotFound` and names what there is."""
        actor.require("read")
        if name not in self._entries:
            known = ", ".join(self._entries)
            raise NotFound(f"There is no network {name!r}; there are {known}.", code="network.not-found")
        return self._entries[name]

    def find(self, actor: Actor, name: str) -> NamedText:
        """What a name stands for: a network that somebody keeps, `NAME@3` one of its versions, or one of the catalogue.

        Raises `NotFound` and names what there is.
        """
        plain, at, number = name.partition("@")
        try:
            network = self.named.get(actor, plain)
        except NotFound:
            return _shipped(self.get(actor, name))
        version = self.at(actor, network, _version_number(name, number) if at else network.number)
        return self._named_text(network, version)

    def note_size(self, version: NetworkVersion, num_parameters: int) -> None:
        """Notes of a version of Python that it was inspected and can be trained; of one that is gone nothing."""
        with self._database.write() as tx:
            stored = tx.network_versions.find(id=version.id)
            network = tx.networks.find(id=version.network)
            if stored is None or network is None:
                return
            tx.network_versions.update(replace(stored, num_parameters=num_parameters))
            if network.current == version.id:
                tx.networks.update(replace(network, num_parameters=num_parameters))

    def _named_text(self, network: Network, version: NetworkVersion) -> NamedText:
        title = self.meaning(version.text).title
        return NamedText(name=network.name, title=title, text=version.text, network=network, version=version)

    def at(self, actor: Actor, network: Network, number: int) -> NetworkVersion:
        """A version by its number; raises `NotFound`."""
        actor.require("read")
        with self._database.read() as tx:
            found = tx.network_versions.find(network=network.id, number=number)
        if found is None:
            text = f"{network.name} has no version {number}; it has 1 to {network.number}."
            raise NotFound(text, code="network.version-not-found")
        return found

    def history(self, actor: Actor, network: Network, query: Query) -> Page[NetworkVersion]:
        """The versions of a network; `query` says in which order and how many."""
        actor.require("read")
        with self._database.read() as tx:
            return tx.network_versions.page(replace(query, where={"network": network.id}, search="", trashed=False))

    def runs_of(self, actor: Actor, versions: Iterable[NetworkVersion]) -> dict[int, list[Run]]:
        """The newest runs of versions of one network, by the versions' numbers."""
        actor.require("read")
        listed = list(versions)
        where = {
            "network_id": tuple({each.network for each in listed}),
            "network_version": tuple(each.number for each in listed),
        }
        with self._database.read() as tx:
            runs = tx.runs.page(Query(where=where, limit=MAX_PAGE)).items
        return {each.number: [run for run in runs if run.network_version == each.number] for each in listed}

    def free_name(self, wish: str) -> str:
        """`wish`, or the next name that is free."""
        with self._database.read() as tx:
            return self.named.free_name(tx, wish)

    def create(
        self,
        actor: Actor,
        name: str | None,
        text: str,
        *,
        origin: str = "",
        imported: Mapping[str, Json] | None = None,
    ) -> Network:
        """Keeps a text as the first version of a new network, which without a name is called as its text calls it.

        A text with mistakes is kept as a draft, as is one of Python until it was inspected. Raises `InvalidFields`,
        `NameTaken`, `BadNetwork` for a text that takes too long, `Forbidden` where Python is not allowed.
        """
        actor.require("network.create")
        text = checked_text(text)
        if is_python(text):
            actor.require_code()
        given = check_name(name) if name else ""
        meaning = self.meaning_in_time(text)
        now = self._clock()
        network = Network(
            id=NetworkId(new_id("network")),
            name=given,
            owner=actor.user,
            created_at=now,
            changed_at=now,
            current=NetworkVersionId(new_id("network version")),
            number=1,
            origin=origin,
            title=meaning.title,
            num_parameters=_num_parameters(meaning),
            imported=dict(imported or {}),
        )
        with self._database.write() as tx:
            name = given or self.named.free_name(tx, meaning.name or "network")
            self.named.claim_name(tx, name)
            tx.networks.add(replace(network, name=name))
            tx.network_versions.add(_version(network, actor, text, summary="", parent=None))
            return tx.networks.get(network.id)

    def changeable(self, actor: Actor, name: str) -> Network:
        """One that the actor may change; raises `Forbidden`, `NotFound`, and `Conflict` for one of the catalogue."""
        with self._database.read() as tx:
            return self.named.changeable(tx, actor, name)

    def save(self, actor: Actor, name: str, text: str, *, on: str) -> NetworkVersion:
        """Keeps a text as the next version and makes it current; `on` is the id of the version that it was made from.

        Raises `Changed` when another is current by now, `Invalid` when nothing would be otherwise, and what `create`
        raises.
        """
        network = self.changeable(actor, name)
        before = self.at(actor, network, network.number)
        text = _in_its_language(checked_text(text), before)
        if is_python(text):
            actor.require_code()
        meaning, now = self.meaning_in_time(text), self._clock()
        summary = summarise(before.text, text, old=self.meaning(before.text), new=meaning)
        with self._database.write() as tx:
            stored = tx.networks.get(network.id)
            _require_unchanged(stored, before, text, on)
            newer = replace(
                stored,
                current=NetworkVersionId(new_id("network version")),
                number=stored.number + 1,
                title=meaning.title,
                num_parameters=_num_parameters(meaning),
                changed_at=now,
            )
            version = _version(newer, actor, text, summary=summary, parent=before.id)
            tx.network_versions.add(version)
            tx.networks.update(newer)
        return version


def _shipped(entry: CatalogueEntry) -> NamedText:
    return NamedText(name=entry.name, title=entry.title, text=entry.text, paper=entry.paper)


def checked_text(text: object) -> str:
    """A text as it is kept, its lines ended by `\n` alone; raises `InvalidFields`."""
    if not isinstance(text, str):
        raise _bad_text(f"The text of a network is a text, not {type(text).__name__}.", "type")
    kept = text.replace("\r\n", "\n").replace("\r", "\n")
    size = len(kept.encode("utf-8", "replace"))
    if size > MAX_TEXT_BYTES:
        line = kept.encode("utf-8", "replace")[:MAX_TEXT_BYTES].count(b"\n") + 1
        message = (
            f"The text has {size:,} bytes; at most {MAX_TEXT_BYTES:,} (256 kB) are kept, which ends on line {line}."
        )
        raise _bad_text(message, "length")
    if not kept.strip():
        raise _bad_text("There is nothing in the text: write a network, or begin with a copy of one.", "required")
    strange = next((char for char in kept if (char < " " and char not in "\n\t") or "\ud800" <= char < "\ue000"), None)
    if strange is not None:
        line = kept[: kept.index(strange)].count("\n") + 1
        message = f"Line {line} has the character U+{ord(strange):04X} in it, which is no text: leave it out."
        raise _bad_text(message, "character")
    return kept


def _in_its_language(text: str, before: NetworkVersion) -> str:
    """A next text in the language of the version before; raises `InvalidFields` for Python in another one's place."""
    if is_python(before.text):
        return as_python(text)
    if is_python(text):
        message = "The network is written in the network language, and this text in Python: make a network of its own."
        raise _bad_text(message, "language")
    return text


def _bad_text(message: str, code: str) -> InvalidFields:
    return InvalidFields([Problem("text", message, code)])


def _require_unchanged(stored: Network, before: NetworkVersion, text: str, on: str) -> None:
    if stored.trashed_at is not None:
        raise Conflict(f"{stored.name} is in the trash: take it out, then save.", code="network.in-trash")
    if stored.current != on or before.id != on:
        message = f"{stored.name} was saved by somebody meanwhile: version {stored.number} is current. Load it, then"
        raise Changed(f"{message} make the change again.")
    if before.text == text:
        message = f"The text is that of version {before.number}: nothing would change."
        raise Invalid(message, code="network.nothing")


def _version(
    network: Network, actor: Actor, text: str, *, summary: str, parent: NetworkVersionId | None
) -> NetworkVersion:
    return NetworkVersion(
        id=network.current,
        network=network.id,
        number=network.number,
        created_at=network.changed_at,
        author=actor.user,
        parent=parent,
        text=text,
        summary=summary,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        num_parameters=network.num_parameters,
    )


def _num_parameters(meaning: Analysis) -> int | None:
    return meaning.graph.parameters if meaning.graph is not None else None


def _version_number(name: str, number: str) -> int:
    found = whole_number(number)
    if found is None:
        text = f"{name!r} is no version: after @ comes its number, as in {name.partition('@')[0]}@1."
        raise NotFound(text, code="network.version-not-found")
    return found


def _catalogue_place(cursor: str) -> int | None:
    """Where in the catalogue a page goes on; `None` for the cursor of another list."""
    word, dash, place = cursor.partition("-")
    return whole_number(place) if word == "catalogue" and dash else None


def _is_found(entry: CatalogueEntry, search: str) -> bool:
    text = f"{entry.name} {_plain(entry.name)} {entry.title}".lower()
    return all(word in text or _plain(word) in text for word in lookup_form(search).lower().split())


def _plain(name: str) -> str:
    """`resnet50` of ResNet-50, `mobilenetv3small` of MobileNetV3-Small."""
    return name.replace("-", "").replace("_", "")


def _repository(tx: Transaction) -> Repository[Network]:
    return tx.networks


def _used_by(tx: Transaction, network: Network) -> list[str]:
    """Its runs, as long as they are not in the trash themselves."""
    runs = tx.runs.page(Query(where={"network_id": network.id}, limit=MAX_PAGE)).items
    return [f"the run {run.name}" for run in runs]

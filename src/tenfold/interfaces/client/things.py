"""What all things with a name share in the client."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from tenfold.core.fields import Field
from tenfold.interfaces.client.errors import ServerUnreachable
from tenfold.interfaces.client.transport import Transport, quoted
from tenfold.interfaces.schemas import objects

ThingT = TypeVar("ThingT", bound=objects.Thing)
OPEN_STATES = frozenset({"waiting", "running", "stopping", "building"})
POLL_S = 0.25


class Things(Generic[ThingT]):
    """What all things with a name share."""

    def __init__(self, transport: Transport, noun: str, schema: type[ThingT]) -> None:
        self._transport = transport
        self._noun = noun
        self._schema = schema

    def list(self, *, search: str = "", sort: str = "-created_at", trashed: bool = False) -> Iterator[ThingT]:
        """All of them, page by page as they are asked for."""
        cursor = ""
        while True:
            params = {"search": search, "sort": sort, "trashed": str(trashed).lower(), "cursor": cursor, "limit": "200"}
            page = self._transport.call("GET", f"/{self._noun}", params=params)
            yield from (self._schema.model_validate(item) for item in page["items"])
            cursor = page["cursor"]
            if not cursor:
                return

    def get(self, name: str) -> ThingT:
        """One of them, by name or id; raises `NotFoundError`."""
        return self._one("GET", name)

    def rename(self, name: str, new_name: str) -> ThingT:
        """Gives another name; the old one leads on."""
        return self._one("PATCH", name, json={"name": new_name})

    def annotate(self, name: str, *, note: str | None = None, tags: Sequence[str] | None = None) -> ThingT:
        """Sets note, tags, or both."""
        return self._one("PATCH", name, json={"note": note, "tags": None if tags is None else [*tags]})

    def trash(self, name: str) -> ThingT:
        """Puts it in the trash; raises `ConflictError` when something depends on it."""
        return self._one("DELETE", name)

    def restore(self, id: str) -> ThingT:
        """Takes it out of the trash."""
        return self._schema.model_validate(self._transport.call("POST", f"/{self._noun}/{quoted(id)}/restore"))

    def wait(self, name: str, *, on_change: Callable[[ThingT], None] | None = None) -> ThingT:
        """Returns when it is over; `on_change` is told of every look."""
        while True:
            try:
                thing = self.get(name)
            except ServerUnreachable:  # a restart; jobs outlive it
                time.sleep(POLL_S * 4)
                thing = self.get(name)
            if on_change is not None:
                on_change(thing)
            if thing.state not in OPEN_STATES:
                return thing
            time.sleep(POLL_S)

    def _one(self, method: str, name: str, **request: Any) -> ThingT:
        return self._schema.model_validate(self._transport.call(method, f"/{self._noun}/{quoted(name)}", **request))


def signature(method: Callable[..., Any], fields: tuple[Field, ...]) -> inspect.Signature:
    """The method's signature with the declared fields in the place of `**fields`."""
    signature = inspect.signature(method)
    kept = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    known = {each.name for each in kept}
    keyword = inspect.Parameter.KEYWORD_ONLY
    added = [
        inspect.Parameter(field.name, keyword, default=inspect.Parameter.empty if field.required else field.default)
        for field in fields
        if field.name not in known
    ]
    return signature.replace(parameters=[*kept, *added])

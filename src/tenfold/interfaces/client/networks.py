"""Networks in the client: those that people keep, the catalogue, and what texts mean."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tenfold.interfaces.client.things import OPEN_STATES, POLL_S, Things, signature
from tenfold.interfaces.client.transport import quoted, sendable
from tenfold.interfaces.schemas import network_objects as objects
from tenfold.interfaces.schemas.requests import IMPORT_FIELDS, OPERATION_FIELDS


class Networks(Things[objects.Network]):
    """Networks."""

    def get(self, name: str) -> objects.NetworkDetail:
        """One with its text, by name, id or `NAME@3`; raises `NotFoundError`."""
        return objects.NetworkDetail.model_validate(self._transport.call("GET", f"/networks/{quoted(name)}"))

    def create(self, text: str, *, name: str | None = None, language: str = "network") -> objects.NetworkDetail:
        """Keeps a text as a new network; one with mistakes becomes a draft.

        With `python` as its language it is a file with a module of PyTorch, a draft until `inspect` finds no mistake.
        """
        return self._made({"text": text, "name": name, "language": language})

    def copy(self, source: str, *, name: str | None = None) -> objects.NetworkDetail:
        """Keeps a copy of `lenet`, `mine@3`, `model:first` or `run:first`."""
        return self._made({"copy_of": source, "name": name})

    def import_files(
        self,
        network: str | Path,
        *,
        solver: str | Path | None = None,
        weights: str | Path | None = None,
        name: str | None = None,
        **fields: Any,
    ) -> objects.NetworkDetail:
        """Makes a network of files: a prototxt, its solver and caffemodel; or a text (*.network) and its safetensors.

        `imported` of the answer names what of them the text does not say.
        """
        paths = {"network": network, "solver": solver, "weights": weights}
        given = {**fields, "name": name}
        data = {key: str(value) for key, value in given.items() if value is not None}
        with ExitStack() as opened:
            files = {
                key: (sendable(Path(path)), opened.enter_context(Path(path).open("rb")))
                for key, path in paths.items()
                if path is not None
            }
            answer = self._transport.call("POST", "/networks/import", files=files, data=data)
        return objects.NetworkDetail.model_validate(answer)

    def save(self, name: str, text: str, *, on: str = "") -> objects.NetworkVersion:
        """Keeps a text as the next version.

        `on` is the id of the version that it was made from, without it the current one; raises `ConflictError` when
        another is current by now.
        """
        body = {"text": text, "on": on or self.get(name).current}
        answer = self._transport.call("POST", f"/networks/{quoted(name)}/versions", json=body)
        return objects.NetworkVersion.model_validate(answer)

    def versions(self, name: str) -> Iterator[objects.NetworkVersion]:
        """All versions with their runs, newest first."""
        cursor = ""
        while True:
            params = {"cursor": cursor, "limit": "100"}
            page = self._transport.call("GET", f"/networks/{quoted(name)}/versions", params=params)
            yield from (objects.NetworkVersion.model_validate(item) for item in page["items"])
            cursor = page["cursor"]
            if not cursor:
                return

    def difference(self, name: str, *, against: str = "") -> objects.NetworkDifference:
        """A network or `NAME@3` against `@2`, `origin`, `lenet`, `model:first` or `run:first`.

        Without `against` it is the version before, or of a first version what it came from.
        """
        answer = self._transport.call("GET", f"/networks/{quoted(name)}/difference", params={"against": against})
        return objects.NetworkDifference.model_validate(answer)

    def check(
        self, text: str, *, parameters: Mapping[str, Any] | None = None, input_shape: Sequence[int] | None = None
    ) -> objects.NetworkLook:
        """What a text means, with every mistake at its line; `input_shape` is channels first, without the batch."""
        shape = None if input_shape is None else [*input_shape]
        body = {"text": text, "parameters": dict(parameters or {}), "input_shape": shape}
        return objects.NetworkLook.model_validate(self._transport.call("POST", "/networks/check", json=body))

    def format(self, text: str) -> str:
        """The text in the usual layout; raises `InvalidError` with what keeps it from being read."""
        answer = self._transport.call("POST", "/networks/format", json={"text": text})
        return objects.FormattedText.model_validate(answer).text

    def statements(self, text: str) -> objects.Statements:
        """The text as its statements, each with its comments and its place; `statement_schema` describes them."""
        answer = self._transport.call("POST", "/networks/statements", json={"text": text})
        return objects.Statements.model_validate(answer)

    def statement_schema(self) -> dict[str, Any]:
        """The JSON schema of a text's statements."""
        schema: dict[str, Any] = self._transport.call("GET", "/language/schema")
        return schema

    def language(self) -> objects.Language:
        """What the network language knows: kinds of layers with their arguments, inputs, functions, words."""
        return objects.Language.model_validate(self._transport.call("GET", "/language"))

    def edit(self, text: str, **fields: Any) -> objects.EditedText:
        """The text after an operation; raises `ConflictError` with the reason where it does not fit."""
        answer = self._transport.call("POST", "/networks/edit", json={"text": text, **fields})
        return objects.EditedText.model_validate(answer)

    def inspect(
        self,
        name: str,
        *,
        dataset: str = "",
        input_shape: Sequence[int] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> objects.Inspection:
        """What is in a network of Python, on pictures of a dataset or of a shape: a worker executes it, confined.

        Waits for it. One that `failed` says why, and at which line of its source in `problem`.
        """
        shape = None if input_shape is None else [*input_shape]
        body = {"dataset": dataset, "input_shape": shape, "parameters": dict(parameters or {})}
        while True:
            answer = self._transport.call("POST", f"/networks/{quoted(name)}/inspect", json=body)
            found = objects.Inspection.model_validate(answer)
            if found.state not in OPEN_STATES:
                return found
            time.sleep(POLL_S)

    def _made(self, body: dict[str, Any]) -> objects.NetworkDetail:
        return objects.NetworkDetail.model_validate(self._transport.call("POST", "/networks", json=body))


Networks.import_files.__signature__ = signature(Networks.import_files, IMPORT_FIELDS)  # type: ignore[attr-defined]
Networks.edit.__signature__ = signature(Networks.edit, OPERATION_FIELDS)  # type: ignore[attr-defined]

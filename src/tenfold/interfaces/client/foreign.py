"""Models that were trained elsewhere, brought in with the client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tenfold.interfaces.client.transport import Transport, sendable
from tenfold.interfaces.schemas.objects import Model


def import_file(
    transport: Transport, file: Path, labels: str | Path | Sequence[str], fields: Mapping[str, Any]
) -> Model:
    """Sends the file and returns the model; `labels` are a file with one a line, or names in the output's order."""
    data = {key: _text(value) for key, value in fields.items() if value is not None}
    listed = Path(labels).read_text("utf-8-sig") if isinstance(labels, str | Path) else "\n".join(labels)
    with file.open("rb") as opened:
        files = {"file": (sendable(file), opened)}
        answer = transport.call("POST", "/models/import", files=files, data={**data, "labels": listed}, timeout=None)
    return Model.model_validate(answer)


def _text(value: object) -> str:
    """A value as a form has it; numbers a channel with commas between."""
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)

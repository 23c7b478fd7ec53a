"""Looking inside networks with the client."""

from __future__ import annotations

import time
from pathlib import Path

from tenfold.interfaces.client.things import OPEN_STATES, POLL_S
from tenfold.interfaces.client.transport import Transport, quoted, sendable
from tenfold.interfaces.schemas.inside_objects import Inside, SeenValues

Picture = str | Path | bytes


def opened_picture(picture: Picture) -> tuple[str, bytes]:
    """A picture as a request sends it: name and content."""
    if isinstance(picture, bytes):
        return "picture", picture
    return sendable(Path(picture)), Path(picture).read_bytes()


def look_inside(transport: Transport, path: str, picture: Picture | None, **asked: int | None) -> Inside:
    """Asks, and returns when every layer is seen, or what failed."""
    params = {name: str(value) for name, value in asked.items() if value is not None}
    files = [("file", opened_picture(picture))] if picture is not None else None
    answer = transport.call("POST", f"{path}/inside", params=params, files=files)
    while (found := Inside.model_validate(answer)).state in OPEN_STATES:
        time.sleep(POLL_S)
        answer = transport.call("GET", f"/insides/{quoted(found.id)}")
    return found


def save_tiles(transport: Transport, found: Inside, folder: Path) -> list[Path]:
    """Writes the tiles of every layer as PNG files, named by number, layer and tensor; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    saved = []
    for layer in found.layers:
        seen: list[tuple[str, SeenValues]] = [("activation", layer.activation)]
        seen += [(each.name, each) for each in layer.weights]
        for what, values in seen:
            target = folder / f"{layer.number:04d}-{layer.path}-{what}.png"
            saved.append(transport.download(f"/insides/{quoted(found.id)}/tiles/{values.tiles.file}", target))
    return saved

"""Files sent over REST in one part."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient


def announce(client: TestClient, files: dict[str, bytes]) -> Any:
    """The answer to an announcement of files by their paths."""
    announced = [{"path": path, "size_bytes": len(content)} for path, content in files.items()]
    return client.post("/api/v1/uploads", json={"files": announced})


def append(client: TestClient, upload: str, offset: int, content: bytes, **headers: str) -> Any:
    """The answer to a part of the stream."""
    given = {"upload-offset": str(offset), "content-type": "application/octet-stream", **headers}
    return client.patch(f"/api/v1/uploads/{upload}", content=content, headers=given)


def send(client: TestClient, **files: bytes) -> str:
    """The id of a complete upload; `__` in a name stands for its dot."""
    return send_files(client, {name.replace("__", "."): content for name, content in files.items()})


def send_files(client: TestClient, files: dict[str, bytes]) -> str:
    """The id of a complete upload of files by their paths."""
    begun = announce(client, files)
    assert begun.status_code == 201, begun.text
    answer = append(client, begun.json()["id"], 0, b"".join(files.values()))
    assert (answer.status_code, answer.json()["state"]) == (200, "ready"), answer.text
    return str(begun.json()["id"])

"""The child of `apart`: reads the files that it is given, one after the other, until nobody asks any more."""

from __future__ import annotations

import json
import os
import resource
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tenfold.adapters.formats.files.hdf5_reading import list_hdf5, read_hdf5
from tenfold.adapters.formats.files.parquet_reading import describe_parquet, read_parquet
from tenfold.core.errors import BadDataset

Answer = tuple[dict[str, Any], Sequence[bytes]]
MOST_MEMORY = 8 << 30
_READERS: Mapping[str, Callable[..., Iterator[Answer]]] = {
    "parquet-facts": describe_parquet,
    "parquet-rows": read_parquet,
    "hdf5-facts": list_hdf5,
    "hdf5-values": read_hdf5,
}


def serve(connection: socket.socket) -> None:
    """Answers request after request; a file that cannot be read is an answer, too."""
    while True:
        request, handles, _, _ = socket.recv_fds(connection, 1 << 16, 1)
        while request and not request.endswith(b"\n"):
            request += connection.recv(1 << 16)
        if not request:
            return
        asked = json.loads(request)
        try:
            for header, blobs in _READERS[asked["what"]](handles[0], asked["path"], **asked["arguments"]):
                _send(connection, {**header, "blobs": [len(blob) for blob in blobs]}, blobs)
            _send(connection, {"end": ""})
        except BadDataset as error:
            _send(connection, {"end": error.message, "code": error.code})
        except MemoryError:
            _send(connection, {"end": f"{asked['path']} needs more memory than it may have.", "code": "file.bomb"})
        finally:
            os.close(handles[0])


def _send(connection: socket.socket, header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> None:
    told = json.dumps(header).encode()
    connection.sendall(len(told).to_bytes(4, "big") + told)
    for blob in blobs:
        connection.sendall(blob)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(socket.socket(fileno=int(sys.argv[1])))

"""A web server on this machine's loopback."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Reply = tuple[int, Mapping[str, str], bytes]


@contextmanager
def web(
    pages: Mapping[str, Reply] | Callable[[str], Reply], *, secure: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[str]]]:
    """A web server on loopback, with TLS where there is a context for it, and the paths that were asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            found = pages(self.path) if callable(pages) else pages.get(self.path, (404, {}, b""))
            self.send_response(found[0])
            headers = {"Content-Length": str(len(found[2])), "Content-Type": "text/html", **found[1]}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(found[2])

        def log_message(self, *_about: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if secure is not None:
        server.socket = secure.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"{'http' if secure is None else 'https'}://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""Fetching from the web for others: no internal address, no proxy, few redirects, bounded bytes and time."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from tenfold.adapters.sources.net_guard import NetGuard
from tenfold.core.datasets.remote import is_web_address
from tenfold.core.errors import BadDataset, Forbidden, NotFound, TooLarge, Unavailable

MAX_REDIRECTS = 5
CONNECT_S = 10.0
READ_S = 20.0
_BLOCK = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How many bytes one answer may have, and how long all of it may take."""

    max_bytes: int
    max_s: float


PICTURE = Limits(max_bytes=64 << 20, max_s=60.0)
PAGE = Limits(max_bytes=4 << 20, max_s=30.0)
ARCHIVE = Limits(max_bytes=20 * 1000**3, max_s=6 * 3600.0)


@dataclass(frozen=True)
class Answer:
    """What came: from where after redirects, the kind it calls itself, and its bytes, which are counted."""

    url: str
    content_type: str
    blocks: Iterator[bytes]


class GuardedHttp:
    """Asks for addresses of the web; each host, that of a redirect too, is resolved and checked when it is asked."""

    def __init__(self, guard: NetGuard, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._guard = guard
        self._clock = clock

    def read(self, url: str, limits: Limits = PICTURE) -> bytes:
        """All of an answer; raises as `opened`."""
        with self.opened(url, limits) as answer:
            return b"".join(answer.blocks)

    @contextmanager
    def opened(self, url: str, limits: Limits) -> Iterator[Answer]:
        """An answer as a stream.

        Raises `Forbidden` for what may not be asked, `NotFound`, `TooLarge`, `Unavailable` when nobody answers in time,
        and `BadDataset` for an answer that is none.
        """
        end = self._clock() + limits.max_s
        for _ in range(MAX_REDIRECTS + 1):
            with closing(self._ask(url)) as connection:
                try:
                    response = connection.getresponse()
                except (OSError, http.client.HTTPException) as error:
                    raise _silent(url, error) from error
                with closing(response):
                    if response.status not in _REDIRECTS:
                        _check(response, url)
                        kind = response.headers.get_content_type()
                        yield Answer(url, kind, self._blocks(response, url, limits, end))
                        return
                    url = _next(url, response.headers.get("location", ""))
        raise BadDataset(
            f"{url} is the end of over {MAX_REDIRECTS} redirects: give the last address.", code="url.redirects"
        )

    def _ask(self, url: str) -> http.client.HTTPConnection:
        """A connection to a checked address, with the request sent."""
        parts = _parts(url)
        host, is_secure = str(parts.hostname), parts.scheme == "https"
        port = parts.port or (443 if is_secure else 80)
        addresses = self._guard.addresses(host, port)
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (f"?{parts.query}" if parts.query else "")
        connection = http.client.HTTPConnection(host, port, timeout=READ_S)
        try:
            connection.sock = _connect(addresses, port)
            connection.sock.settimeout(READ_S)
            if is_secure:
                connection.sock = ssl.create_default_context().wrap_socket(connection.sock, server_hostname=host)
            headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "Tenfold", "Connection": "close"}
            connection.request("GET", target, headers={"Host": parts.netloc, **headers}, encode_chunked=False)
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            connection.close()
            raise _silent(url, error) from error
        return connection

    def _blocks(self, response: http.client.HTTPResponse, url: str, limits: Limits, end: float) -> Iterator[bytes]:
        total = 0
        while True:
            try:
                block = response.read1(_BLOCK)
            except (OSError, http.client.HTTPException) as error:
                raise _silent(url, error) from error
            if not block:
                break
            total += len(block)
            if total > limits.max_bytes:
                text = f"{url} has over {limits.max_bytes / 1e6:.0f} MB, the most that is fetched."
                raise TooLarge(text, code="url.bytes")
            if self._clock() > end:
                raise Unavailable(f"{url} takes over {limits.max_s:.0f} s: it was given up.", code="url.slow")
            yield block
        if response.length:
            raise _silent(url, EOFError("the answer ends too early"))


def _parts(url: str) -> SplitResult:
    if not is_web_address(url):
        text = f"{url[:200]!r} is no address of the web: write http:// or https://, a host, and no name or password."
        raise Forbidden(text, code="url.invalid")
    return urlsplit(url)


def _connect(addresses: list[str], port: int) -> socket.socket:
    """A connection to the first of the checked addresses that answers; raises `OSError`."""
    last = OSError("it has no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout=CONNECT_S)
        except OSError as error:
            last = error
    raise last


def _next(url: str, location: str) -> str:
    found = urljoin(url, location)
    if not location or (urlsplit(url).scheme == "https" and urlsplit(found).scheme != "https"):
        raise Forbidden(f"{url} leads on to an address without TLS, or to none.", code="url.redirects")
    return found


def _check(response: http.client.HTTPResponse, url: str) -> None:
    if response.status in {404, 410}:
        raise NotFound(f"{url} is not there.", code="url.not-found")
    if response.status != 200:
        raise Unavailable(f"{url} answers with {response.status}.", code="url.status")
    if response.headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
        raise BadDataset(f"{url} answers packed, which was not asked for.", code="url.encoding")


def _silent(url: str, error: Exception) -> Unavailable:
    return Unavailable(f"{url[:300]} does not answer: {error}.", code="url.unavailable")

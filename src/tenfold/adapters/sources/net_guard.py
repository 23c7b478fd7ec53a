"""Which addresses of the network this server may be sent to: public ones, and those that the administrator names.

Whoever lets a server fetch what others name lends them its place in the network. A name is resolved once, every
address that it has is checked, and the connection goes to one of the checked addresses and not to the name: a name
that means something else a moment later leads nowhere.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Collection
from typing import Any

from tenfold.core.errors import Forbidden, Unavailable

Resolve = Callable[[str, int], list[str]]
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOWEST_FREE_PORT = 1024


def resolve_name(host: str, port: int) -> list[str]:
    """All addresses of a name, as the system resolves it; also what is spelled as a number."""
    found: list[Any] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class NetGuard:
    """Gives the addresses to connect to. `allowed` are `HOST` or `HOST:PORT` that may be internal."""

    def __init__(self, allowed: Collection[str] = (), *, resolve: Resolve = resolve_name) -> None:
        self._allowed = frozenset(each.lower() for each in allowed)
        self._resolve = resolve
        self.refusal = ""  # the sentence of the last one: libraries in between lose it

    def addresses(self, host: str, port: int) -> list[str]:
        """The checked addresses of a host, resolved once.

        Raises `Forbidden` when any of them is not public, with the code `url.internal`, and `Unavailable` for a name
        that nobody knows.
        """
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError):
            raise Unavailable(f"There is no host {host} in the network.", code="url.host") from None
        if not found:
            raise Unavailable(f"There is no host {host} in the network.", code="url.host")
        if self.is_allowed(host, port):
            return found
        if port < _LOWEST_FREE_PORT and port not in {80, 443}:
            text = (
                f"Port {port} belongs to another service than the web: only 80, 443 and those from 1024 on are asked."
            )
            raise self._refused(text, "url.port")
        if not all(is_public(address) for address in found):
            text = f"{host} lies inside of this machine's own network, which addresses may not lead to."
            raise self._refused(f"{text} TENFOLD_INTERNAL_HOSTS can allow it.", "url.internal")
        return found

    def _refused(self, text: str, code: str) -> Forbidden:
        self.refusal = text
        return Forbidden(text, code=code)

    def is_allowed(self, host: str, port: int) -> bool:
        """Whether the administrator named this host."""
        name = f"[{host}]" if ":" in host else host
        return not self._allowed.isdisjoint({host.lower(), f"{name}:{port}".lower()})


def is_public(text: str) -> bool:
    """Whether an address belongs to the public network, also the one that is wrapped in another."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return all(each.is_global and not each.is_multicast and not each.is_reserved for each in _unwrapped(address))


def _unwrapped(address: IPAddress) -> list[IPAddress]:
    """An address, or the IPv4 addresses that an IPv6 address stands for."""
    if address.version == 4:
        return [address]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    if address.teredo is not None:
        return [address, *address.teredo]
    inner = address.ipv4_mapped or address.sixtofour
    return [inner] if inner is not None else [address]

"""Under which addresses a server that listens somewhere is reached, and to which names it answers."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

import psutil

LOCAL = ("127.0.0.1", "localhost", "[::1]")


def link_hosts(host: str) -> tuple[str, ...]:
    """Hosts as they stand in links to a server that listens on `host`: the one for this machine first.

    A server that listens on all addresses (`0.0.0.0`, `::`) is reached under each that the machine has.
    """
    address = _address(host)
    if address is None or not address.is_unspecified:
        return (_bracketed(host),)
    this = "127.0.0.1" if address.version == 4 else "[::1]"
    others = [_bracketed(each) for each in machine_addresses() if ":" not in each or address.version == 6]
    return (this, *others)


def served_hosts(host: str, more: Iterable[str]) -> frozenset[str]:
    """The names in a Host header that a server on `host` answers to: its own and `more`, in small letters."""
    names = {*LOCAL, *link_hosts(host), socket.gethostname(), *(_bracketed(each) for each in more)}
    return frozenset(name.lower() for name in names if name)


def machine_addresses() -> list[str]:
    """The addresses of this machine that others can reach; those that need a zone (`fe80::1%eth0`) are left out."""
    found = [each.address for links in psutil.net_if_addrs().values() for each in links]
    known = [(text, address) for text in found if (address := _address(text)) is not None]
    return sorted(text for text, address in known if not address.is_loopback and not address.is_link_local)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host

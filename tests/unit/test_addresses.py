"""Links and names of a server, whichever address it listens on."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from tenfold.bootstrap.addresses import link_hosts, machine_addresses, served_hosts
from tenfold.settings import Settings


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", "localhost"), ("::1", "[::1]"), ("192.0.2.7", "192.0.2.7")],
)
def test_one_address_gives_one_link(host: str, shown: str) -> None:
    assert link_hosts(host) == (shown,)
    assert shown in served_hosts(host, [])


@pytest.mark.parametrize(("host", "first"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]")])
def test_all_addresses_give_links_that_can_be_reached(host: str, first: str) -> None:
    links = link_hosts(host)
    assert links[0] == first
    assert host not in links
    assert set(links) <= served_hosts(host, [])
    for shown in links:
        assert not ipaddress.ip_address(shown.strip("[]")).is_unspecified


def test_the_addresses_of_this_machine_are_its_own() -> None:
    for address in machine_addresses():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as probe:
            probe.bind((address, 0))


def test_further_names_are_those_of_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENFOLD_HOSTS", "Tenfold.Lab.example, 2001:db8::1,")
    hosts = served_hosts("127.0.0.1", Settings().hosts)
    assert {"tenfold.lab.example", "[2001:db8::1]", "localhost"} <= hosts
    assert "" not in hosts
    monkeypatch.delenv("TENFOLD_HOSTS")
    assert Settings().hosts == []


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.7", False),
        ("localhost.example", False),
    ],
)
def test_only_loopback_needs_no_password(host: str, is_local: bool) -> None:
    assert Settings(host=host).is_local is is_local

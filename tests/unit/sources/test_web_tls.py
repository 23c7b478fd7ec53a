"""Addresses with https: a real TLS server is asked by the name that was checked, and only who proves it is believed."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from loopback_web import Reply, web

from tenfold.adapters.sources.guarded_http import GuardedHttp
from tenfold.adapters.sources.net_guard import NetGuard
from tenfold.core.errors import Forbidden, Unavailable

NAME = "pictures.example"
Issue = Callable[..., ssl.SSLContext]


@pytest.fixture
def issue(tmp_path: Path) -> Iterator[Issue]:
    """Makes servers' contexts with certificates of an authority that this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))

    def context(*names: str, by: trustme.CA = authority) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        by.issue_cert(*names).configure_cert(made)
        return made

    with pytest.MonkeyPatch.context() as trusting:
        trusting.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        yield context


def asking(url: str, name: str = NAME) -> tuple[GuardedHttp, str]:
    """Asks the server under a name that the resolver leads to it."""
    host = f"{name}:{url.rpartition(':')[2]}"
    return GuardedHttp(NetGuard([host], resolve=lambda _host, _port: ["127.0.0.1"])), f"https://{host}"


def test_a_server_that_proves_its_name_is_read(issue: Issue) -> None:
    with web({"/a.png": (200, {}, b"picture")}, secure=issue(NAME)) as (url, asked):
        http, address = asking(url)
        assert http.read(f"{address}/a.png") == b"picture"
    assert asked == ["/a.png"]


def test_a_server_with_another_s_certificate_is_not_asked(issue: Issue) -> None:
    with web({"/": (200, {}, b"lie")}, secure=issue("elsewhere.example")) as (url, asked):
        http, address = asking(url)
        with pytest.raises(Unavailable, match="Hostname mismatch"):
            http.read(f"{address}/")
    assert asked == []


def test_a_server_whose_authority_nobody_trusts_is_not_asked(issue: Issue) -> None:
    with web({"/": (200, {}, b"lie")}, secure=issue(NAME, by=trustme.CA())) as (url, asked):
        http, address = asking(url)
        with pytest.raises(Unavailable, match="certificate verify failed"):
            http.read(f"{address}/")
    assert asked == []


def test_a_redirect_to_an_address_without_tls_is_refused(issue: Issue) -> None:
    with web({"/": (200, {}, b"plain")}) as (plain, asked):
        leads_out: Reply = (302, {"Location": f"{plain}/"}, b"")
        with web({"/": leads_out}, secure=issue(NAME)) as (url, _):
            http, address = asking(url)
            with pytest.raises(Forbidden, match="without TLS"):
                http.read(f"{address}/")
    assert asked == []

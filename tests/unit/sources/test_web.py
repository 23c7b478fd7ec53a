"""The web for others: which addresses are asked, what a lying resolver gets, redirects, limits, pages of links."""

from __future__ import annotations

import pytest
from loopback_web import Reply, web

from tenfold.adapters.sources.guarded_http import PAGE, GuardedHttp, Limits
from tenfold.adapters.sources.net_guard import NetGuard, is_public
from tenfold.adapters.sources.web_index import WebIndex
from tenfold.core.datasets.ports import SourceFile
from tenfold.core.errors import BadDataset, BadImage, Forbidden, NotFound, TenfoldError, TooLarge, Unavailable
from tenfold.testing.datasets import check_sample_source


def allowed(url: str) -> GuardedHttp:
    return GuardedHttp(NetGuard([url.removeprefix("http://")]))


INTERNAL = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0",
    "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b::7f00:1",
    "2002:7f00:1::", "2002:a00:1::", "2001:db8::1", "not an address", "",
]  # fmt: skip


@pytest.mark.parametrize("address", INTERNAL)
def test_an_internal_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_a_public_address_is(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "127.1", "[::1]", "0"])
def test_whatever_way_loopback_is_spelled_it_is_refused(host: str) -> None:
    with pytest.raises(Forbidden) as error:
        GuardedHttp(NetGuard()).read(f"http://{host}:8080/")
    assert error.value.code == "url.internal"


def test_one_internal_address_among_public_ones_is_enough_to_refuse() -> None:
    guard = NetGuard(resolve=lambda _host, _port: ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(Forbidden):
        guard.addresses("two.example", 443)


def test_a_name_is_looked_up_once_and_the_connection_goes_to_what_was_checked() -> None:
    """DNS rebinding: were the name looked up again to connect, it would lead nowhere."""
    answers = [["127.0.0.1"]]
    with web({"/": (200, {}, b"here")}) as (url, _):
        host = f"named.example:{url.rpartition(':')[2]}"
        asking = GuardedHttp(NetGuard([host], resolve=lambda _host, _port: answers.pop()))
        assert asking.read(f"http://{host}/") == b"here"
    assert answers == []


def test_a_name_that_lies_the_second_time_is_refused_then() -> None:
    answers = [["127.0.0.1"], ["93.184.215.14"]]
    with web({"/": (200, {}, b"secret")}) as (url, asked):
        port = int(url.rpartition(":")[2])
        guard = NetGuard(resolve=lambda _host, _port: answers.pop())
        assert guard.addresses("rebinding.example", port) == ["93.184.215.14"]
        with pytest.raises(Forbidden):
            GuardedHttp(guard).read(f"http://rebinding.example:{port}/")
    assert asked == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/x", "file:///etc/passwd", "gopher://x/", "http://", "http:///x", "http://user@host/",
        "http://user:key@host/", "//host/x", "host/x", "http://host:0/", "http://host:99999/", "http://ho st/", "http://h\n/",
        "javascript:alert(1)", "http://[::1",
    ],
)  # fmt: skip
def test_what_is_no_address_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(Forbidden) as error:
        allowed("http://host").read(url)
    assert error.value.code == "url.invalid"


@pytest.mark.parametrize("port", [22, 25, 111, 6, 993])
def test_ports_of_other_services_are_not_asked(port: int) -> None:
    with pytest.raises(Forbidden) as error:
        NetGuard(resolve=lambda _host, _port: ["93.184.215.14"]).addresses("mail.example", port)
    assert error.value.code == "url.port"


def test_a_redirect_is_checked_like_the_first_address() -> None:
    with web({"/inner": (200, {}, b"secret")}) as (inner, asked):
        leads_in: Reply = (302, {"Location": f"{inner}/inner"}, b"")
        with web({"/": leads_in}) as (outer, _), pytest.raises(Forbidden) as error:
            allowed(outer).read(f"{outer}/")
    assert error.value.code == "url.internal"
    assert asked == []


@pytest.mark.parametrize("location", ["file:///etc/passwd", "", "gopher://127.0.0.1:6379/_FLUSHALL", "http://u:p@x/"])
def test_a_redirect_to_what_is_no_web_is_refused(location: str) -> None:
    with web({"/": (301, {"Location": location}, b"")}) as (url, _), pytest.raises(Forbidden):
        allowed(url).read(f"{url}/")


def test_redirects_are_followed_and_end() -> None:
    def pages(path: str) -> Reply:
        left = int(path.rpartition("/")[2] or 0)
        return (302, {"Location": f"/{left - 1}"}, b"") if left else (200, {}, b"there")

    with web(pages) as (url, asked):
        assert allowed(url).read(f"{url}/5") == b"there"
        with pytest.raises(BadDataset) as error:
            allowed(url).read(f"{url}/6")
    assert error.value.code == "url.redirects"
    assert len(asked) == 12


def test_proxies_of_the_environment_are_not_asked() -> None:
    direct: dict[str, Reply] = {"/": (200, {}, b"direct")}
    with web(direct) as (url, _), web({}) as (proxy, asked), pytest.MonkeyPatch.context() as environment:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            environment.setenv(name, proxy)
        assert allowed(url).read(f"{url}/") == b"direct"
    assert asked == []


def test_too_many_bytes_end_it_also_unannounced() -> None:
    with web({"/": (200, {}, b"x" * 300_000)}) as (url, _), pytest.raises(TooLarge) as error:
        allowed(url).read(f"{url}/", Limits(max_bytes=200_000, max_s=30))
    assert error.value.code == "url.bytes"


def test_an_answer_that_drips_is_given_up() -> None:
    now = iter(range(0, 1000, 20))
    with web({"/": (200, {}, b"x" * 300_000)}) as (url, _):
        asking = GuardedHttp(NetGuard([url.removeprefix("http://")]), clock=lambda: next(now))
        with pytest.raises(Unavailable) as error:
            asking.read(f"{url}/", Limits(max_bytes=10**6, max_s=30))
    assert error.value.code == "url.slow"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ((404, {}, b""), NotFound),
        ((500, {}, b"x"), Unavailable),
        ((204, {}, b""), Unavailable),
        ((200, {"Content-Encoding": "gzip"}, b"bomb"), BadDataset),
        ((200, {"Content-Length": "500"}, b"short"), Unavailable),
    ],
)
def test_an_answer_that_is_none_is_told(reply: Reply, kind: type[TenfoldError]) -> None:
    with web({"/": reply}) as (url, _), pytest.raises(kind):
        allowed(url).read(f"{url}/")


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        allowed("http://127.0.0.1:1").read("http://127.0.0.1:1/")
    with pytest.raises(Unavailable, match="There is no host"):
        GuardedHttp(NetGuard()).read("http://nobody.invalid/")


def page_of(*links: str) -> Reply:
    anchors = "".join(f'<a href="{link}">x</a>' for link in links)
    return 200, {}, f"<html><body><h1>Index of /</h1>{anchors}</body></html>".encode()


INDEX = {
    "/set/": page_of("?C=N;O=D", "../", "/", "cats/", "dogs/", "http://elsewhere.example/x/", "mailto:a@b", "lost.png"),
    "/set/cats/": page_of("../", "a%20b.jpg", "/set/cats/2.png", "notes.txt", "deep/", "phone.heic", "..%2f..%2fx.jpg"),
    "/set/cats/deep/": page_of("3.png", "../../../secret.png"),
    "/set/dogs/": page_of("1.jpg", "1.jpg", "gone.jpg", "//elsewhere.example/set/dogs/4.jpg"),
    **{
        f"/set/{path}": (200, {"Content-Type": "image/png"}, path.encode())
        for path in ("cats/2.png", "cats/a%20b.jpg", "cats/deep/3.png", "dogs/1.jpg")
    },
}  # fmt: skip


def test_a_page_of_links_is_a_source() -> None:
    files = {path: reply for path, reply in INDEX.items() if path != "/set/dogs/"}
    with web({**files, "/set/dogs/": page_of("1.jpg")}) as (url, asked):
        source = WebIndex(allowed(url), f"{url}/set")
        check_sample_source(source, has_splits=False)
    assert all(path.startswith("/set/") for path in asked)


def test_only_what_lies_below_is_found() -> None:
    with web(INDEX) as (url, _):
        source = WebIndex(allowed(url), f"{url}/set/")
        finds = list(source.finds())
        assert sorted(each.path for each in finds if isinstance(each, SourceFile)) == [
            "cats/2.png", "cats/a b.jpg", "cats/deep/3.png", "dogs/1.jpg", "dogs/gone.jpg",
        ]  # fmt: skip
        assert source.read("cats/a b.jpg") == b"cats/a%20b.jpg"
        with pytest.raises(BadImage) as error:
            source.read("dogs/gone.jpg")
    assert error.value.code == "file.vanished"


def test_a_page_that_is_none_is_told() -> None:
    with web({"/": (200, {"Content-Type": "image/png"}, b"x")}) as (url, _), pytest.raises(BadDataset) as error:
        list(WebIndex(allowed(url), url).finds())
    assert error.value.code == "url.no-index"


def test_a_page_that_leads_away_is_refused() -> None:
    pages: dict[str, Reply] = {"/set/": (302, {"Location": "/other/"}, b""), "/other/": page_of("a/")}
    with web(pages) as (url, _), pytest.raises(Forbidden):
        list(WebIndex(allowed(url), f"{url}/set/").finds())


def test_a_page_is_bounded() -> None:
    with web({"/": (200, {}, b"<a href='x/'>" * 400_000)}) as (url, _), pytest.raises(TooLarge):
        list(WebIndex(allowed(url), url).finds())
    assert PAGE.max_bytes < 13 * 400_000

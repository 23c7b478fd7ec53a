"""Bad input through the forms of a real server: a named error beside its cause, what was typed kept, nothing harmed."""

from __future__ import annotations

import html
import io
import re
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from PIL import Image

from tenfold.testing.pictures import write_shapes

from ..server_process import Server

PATIENCE_S = 120.0
RIGHT_TO_LEFT = "a\u202egnp.exe"
CLASSES = ("قطة", "🐱 cat", "cafe\u0301", RIGHT_TO_LEFT)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("bad")
    write_shapes(home / "shapes", per_class=6)
    torn = home / "shapes" / "ring" / "torn.png"
    torn.write_bytes(picture()[:60])
    (home / "shapes" / "bar" / "empty.jpg").write_bytes(b"")
    (home / "shapes" / "bar" / "note.png").write_text("hello")
    (home / "shapes" / "bar" / "huge.png").write_bytes(black(20_000, 10_000))
    for name in CLASSES:
        folder = home / "scripts" / name
        folder.mkdir(parents=True)
        for number in range(4):
            (folder / f"{name} {number}.png").write_bytes(picture())
    (home / "empty").mkdir()
    (home / "one" / "only").mkdir(parents=True)
    (home / "one" / "only" / "1.png").write_bytes(picture())
    (home / "way-out").symlink_to("/etc")
    return home


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[Server]:
    running = Server(home)
    running.start()
    with closing(running):
        yield running
        assert "Traceback" not in running.output.read_text()


@pytest.fixture(scope="module")
def browser(server: Server) -> Iterator[httpx.Client]:
    origin = server.client.transport.url
    headers = {"accept": "text/html", "origin": origin}
    with httpx.Client(base_url=origin, headers=headers, follow_redirects=True, timeout=60) as client:
        client.get(server.link())
        yield client


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((24, 24), 50).save(buffer, "png")
    return buffer.getvalue()


def black(width: int, height: int) -> bytes:
    """A PNG of any size that takes no room."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(1)
    pixels = b"".join(packer.compress(bytes(width + 1)) for _ in range(height)) + packer.flush()
    about = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", about) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def zipped(*extra: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("cat/1.png", picture()), ("dog/1.png", picture()), *extra):
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(kind: bytes, target: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        link = tarfile.TarInfo("cat/link.png")
        link.type, link.linkname = kind, target
        archive.addfile(link)
    return buffer.getvalue()


def said(answer: httpx.Response) -> list[str]:
    """The sentences beside fields, and what a page without a form says."""
    found = re.findall(r'<span class="error".*?<span>(.*?)</span></span>|<p class="lede">(.*?)</p>', answer.text, re.S)
    return [html.unescape(re.sub(r"<[^>]+>", "", "".join(each))) for each in found]


def outcome(browser: httpx.Client, path: str) -> dict[str, str]:
    """The dataset behind a page, when its building is over."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        told: dict[str, str] = browser.get(f"/api/v1{path}", headers={"accept": "application/json"}).json()
        if told["state"] != "building":
            return told
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("folder", "status", "words"),
    [
        ("/etc", 403, "lies outside"),
        ("{home}/way-out", 403, "lies outside"),
        ("{home}/../..", 403, "lies outside"),
        ("shapes", 403, "lies outside"),
        ("{home}/nothing", 404, "no such folder"),
        ("{home}/" + "x" * 5000, 404, "no such folder"),
        ("{home}/\0", 404, "no such folder"),
        ("", 422, "Type or choose a folder"),
    ],
)
def test_a_folder_that_cannot_be_read(browser: httpx.Client, home: Path, folder: str, status: int, words: str) -> None:
    typed = folder.format(home=home)
    answer = browser.post("/datasets/new", data={"source": "folder", "folder": typed, "seed": "31"})
    assert answer.status_code == status
    assert words in " ".join(said(answer))
    assert 'value="31"' in answer.text
    assert typed.replace("\0", "")[:60] in answer.text


def test_all_that_is_wrong_is_said_at_once(browser: httpx.Client) -> None:
    form = {"source": "folder", "folder": "/etc", "name": "a/b", "width": "12x", "validation_share": "0,5"}
    answer = browser.post("/datasets/new", data=form)
    sentences = " ".join(said(answer))
    for words in ("lies outside", "leave it out", "'12x'", "Write 0.5"):
        assert words in sentences
    assert answer.text.count('aria-invalid="true"') == 4
    assert all(f'value="{value}"' in answer.text for value in ("/etc", "a/b", "12x", "0,5"))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("width", "9" * 20, "Width is too large a number; allowed is 1 to 4096."),
        ("width", "1.5", "whole number"),
        ("width", "NaN", "finite number"),
        ("colour", "purple", "allowed is one of"),
        ("folder_splits", "perhaps", "yes or no"),
        ("background", "red", "no colour"),
        ("name", "x" * 1000, "1000 characters; at most 120"),
        ("name", RIGHT_TO_LEFT, "U+202E"),
        ("name", "new", "reserved"),
    ],
)
def test_a_wrong_value_is_named_beside_its_field(
    browser: httpx.Client, home: Path, field: str, value: str, words: str
) -> None:
    form = {"source": "folder", "folder": str(home / "shapes"), field: value}
    answer = browser.post("/datasets/new", data=form)
    assert answer.status_code == 422
    assert words in " ".join(said(answer))


@pytest.mark.parametrize(("folder", "code"), [("empty", "dataset.empty"), ("one", "dataset.one-class")])
def test_a_folder_that_is_no_dataset(browser: httpx.Client, home: Path, folder: str, code: str) -> None:
    answer = browser.post("/datasets/new", data={"source": "folder", "folder": str(home / folder), "name": folder})
    told = outcome(browser, answer.url.path)
    assert (told["state"], told["code"]) == ("failed", code)
    page = browser.get(answer.url.path).text
    assert html.escape(told["message"], quote=True).replace("&#x27;", "&#39;") in page
    assert "Add it again" in page


@pytest.mark.parametrize(
    ("name", "make", "code"),
    [
        ("up.zip", lambda: zipped(("../../evil.png", b"x")), "archive.unsafe-name"),
        ("root.zip", lambda: zipped(("/tmp/evil.png", b"x")), "archive.unsafe-name"),
        ("back.zip", lambda: zipped(("..\\evil.png", b"x")), "archive.unsafe-name"),
        ("bomb.zip", lambda: zipped(("cat/2.png", bytes(104 << 20))), "archive.ratio"),
        ("link.tar.gz", lambda: tarred(tarfile.SYMTYPE, "/etc/passwd"), "archive.link"),
        ("hard.tar.gz", lambda: tarred(tarfile.LNKTYPE, "../../etc/passwd"), "archive.link"),
        ("pipe.tar.gz", lambda: tarred(tarfile.FIFOTYPE, ""), "archive.device"),
        ("cut.zip", lambda: zipped()[:200], "archive.damaged"),
        ("words.zip", lambda: b"hello", "archive.format"),
    ],
)
def test_an_archive_that_is_refused(browser: httpx.Client, name: str, make: Callable[[], bytes], code: str) -> None:
    files = {"archive": (name, make(), "application/zip")}
    answer = browser.post("/datasets/new", data={"source": "archive"}, files=files)
    told = outcome(browser, answer.url.path)
    assert (told["state"], told["code"]) == ("failed", code)
    assert told["message"].endswith(".")
    assert not Path("/tmp/evil.png").exists()


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("nothing.zip", lambda: b"", "Nothing is in what is to be sent."),
        ("none.png", picture, "none.png alone makes no dataset"),
        ("con.zip", zipped, "con.zip is a name that some systems keep for devices."),
        ("words.txt", lambda: b"no list at all", "words.txt is no list of pictures"),
    ],
)
def test_what_makes_no_dataset_comes_back_with_the_form(
    browser: httpx.Client, name: str, make: Callable[[], bytes], words: str
) -> None:
    files = {"archive": (name, make(), "application/zip")}
    answer = browser.post("/datasets/new", data={"source": "archive", "name": "kept name"}, files=files)
    assert answer.status_code == 422
    assert words in html.unescape(answer.text)
    assert 'value="kept name"' in answer.text


def test_many_failures_leave_room_for_the_rest_of_home(browser: httpx.Client, home: Path) -> None:
    for number in range(4):
        form = {"source": "folder", "folder": str(home / "empty"), "name": f"void {number}"}
        outcome(browser, browser.post("/datasets/new", data=form).url.path)
    page = browser.get("/").text
    cards = page.split('<details class="more')
    assert cards[0].count('class="card-fail"') == 3
    folded = cards[1].count('class="card-fail"')
    assert folded >= 1
    assert f"{folded} more failed" in cards[1]


@pytest.fixture(scope="module")
def shapes(browser: httpx.Client, home: Path) -> str:
    form = {"source": "folder", "folder": str(home / "shapes"), "name": "shapes"}
    path = browser.post("/datasets/new", data=form).url.path
    assert outcome(browser, path)["state"] == "ready"
    return path


def test_the_rest_of_the_batch_is_kept_and_the_bad_files_are_named(browser: httpx.Client, shapes: str) -> None:
    page = browser.get(shapes).text
    assert "18 pictures in 3 classes" in page
    assert "4 files left out" in page
    for file in ("ring/torn.png", "bar/empty.jpg", "bar/note.png", "bar/huge.png"):
        assert file in page
    assert "200 megapixels" in page


def test_classes_in_any_script_are_kept_apart(browser: httpx.Client, home: Path) -> None:
    form = {"source": "folder", "folder": str(home / "scripts"), "name": "كل الصور 🐱"}
    answer = browser.post("/datasets/new", data=form)
    assert unquote(answer.url.path) == "/datasets/كل الصور 🐱"
    assert outcome(browser, answer.url.raw_path.decode())["state"] == "ready"
    page = html.unescape(browser.get(answer.url).text)
    assert "16 pictures in 4 classes" in page
    assert all(name in page for name in ("قطة", "🐱 cat", RIGHT_TO_LEFT))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("epochs", "many", "Epochs is a number, not 'many'."),
        ("rate", "0,001", "Write 0.001."),
        ("batch_size", "0", "allowed is 1 to 65536"),
        ("optimizer", "moon", "allowed is one of sgd, adam"),
        ("framework", "jax", "allowed is one of torch, keras"),
        ("framework", "keras", "Keras on TensorFlow has no environment on this machine yet"),
        ("device", "<script>", "allowed is auto, cpu"),
        ("dataset", "gone", "no dataset named 'gone'"),
        ("network", "../x", "no network '../x'"),
        ("network", "alexnet", "window of max_pool is 3"),
        ("parameters.window", "x", "Window is a number"),
        ("parameters.nothing", "1", "no parameter 'nothing'"),
        ("moon", "1", "no field 'moon'"),
    ],
)
def test_a_wrong_run_is_refused_with_its_form(
    browser: httpx.Client, shapes: str, field: str, value: str, words: str
) -> None:
    answer = browser.post("/runs/new", data={"dataset": "shapes", "network": "lenet", "seed": "77", field: value})
    assert answer.status_code == 422
    assert words in html.unescape(answer.text)
    assert 'value="77"' in answer.text
    assert "<script>" not in answer.text.split("<main")[1]


def test_a_refused_name_note_or_tag_keeps_what_was_typed(browser: httpx.Client, shapes: str) -> None:
    for wrong, field in (
        ({"name": "a/b"}, "name"),
        ({"note": "bell\x07"}, "note"),
        ({"note": "x" * 20_000}, "note"),
        ({"tags": "x" * 500}, "tags"),
    ):
        answer = browser.post(f"{shapes}/about", data={"name": "other", "note": "keep me", "tags": "one, two", **wrong})
        assert answer.status_code == 422
        assert re.findall(r'id="text-(\w+)-error"', answer.text) == [field]
        kept = {"name": "other", "note": "keep me", "tags": "one, two"}
        assert all(f'value="{text}"' in answer.text for name, text in kept.items() if name not in wrong)
    assert browser.get(shapes).status_code == 200, "it has its name still"
    assert "keep me" not in browser.get(shapes).text


def test_a_look_that_there_is_not_is_refused(browser: httpx.Client) -> None:
    answer = browser.post("/settings/browser", data={"theme": "moon", "letters": "on"})
    assert answer.status_code == 422
    assert "It is 'moon'; allowed is system, light, dark." in said(answer)
    assert "tenfold_theme" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/?tab=x", 200),
        ("/datasets?page=-1", 200),
        ("/datasets?search=%00%25_'--", 200),
        ("/datasets?cursor=%ff", 422),
        ("/runs?cursor=eyJ4IjoxfQ", 422),
        ("/models?cursor=-1", 422),
        ("/datasets/" + "x" * 3000, 404),
        ("/datasets/%00", 404),
        ("/datasets/..%2f..%2fetc", 404),
        ("/runs/new?dataset=%00&epochs=" + "9" * 3000, 200),
        ("/runs/new?like=gone", 404),
        ("/datasets/new?source=moon&width=x&folder=" + "x" * 3000, 200),
        ("/settings?tab=x", 200),
        ("/link/x", 200),
        ("/nothing", 404),
        ("/runs/x/stop", 405),
    ],
)
def test_strange_addresses(browser: httpx.Client, address: str, status: int) -> None:
    answer = browser.get(address)
    assert answer.status_code == status
    assert "<h1>" in answer.text


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", 422),
        (b"--x\r\nbroken", "multipart/form-data", 400),
        (b"{}", "application/json", 422),
        (b"&".join(b"f%d=x" % number for number in range(400)), "application/x-www-form-urlencoded", 400),
        (b"source=" + b"x" * 3_000_000, "application/x-www-form-urlencoded", 413),
        (b"source=%ff%fe&%00=1", "application/x-www-form-urlencoded", 422),
    ],
)
def test_what_is_no_form(browser: httpx.Client, content: bytes, kind: str, status: int) -> None:
    address = "/runs/new" if status == 413 else "/datasets/new"
    answer = browser.post(address, content=content, headers={"content-type": kind})
    assert answer.status_code == status
    assert "<h1>" in answer.text


def test_the_server_is_unharmed(browser: httpx.Client, server: Server) -> None:
    assert browser.get("/healthz").json()["status"] == "ok"
    assert "Traceback" not in server.output.read_text()

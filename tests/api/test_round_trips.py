"""Pictures as people have them, in by REST, looked at pixel by pixel, out as an archive and in again: the same hash."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
import tifffile
from bucket_server import ACCESS, SECRET, BucketServer, bucket_server
from PIL import Image
from real_photos import real_photos
from sending import send_files
from starlette.testclient import TestClient

from tenfold.bootstrap.server import build_services
from tenfold.core.datasets.ports import RevisionReader
from tenfold.interfaces.api.app import create_app
from tenfold.interfaces.services import Services
from tenfold.settings import Settings
from tenfold.testing.picture_files import encode, make_photo

from .test_ways_in import imported

SIDE = 24
SIZE = {"width": SIDE, "height": SIDE}
WHITE = np.array([255, 255, 255], np.float64)


@dataclass(frozen=True)
class Given:
    """What is asked for, and by the end of its path the pixels (H, W, C) that a picture must have."""

    body: dict[str, Any]
    classes: list[str]
    pixels: dict[str, np.ndarray]
    num_samples: int


@pytest.fixture(scope="module")
def server() -> Iterator[BucketServer]:
    with bucket_server() as started:
        yield started


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("trips")
    (home / "data").mkdir()
    return home


@pytest.fixture(scope="module")
def services(home: Path, server: BucketServer) -> Iterator[Services]:
    made = build_services(Settings(data=home / "data", roots=[home], internal_hosts=[server.host]))
    made.desk.warm()
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(services: Services) -> TestClient:
    app = create_app(services, local_secret="local", hosts={"127.0.0.1"}, add_pages=lambda _app: None)
    return TestClient(app, base_url="http://127.0.0.1:5000", headers={"authorization": "Bearer local"})


def stamps(home: Path, _server: BucketServer) -> Given:
    """Cut-outs with transparency in a folder a kind, few of each, as drawing programs bring them."""
    astronaut = np.asarray(Image.open(io.BytesIO(real_photos()["astronaut-alpha.png"])))
    pixels = {}
    for number in range(18):
        kind = ("birds", "fruit", "flowers")[number % 3]
        cut = astronaut[10 * number : 10 * number + SIDE, 150 + 5 * number : 150 + 5 * number + SIDE]
        path = home / "stamps" / kind / "wild" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(cut))
        share = cut[..., 3:] / 255
        pixels[f"{kind}/wild/{number}.png"] = np.rint(cut[..., :3] * share + WHITE * (1 - share))
    body = {"source": {"folder": str(home / "stamps")}, "background": "#ffffff", "colour": "rgb", **SIZE}
    return Given(body, ["birds", "flowers", "fruit"], pixels, 18)


def deep_tiffs(home: Path, _server: BucketServer) -> Given:
    """TIFF files of 16 bits, whose values must come out as they went in."""
    pixels = {}
    for number in range(16):
        values = np.random.default_rng(number).integers(0, 65536, (SIDE, SIDE), dtype=np.uint16)
        path = home / "tiffs" / f"layer {number % 2}" / f"{number}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, values, byteorder="<>"[number // 2 % 2], compression=("zlib", None)[number % 2])
        pixels[f"layer {number % 2}/{number}.tif"] = values[..., None]
    body = {"source": {"folder": str(home / "tiffs")}, "depth": "keep", "colour": "grey", **SIZE}
    return Given(body, ["layer 0", "layer 1"], pixels, 16)


def database(home: Path, _server: BucketServer) -> Given:
    """An LMDB database of Caffe's entries, pixels as they are, written by the `lmdb` package."""
    pixels = {}
    with lmdb.open(str(home / "caffe"), map_size=1 << 26) as opened, opened.begin(write=True) as writing:
        for number in range(20):
            photo = make_photo(SIDE, SIDE, seed=number)
            planes = photo[:, :, ::-1].transpose(2, 0, 1).tobytes()
            size = bytes([len(planes) & 127 | 128, len(planes) >> 7])
            head = b"\x08\x03\x10" + bytes([SIDE]) + b"\x18" + bytes([SIDE]) + b"\x22" + size
            writing.put(b"%08d" % number, head + planes + b"\x28" + bytes([number % 4]))
            pixels[f"{number:08d}.ppm"] = photo
    return Given({"source": {"folder": str(home / "caffe")}, **SIZE}, ["0", "1", "2", "3"], pixels, 20)


def objects(_home: Path, server: BucketServer) -> Given:
    """Pictures in a bucket, split already."""
    photos = {
        f"{split}/{kind}/{number}.png": make_photo(SIDE, SIDE, seed=10 * number + len(split) + len(kind))
        for split in ("train", "val")
        for kind in ("rose", "tulip")
        for number in range(5)
    }
    server.put("trips", {f"set/{path}": encode(photo) for path, photo in photos.items()})
    keys = {"endpoint": server.endpoint, "access_key": ACCESS, "secret_key": SECRET}
    return Given({"source": {"bucket": "s3://trips/set", **keys}, **SIZE}, ["rose", "tulip"], photos, 20)


def reader_of(services: Services, made: dict[str, Any]) -> RevisionReader:
    return services.datasets.reader(services.owner, services.datasets.named.get(services.owner, made["id"]))


@pytest.mark.parametrize("give", [stamps, deep_tiffs, database, objects])
def test_in_and_out_and_in_again(
    services: Services, client: TestClient, server: BucketServer, home: Path, give: Any
) -> None:
    given = give(home, server)
    made = imported(client, **given.body)
    assert (made["state"], made["num_samples"]) == ("ready", given.num_samples), made["message"]
    assert made["manifest"]["classes"] == given.classes
    reader = reader_of(services, made)
    for index in range(given.num_samples):
        path = reader.sample(index).path
        expected = next(pixels for end, pixels in given.pixels.items() if path.endswith(end))
        np.testing.assert_allclose(
            reader.pictures_at(np.array([index]))[0], expected, rtol=0, atol=1 if give is stamps else 0, err_msg=path
        )
    archive = client.get(f"/api/v1/datasets/{made['id']}/export").content
    body = {name: value for name, value in given.body.items() if name != "source"}
    again = imported(client, source={"upload": send_files(client, {"again.zip": archive})}, **body)
    assert again["state"] == "ready", again["message"]
    assert reader_of(services, again).manifest.content == reader.manifest.content
    assert again["manifest"]["counts"] == made["manifest"]["counts"]

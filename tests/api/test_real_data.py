"""Published data as it comes out of its packages, in by REST, out as an archive and in again: the same hash."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sending import send_files
from starlette.testclient import TestClient

from tenfold.adapters.sources.samples import SampleCache
from tenfold.bootstrap.server import build_services
from tenfold.core.datasets.ports import RevisionReader
from tenfold.interfaces.api.app import create_app
from tenfold.interfaces.services import Services
from tenfold.settings import Settings

from .test_ways_in import imported

SIDE = 96
STAMPS = "usr/share/tuxpaint/stamps"
MINUTE = 60


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    (tmp_path / "data").mkdir()
    made = build_services(Settings(data=tmp_path / "data", roots=[tmp_path]))
    made.desk.warm()
    yield made
    made.close()


@pytest.fixture
def client(services: Services) -> TestClient:
    app = create_app(services, local_secret="local", hosts={"127.0.0.1"}, add_pages=lambda _app: None)
    return TestClient(app, base_url="http://127.0.0.1:5000", headers={"authorization": "Bearer local"})


def unpacked(package: str, folder: Path) -> Path:
    """A Debian package's files, downloaded and not installed."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        pytest.skip("unverified: this machine has no apt-get and dpkg-deb")
    folder.mkdir()
    command = ["apt-get", "--quiet", "download", package]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=10 * MINUTE)
    if done.returncode:
        pytest.skip(f"unverified: {done.stderr.strip().splitlines()[-1:]}")
    archive = next(folder.glob("*.deb"))
    subprocess.run(["dpkg-deb", "-x", archive.name, "files"], cwd=folder, check=True, timeout=10 * MINUTE)
    return folder / "files"


def reader_of(services: Services, made: dict[str, Any]) -> RevisionReader:
    return services.datasets.reader(services.owner, services.datasets.named.get(services.owner, made["id"]))


def in_again(client: TestClient, made: dict[str, Any], layout: str, **options: Any) -> dict[str, Any]:
    """A dataset's export, imported as a dataset of its own."""
    answer = client.get(f"/api/v1/datasets/{made['id']}/export", params={"format": layout})
    assert answer.status_code == 200, answer.text[:500]
    archive = answer.content
    again = imported(client, source={"upload": send_files(client, {"again.zip": archive})}, **options)
    assert again["state"] == "ready", again["message"]
    return again


def upright(path: Path) -> np.ndarray:
    """A stamp on white, fitted into the square by an independent way: paste, then one resize."""
    cut = Image.open(path).convert("RGBA")
    ground = Image.new("RGBA", cut.size, "white")
    return np.asarray(Image.alpha_composite(ground, cut).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR))


@pytest.mark.campaign
def test_campaign_real_data_stamps(services: Services, client: TestClient, tmp_path: Path) -> None:
    folder = unpacked("tuxpaint-stamps-default", tmp_path / "package") / STAMPS
    options = {"colour": "rgb", "background": "#ffffff", "resize": "squash", "width": SIDE, "height": SIDE}
    made = imported(client, source={"folder": str(folder)}, **options)
    assert made["state"] == "ready", made["message"]
    reader, manifest = reader_of(services, made), made["manifest"]
    files = list(folder.rglob("*.png"))
    told = [reader.sample(index) for index in range(made["num_samples"])]
    pictures = reader.pictures_at(np.arange(len(told)))
    errors = [
        np.abs(picture.astype(int) - upright(folder / sample.path)).mean()
        for sample, picture in zip(told, pictures, strict=True)
    ]
    again = in_again(client, made, "folders", **options)
    print(
        f"\n{len(files)} PNG in the package: {made['num_samples']} taken, {manifest['rejected_by_code']} left out "
        f"of other kinds, {len(manifest['classes'])} classes; "
        f"mean difference to pasting on white {np.max(errors):.2f} of 255 at most"
    )
    assert made["num_samples"] == len(files)
    assert np.max(errors) < 1
    assert reader_of(services, again).manifest.content == reader.manifest.content


@pytest.mark.campaign
def test_campaign_real_data_fashion_mnist(services: Services, client: TestClient, tmp_path: Path) -> None:
    told: list[str] = []
    folder = SampleCache(tmp_path / "cache").fetch("fashion-mnist", report=told.append)
    made = imported(client, source={"folder": str(folder)})
    assert made["state"] == "ready", made["message"]
    counts = made["manifest"]["counts"]
    again = in_again(client, made, "parquet")
    print(f"\n{told[-1]} {made['num_samples']} pictures; test split {sum(counts['test'])}")
    assert made["num_samples"] == 70_000
    assert counts["test"] == [1000] * 10
    assert np.sum([counts["train"], counts["val"]], axis=0).tolist() == [6000] * 10
    assert reader_of(services, again).manifest.content == reader_of(services, made).manifest.content

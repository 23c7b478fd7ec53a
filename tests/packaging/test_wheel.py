"""The wheel holds all that the program needs, and runs from a clean environment."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
NEEDED = (
    "tenfold/core/networks/catalogue/lenet.network",
    "tenfold/core/networks/catalogue/alexnet.network",
    "tenfold/adapters/storage/migrations/env.py",
    "tenfold/adapters/storage/migrations/versions/0001_first_release.py",
    "tenfold/adapters/storage/migrations/versions/0002_networks.py",
    "tenfold/adapters/formats/apache-2.0.txt",
    "tenfold/interfaces/web/templates/base.html",
    "tenfold/interfaces/web/static/built/manifest.json",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    tree = target / "tree"  # a build leaves things in its source, which templates of other tests would take for news
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".venv", ".git", ".data", "build", "__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(target), str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(target.glob("tenfold-*.whl"))


def test_the_wheel_holds_templates_assets_texts_and_migrations(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert [name for name in NEEDED if name not in names] == []
    assert any(name.startswith("tenfold/interfaces/web/static/built/") and name.endswith(".js") for name in names)
    assert not [name for name in names if "node_modules" in name or name.startswith(("tests/", "benchmarks/"))]


def test_the_wheel_holds_every_file_that_is_no_code(wheel: Path) -> None:
    """Whatever lies beside the modules and is kept in the repository."""
    listed = subprocess.run(["git", "ls-files", "src"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    kept = {name.removeprefix("src/") for name in listed.splitlines() if not name.endswith(".py")}
    assert len(kept) > 20
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert sorted(kept - names) == []
    modules = {name.removeprefix("src/") for name in listed.splitlines() if name.endswith(".py")}
    assert sorted(modules - names) == []


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of its own that borrows the dependencies of this one, but not its source."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home / "env", with_pip=True)
    python = home / "env" / "bin" / "python"
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # where it may be already
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", wheel], check=True, cwd=home, env=alone)
    site = next((home / "env" / "lib").glob("python*/site-packages"))
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    (site / "borrowed.pth").write_text("\n".join(borrowed) + "\n")
    return home


def test_it_runs_where_only_the_wheel_is_installed(installed: Path) -> None:
    command = [installed / "env" / "bin" / "tenfold", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=installed)
    assert done.stdout.strip() == "0.1.0"
    where = [installed / "env" / "bin" / "python", "-c", "import tenfold; print(tenfold.__file__)"]
    found = subprocess.run(where, capture_output=True, text=True, check=True, cwd=installed).stdout
    assert str(installed / "env" / "lib") in found


def test_it_serves_pages_texts_and_assets(installed: Path) -> None:
    data = installed / "data"
    environment = {**os.environ, "TENFOLD_DATA": str(data), "PYTHONPATH": ""}
    command = [installed / "env" / "bin" / "tenfold", "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=installed) as server:
        try:
            assert server.stdout is not None
            link = next(line.strip() for line in server.stdout if "/link/" in line)
            url = link.partition("/link/")[0]
            with httpx.Client(base_url=url, follow_redirects=True) as browser:
                home = browser.get(link.removeprefix(url))
                assert (home.status_code, home.url.path) == (200, "/")
                assets = re.findall(r'(?:src|href)="(/static/[^"]+)"', home.text)
                assert any(asset.endswith(".js") for asset in assets)
                assert any(asset.endswith(".css") for asset in assets)
                assert {browser.get(asset).status_code for asset in assets} == {200}
                names = [network["name"] for network in browser.get("/api/v1/networks").json()["items"]]
                assert {"alexnet", "lenet", "resnet50"} < set(names)
        finally:
            server.send_signal(signal.SIGINT)
    assert not (data / "server.json").exists()

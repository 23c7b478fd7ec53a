"""The wheel holds all that the program needs, and runs from a clean environment."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = (
    "tenfold/core/networks/catalogue/lenet.network",
    "tenfold/core/networks/catalogue/alexnet.network",
    "tenfold/adapters/storage/migrations/env.py",
    "tenfold/adapters/storage/migrations/versions/0001_first_release.py",
    "tenfold/adapters/formats/apache-2.0.txt",
    "tenfold/interfaces/web/templates/base.html",
    "tenfold/interfaces/web/static/built/manifest.json",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(target), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(target.glob("tenfold-*.whl"))


def test_the_wheel_holds_templates_assets_texts_and_migrations(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert [name for name in NEEDED if name not in names] == []
    assert any(name.startswith("tenfold/interfaces/web/static/built/") and name.endswith(".js") for name in names)
    assert not [name for name in names if "node_modules" in name or name.startswith(("tests/", "benchmarks/"))]


def test_it_runs_where_only_the_wheel_is_installed(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own that borrows the dependencies of this one, but not its source."""
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", wheel], check=True, cwd=tmp_path)
    site = next((tmp_path / "env" / "lib").glob("python*/site-packages"))
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    (site / "borrowed.pth").write_text("\n".join(borrowed) + "\n")
    command = [tmp_path / "env" / "bin" / "tenfold", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "0.1.0"
    where = [python, "-c", "import tenfold; print(tenfold.__file__)"]
    found = subprocess.run(where, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert str(site) in found

"""Environments: how one stands, and how it is made by venv and pip."""

from __future__ import annotations

import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tenfold.adapters.environments.folder import RECORD, EnvironmentFolder
from tenfold.core.errors import NotFound, StorageFull, Unavailable
from tenfold.core.training.frameworks import FRAMEWORKS
from tenfold.core.workstation.environments import ENVIRONMENTS, EnvironmentKind

ROOT = Path(__file__).parents[2]
TINY = EnvironmentKind(
    name="tiny", title="A tiny package", serves="tests", packages=("tiny==1.0",), modules=("tiny",), size_bytes=1000
)


def write_wheel(folder: Path) -> None:
    """The package `tiny`, which pip installs without asking anybody."""
    files = {
        "tiny.py": "",
        "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, "tiny-1.0.dist-info/RECORD"])
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in {**files, "tiny-1.0.dist-info/RECORD": record}.items():
            wheel.writestr(name, text)


def test_it_is_made_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    folder = EnvironmentFolder(tmp_path / "environments", {"tiny": TINY})
    with monkeypatch.context() as offline:
        offline.setenv("PIP_NO_INDEX", "1")
        with pytest.raises(Unavailable, match=r"Installing tiny==1\.0 failed: ERROR: Could not find a version that"):
            folder.add("tiny", tell=told.append)
    assert not (tmp_path / "environments" / "tiny").exists()
    assert folder.look("tiny").state == "missing"
    write_wheel(tmp_path / "wheels")
    with monkeypatch.context() as offline:
        offline.setenv("PIP_NO_INDEX", "1")
        offline.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
        made = folder.add("tiny", tell=told.append)
    assert (made.state, dict(made.versions), made.why_not) == ("ready", {"tiny": "1.0"}, "")
    assert made == folder.look("tiny")
    assert made.size_bytes > 1_000
    assert folder.python("tiny") == tmp_path / "environments" / "tiny" / "bin" / "python"
    assert told[0].startswith(f"A tiny package goes into {tmp_path / 'environments' / 'tiny'}: about 0.0 GB")
    assert told[-1] == "The environment tiny is ready: tiny 1.0."


def test_it_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    folder = EnvironmentFolder(tmp_path)
    with pytest.raises(NotFound, match="no environment 'jax'; there is: keras"):
        folder.look("jax")
    missing = "Keras on TensorFlow has no environment on this machine yet: `tenfold environment add keras` makes one."
    assert folder.look("keras").why_not == missing
    with pytest.raises(Unavailable) as error:
        folder.python("keras")
    assert (error.value.message, error.value.code) == (missing, "environment.missing")
    record = tmp_path / "keras" / RECORD
    record.parent.mkdir()
    for text, reason in (
        ("{", "has an environment that cannot be read"),
        ("[]", "has an environment that cannot be read"),
        ('{"python": "/gone", "versions": {}, "size_bytes": 1}', "has an environment that lost its Python, /gone"),
    ):
        record.write_text(text, "utf-8")
        assert folder.look("keras").state == "broken"
        assert reason in folder.look("keras").why_not
        assert folder.look("keras").why_not.endswith("`tenfold environment add keras` makes it anew.")


def test_a_python_that_is_there_is_taken_once_all_imports(tmp_path: Path) -> None:
    here = EnvironmentKind(
        name="here", title="Here", serves="tests", packages=("numpy>=2.0",), modules=("numpy",), size_bytes=1
    )
    folder = EnvironmentFolder(tmp_path, {"here": here, "tiny": TINY})
    made = folder.adopt("here", Path(sys.executable), tell=lambda _text: None)
    assert (made.state, made.python, made.size_bytes) == ("ready", sys.executable, 0)
    with pytest.raises(Unavailable, match="imports failed: ModuleNotFoundError: No module named 'tiny'"):
        folder.adopt("tiny", Path(sys.executable), tell=lambda _text: None)
    assert folder.look("tiny").state == "missing"
    with pytest.raises(Unavailable, match="is no Python that can be run"):
        folder.adopt("tiny", tmp_path / "nothing", tell=lambda _text: None)


def test_a_disk_without_room_is_said_before_anything_is_fetched(tmp_path: Path) -> None:
    huge = EnvironmentKind(
        name="huge", title="Huge", serves="tests", packages=("huge",), modules=("huge",), size_bytes=10**18
    )
    with pytest.raises(StorageFull, match=r"Huge takes 1500000000\.0 GB for a moment; the disk of .* has"):
        EnvironmentFolder(tmp_path, {"huge": huge}).add("huge", tell=lambda _text: None)
    assert list(tmp_path.iterdir()) == []


def test_pins_are_the_same_everywhere() -> None:
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text("utf-8").split())
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]["keras"]
    named = {each.split("==")[0]: each.split("==")[1] for each in ENVIRONMENTS["keras"].packages if "==" in each}
    assert named.items() <= pins.items()
    assert {each.split(">=")[0] for each in extra} == set(named)
    assert {each.environment for each in FRAMEWORKS.values()} - {""} == set(ENVIRONMENTS)

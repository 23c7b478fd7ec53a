"""Environments in the data folder, made by venv and pip."""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tenfold.core.errors import NotFound, StorageFull, Unavailable
from tenfold.core.workstation.environments import ENVIRONMENTS, Environment, EnvironmentKind

RECORD = "environment.json"
SPARE = 1.5  # what pip unpacks beside what stays
TOLD_EVERY_S = 10.0
_CHECK = """
import importlib, json, sys
from importlib.metadata import version
modules, packages = json.loads(sys.argv[1])
for name in modules:
    importlib.import_module(name)
print(json.dumps({"versions": {name: version(name) for name in packages}, "python": list(sys.version_info[:3])}))
"""
Tell = Callable[[str], None]


class EnvironmentFolder:
    """Fulfils `tenfold.core.workstation.environments.EnvironmentMaker`.

    `ROOT/NAME/environment.json` is written when all is there, and names the Python. Tenfold itself is not installed: a
    job brings the very code that the server runs.
    """

    def __init__(self, root: Path, kinds: Mapping[str, EnvironmentKind] = ENVIRONMENTS) -> None:
        self._root = root
        self._kinds = kinds

    def look(self, name: str) -> Environment:
        kind = self._kind(name)
        folder = self._root / name
        try:
            record = json.loads((folder / RECORD).read_text("utf-8"))
            python, versions, size = record["python"], tuple(record["versions"].items()), int(record["size_bytes"])
        except FileNotFoundError:
            text = f"has no environment on this machine yet: `tenfold environment add {name}` makes one."
            return Environment(kind=kind, state="missing", message=text)
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            text = f"has an environment that cannot be read ({error}): `tenfold environment add {name}` makes it anew."
            return Environment(kind=kind, state="broken", message=text)
        if not os.access(python, os.X_OK):
            text = f"has an environment that lost its Python, {python}: `tenfold environment add {name}` makes it anew."
            return Environment(kind=kind, state="broken", message=text)
        return Environment(kind=kind, state="ready", python=python, versions=versions, size_bytes=size)

    def python(self, name: str) -> Path:
        found = self.look(name)
        if found.state != "ready":
            raise Unavailable(found.why_not, code="environment.missing")
        return Path(found.python)

    def add(self, name: str, *, tell: Tell) -> Environment:
        kind = self._kind(name)
        folder = self._root / name
        self._require_room(kind)
        tell(f"{kind.title} goes into {folder}: about {kind.size_bytes / 1e9:.1f} GB, a few minutes.")
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            python, pip = folder / "bin" / "python", _pip(folder)
            venv = [sys.executable, "-m", "venv", *(["--without-pip"] if pip[0] == sys.executable else []), str(folder)]
            _run(venv, "making the environment", tell)
            _run([*pip, "install", "--no-input", *kind.packages], f"installing {', '.join(kind.packages[:2])}", tell)
            return self._record(kind, python, _size(folder), tell)
        except Unavailable:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def adopt(self, name: str, python: Path, *, tell: Tell) -> Environment:
        kind = self._kind(name)
        if not os.access(python, os.X_OK):
            raise Unavailable(f"{python} is no Python that can be run.", code="environment.python")
        shutil.rmtree(self._root / name, ignore_errors=True)
        return self._record(kind, python.absolute(), 0, tell)

    def _record(self, kind: EnvironmentKind, python: Path, size_bytes: int, tell: Tell) -> Environment:
        """Writes down what is there, once all of it imports."""
        packages = [package.split("==")[0].split(">=")[0] for package in kind.packages]
        asked = json.dumps([kind.modules, packages])
        answer = _run([str(python), "-P", "-c", _CHECK, asked], "looking whether all of it imports", tell)
        found = json.loads(answer.splitlines()[-1])
        if tuple(found["python"]) < (3, 11):
            text = f"{python} is Python {'.'.join(map(str, found['python']))}; Tenfold needs 3.11 or newer."
            raise Unavailable(text, code="environment.python")
        record = {"python": str(python), "versions": found["versions"], "size_bytes": size_bytes}
        path = self._root / kind.name / RECORD
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".part").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
        path.with_suffix(".part").replace(path)
        said = ", ".join(f"{name} {version}" for name, version in list(found["versions"].items())[:2])
        tell(f"The environment {kind.name} is ready: {said}.")
        return self.look(kind.name)

    def _kind(self, name: str) -> EnvironmentKind:
        if name not in self._kinds:
            known = ", ".join(self._kinds)
            raise NotFound(f"There is no environment {name!r}; there is: {known}.", code="environment.not-found")
        return self._kinds[name]

    def _require_room(self, kind: EnvironmentKind) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        free, needed = shutil.disk_usage(self._root).free, int(kind.size_bytes * SPARE)
        if free < needed:
            text = f"{kind.title} takes {needed / 1e9:.1f} GB for a moment; the disk of {self._root} has"
            raise StorageFull(f"{text} {free / 1e9:.1f} GB: free some, then try again.")


def _pip(folder: Path) -> list[str]:
    """The pip that installs into an environment: the one at hand, or, where there is none, its own."""
    python, options = folder / "bin" / "python", ["--disable-pip-version-check"]
    if importlib.util.find_spec("pip") is None:
        return [str(python), "-m", "pip", *options]
    return [sys.executable, "-m", "pip", *options, "--python", str(python)]


def _run(command: Sequence[str], doing: str, tell: Tell) -> str:
    """The output of a step, which is told every ten seconds; raises `Unavailable` with the step's last words."""
    tell(f"{doing[0].upper()}{doing[1:]} ...")
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    except OSError as error:
        raise Unavailable(f"{command[0]} could not be started: {error.strerror}.", code="environment.python") from None
    with process:
        while True:
            try:
                answer, complaint = process.communicate(timeout=TOLD_EVERY_S)
                break
            except subprocess.TimeoutExpired:
                tell(f"... {doing}, since {time.monotonic() - began:.0f} s")
            except BaseException:
                process.kill()
                raise
    if process.returncode:
        lines = [line.strip() for line in complaint.splitlines() if line.strip() and "WARNING" not in line]
        last = next((line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "no reason given")
        text = f"{doing[0].upper()}{doing[1:]} failed: {last}"
        if "No space left" in complaint or os.strerror(errno.ENOSPC) in complaint:
            raise Unavailable(f"{text} Free some room on the disk, then try again.", code="environment.failed")
        raise Unavailable(text, code="environment.failed")
    return answer


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.lstat().st_size
    return total

"""Imports in a process of their own, and what lies around them before and after."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bucket_server import ACCESS, SECRET

from tenfold.adapters.storage.secrets import FolderSecrets
from tenfold.core.datasets.job import ImportJob
from tenfold.core.datasets.remote import Credentials
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.fields import parse_spec, spec_values

PATIENCE_S = 300.0
CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an import came to: empty `code` for a revision; what it took is that of this import alone but the peak."""

    code: str
    message: str
    seconds: float
    cpu_s: float
    peak_mib: int
    threads: int
    seen: int = 0
    kept: dict[str, str] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    splits: list[int] = field(default_factory=list)
    rejected: list[list[str]] = field(default_factory=list)
    num_rejected: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    content: str = ""
    dtype: str = ""
    staged: str = ""

    def check(self) -> None:
        """Tenfold did not fail, counts add up, every rejected file is named, every refusal says something."""
        assert self.code != "internal", self.message
        if self.code:
            assert self.message.strip().endswith((".", ":", "?")), self.message
            assert len(self.message) < 2000
            return
        assert len(self.kept) + self.num_rejected + sum(self.skipped.values()) == self.seen
        assert len(self.rejected) == self.num_rejected
        assert all(path and code for path, code in self.rejected)


class Importer:
    """A child that imports one source after the other; `data` is the data folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = home / "data"
        self.num_imports = 0
        self._jobs = self.data / "jobs"
        for folder in (self.data, self._jobs, self.data / "secrets", self.data / "uploads"):
            folder.mkdir(parents=True, exist_ok=True)
        path = os.pathsep.join(each for each in sys.path if each)
        self._log = (self.data / "child.log").open("wb")
        self._child = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, "PYTHONPATH": path},
        )

    def run(
        self, source: dict[str, Any], *, parent: str = "", packed: str = "", registered: str = "", **values: Any
    ) -> Outcome:
        """Imports a source; fails when the process dies of it or does not end."""
        self.num_imports += 1
        place = self._jobs / f"{self.num_imports:04d}"
        work, staged = place / "work", self.revision(f"rev-{self.num_imports:04d}")
        for folder in (work, staged):
            folder.mkdir(parents=True)
        spec = parse_spec(DatasetSpec, values)
        job = ImportJob(
            dataset="d",
            dataset_name="d",
            task="classification",
            revision=staged.name,
            source=source,
            spec=spec_values(spec),
            roots=[str(self.home / "sources")],
            parent=parent,
            packed=packed,
            registered=registered,
        )
        asked = {"job": job.to_json(), "data": str(self.data), "work": str(work), "staged": str(staged)}
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(asked).encode() + b"\n")
        self._child.stdin.flush()
        found = Outcome(**json.loads(self._answer(source)), staged=str(staged))
        found.check()
        return found

    def revision(self, name: str) -> Path:
        """Where a revision lies once it is published."""
        return self.data / "artifacts" / "revisions" / name

    def secret(self) -> str:
        """The id of the key to the bucket server."""
        return FolderSecrets(self.data / "secrets").keep(Credentials(ACCESS, SECRET))

    def close(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait(PATIENCE_S)
        assert self._child.stdout is not None
        self._child.stdout.close()
        self._log.close()

    def _answer(self, source: object) -> bytes:
        assert self._child.stdout is not None
        ready, _, _ = select.select([self._child.stdout], [], [], PATIENCE_S)
        if not ready:
            self._child.kill()
            raise AssertionError(f"the import of {source} does not end")
        line = self._child.stdout.readline()
        told = (self.data / "child.log").read_text()[-2000:]
        assert line, f"{source}: the process died, status {self._child.wait()}, {told}"
        return line


@contextmanager
def nothing_written(importer: Importer) -> Iterator[None]:
    """Fails when something outside of the data folder is made, changed or removed."""
    before = _tree(importer.home, importer.data)
    yield
    assert _tree(importer.home, importer.data) == before


def _tree(folder: Path, but: Path) -> dict[bytes, tuple[int, int, int]]:
    found: dict[bytes, tuple[int, int, int]] = {}
    for parent, names, files in os.walk(os.fsencode(folder)):
        names[:] = [name for name in names if os.path.join(parent, name) != os.fsencode(but)]  # noqa: PTH118 - bytes
        for name in (*names, *files):
            path = os.path.join(parent, name)  # noqa: PTH118
            facts = os.lstat(path)
            found[path] = (facts.st_mode, facts.st_size if name in files else 0, facts.st_mtime_ns)
    return found

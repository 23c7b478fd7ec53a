"""The weights that runs begin with: published ones from a cache, those of models from their folders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors.numpy import load_file

from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.adapters.formats.hub_layout import HubFolder
from tenfold.adapters.sources.guarded_http import GuardedHttp
from tenfold.adapters.sources.hub import HubCache, HubPlace
from tenfold.adapters.sources.net_guard import NetGuard
from tenfold.adapters.sources.published_weights import WeightCache
from tenfold.bootstrap.hub import HUB_CACHE
from tenfold.bootstrap.tasks import CONVERT_WEIGHTS, find
from tenfold.core.errors import NotFound
from tenfold.core.networks.analysis import require_graph
from tenfold.core.networks.weights import WEIGHTS_FILE, Floats, WeightOrigin

CACHE = "cache/weights"


def find_weights(data: Path, *, tell: Callable[[str], None]) -> Weights:
    """Fulfils `tenfold.worker.toolbox.WeightFinder`."""
    return Weights(data, tell)


@dataclass(frozen=True)
class Weights:
    """Fulfils `tenfold.core.networks.weights.WeightOpener` over a data folder."""

    data: Path
    tell: Callable[[str], None]

    def __call__(self, origin: WeightOrigin) -> Mapping[str, Floats]:
        if origin.licence:
            self.tell(f"{origin.source} is under the licence {origin.licence}.")
        if origin.address:
            hub = HubCache(self.data / HUB_CACHE, GuardedHttp(NetGuard(origin.internal_hosts)))
            hub.fetch(HubPlace(Path(origin.place), origin.address), report=self.tell)
        if origin.place:
            return HubFolder(Path(origin.place), Path(origin.inside)).tensors()
        if not origin.folder:
            return load_file(self._published(origin.source.removeprefix("catalogue:")))
        path = self.data / origin.folder / WEIGHTS_FILE
        try:
            return load_file(path)
        except FileNotFoundError:
            text = f"The weights of {origin.source} are gone: they were deleted for good."
            raise NotFound(text, code="weights.not-found") from None

    def _published(self, network: str) -> Path:
        text = next(entry.text for entry in read_catalogue() if entry.name == network)
        paths = [f"{node.path}.{name}" for node in require_graph(text).nodes for name in node.weights]
        return WeightCache(self.data / CACHE, find(CONVERT_WEIGHTS)).fetch(network, paths, report=self.tell)

"""The hub as the server looks at it: what a repository says of its weights, before a worker fetches them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tenfold.adapters.formats.hub_layout import HubFolder
from tenfold.adapters.sources.guarded_http import GuardedHttp
from tenfold.adapters.sources.hub import HubCache
from tenfold.adapters.sources.net_guard import NetGuard
from tenfold.core.networks.weights import FoundWeights

HUB_CACHE = "cache/hub"


@dataclass(frozen=True, kw_only=True)
class CachedHub:
    """Fulfils `tenfold.core.networks.weights.HubFinder` over the cache of a data folder."""

    data: Path
    endpoint: str
    internal_hosts: tuple[str, ...]

    def __call__(self, name: str, revision: str) -> FoundWeights:
        cache = self.data / HUB_CACHE
        place = HubCache(cache, GuardedHttp(NetGuard(self.internal_hosts)), self.endpoint).look(name, revision)
        found = HubFolder(place.folder, cache).describe(has_weights=False)
        return replace(found, address=place.address, internal_hosts=self.internal_hosts)

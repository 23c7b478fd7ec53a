"""Matches the tensors that a source holds with those of a network, by path and shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tenfold.core.networks.graph import LayerGraph
from tenfold.core.networks.layers.kinds import Shape


@dataclass(frozen=True)
class Unfit:
    """A tensor whose shape in the source, `given`, is not the one `wanted`."""

    path: str
    wanted: Shape
    given: Shape


@dataclass(frozen=True)
class Loaded:
    """What becomes of each tensor: `loaded` by its path, with the source's name for it; the network's that are
    `missing` in the source; the source's that are `unexpected`; and those `unfit`."""

    loaded: Mapping[str, str]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    unfit: tuple[Unfit, ...]


def match_weights(
    graph: LayerGraph,
    available: Mapping[str, Shape],
    renamed: Mapping[str, str],
    covered: Sequence[str] = (),
    *,
    skip: Sequence[str] = (),
) -> Loaded:
    """What a source with the tensors `available` gives a network.

    A moved path counts where the source has the old one and not the new. `covered` are the paths of layers that take
    part (none: all); what is under `skip`, in the network's names or the source's, does not.
    """
    wanted = {
        f"{node.path}.{name}": weight.shape
        for node in graph.nodes
        for name, weight in node.weights.items()
        if not covered or _is_under(node.path, covered)
    }
    sources = _moved(available, renamed)
    sources = {path: key for path, key in sources.items() if not covered or _is_under(path, covered)}
    left_out = {path for path, key in sources.items() if _is_under(path, skip) or _is_under(key, skip)}
    loaded: dict[str, str] = {}
    missing: list[str] = []
    unfit: list[Unfit] = []
    for path, shape in wanted.items():
        if path in left_out or _is_under(path, skip):
            continue
        if path not in sources:
            missing.append(path)
        elif tuple(available[sources[path]]) != tuple(shape):
            unfit.append(Unfit(path, tuple(shape), tuple(available[sources[path]])))
        else:
            loaded[path] = sources[path]
    unexpected = tuple(key for path, key in sources.items() if path not in wanted and path not in left_out)
    return Loaded(loaded, tuple(missing), unexpected, tuple(unfit))


def _moved(available: Mapping[str, Shape], renamed: Mapping[str, str]) -> dict[str, str]:
    """The source's names by the path that each has in the network."""
    paths = {key: key for key in available}
    for old, new in renamed.items():
        moving = [path for path in paths if _is_under(path, (old,))]
        if _has_moved(paths, moving, old, new):
            continue
        for path in moving:
            paths[new + path[len(old) :]] = paths.pop(path)
    return paths


def _has_moved(paths: Mapping[str, str], moving: Sequence[str], old: str, new: str) -> bool:
    """Whether the source has the new path already; a layer and its copies have one in the other."""
    if _is_under(old, (new,)):
        return any(new + path[len(old) :] in paths for path in moving)
    inside = paths if _is_under(new, (old,)) else [path for path in paths if path not in moving]
    return any(_is_under(path, (new,)) for path in inside)


def _is_under(path: str, prefixes: Sequence[str]) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}.") for prefix in prefixes)

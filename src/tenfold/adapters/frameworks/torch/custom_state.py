"""What of a module changes while it learns and is in no checkpoint: a resumed run would not know it."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from tenfold.adapters.frameworks.torch.custom import example
from tenfold.core.networks.custom import showable
from tenfold.core.networks.inspection import MAX_NAME, MOST_WARNINGS, SourceProblem

_SEED = 1
_SAMPLES = 2
_MOST_ITEMS = 1000
_MOST_BYTES = 64 << 20
_MOST_DEPTH = 4
_PLAIN = frozenset({bool, int, float, complex, str, bytes, type(None)})
_TORCHS = frozenset(vars(nn.Module()))


def what_is_not_kept(module: nn.Module, input_shape: tuple[int, ...], text: str) -> list[SourceProblem]:
    """Runs twice what a step runs forward, on the same pictures with the same draws, and tells what is not as before.

    What is only made once, as a grid that is kept, or written anew in each step alike, is none of it. Modules that say
    with `get_extra_state` what they keep are believed.
    """
    module.train()
    images = example(input_shape, _SAMPLES)
    _step(module, images)
    before, generators = _attributes(module), _generators()
    _step(module, images)
    after = _attributes(module)
    changed = dict.fromkeys(name for name in after if after[name] != before.get(name))
    found = [_lost(owner, name, text) for owner, name in changed]
    drawn = [name for name, state in _generators().items() if state != generators[name]]
    return [*found, *(_drawn(name) for name in drawn)][:MOST_WARNINGS]


def _step(module: nn.Module, images: torch.Tensor) -> None:
    torch.manual_seed(_SEED)
    with torch.no_grad():
        module(images)


def _lost(owner: str, name: str, text: str) -> SourceProblem:
    assigned = re.compile(rf"\.{re.escape(name)}(?:\.\w+\(|\s*(?:\[[^\]]*\]\s*)?[-+*/%&|^@<>]{{0,2}}=(?!=))")
    lines = [number for number, line in enumerate(text.split("\n"), 1) if assigned.search(line)]
    where = f" of `{showable(owner)[:MAX_NAME]}`" if owner else ""
    told = f"`self.{showable(name)[:MAX_NAME]}`{where} changes while it runs and is not part of its state"
    rest = "a resumed run does not know it. Register it as a buffer, or keep it by `get_extra_state`."
    return SourceProblem(lines[-1] if lines else 0, f"{told}: {rest}")


def _drawn(name: str) -> SourceProblem:
    text = f"It draws from the generator of {name}, whose place no checkpoint keeps: a resumed run draws other numbers."
    return SourceProblem(0, f"{text} Draw by PyTorch's.")


def _generators() -> dict[str, str]:
    """Where the generators stand that are not PyTorch's."""
    return {"Python's `random`": repr(random.getstate()), "numpy": repr(np.random.get_state())}


def _attributes(module: nn.Module) -> dict[tuple[str, str], str]:
    """The plain attributes of a module and its parts, by path and name, as texts to compare."""
    room = _Room()
    found: dict[tuple[str, str], str] = {}
    for path, part in module.named_modules():
        if type(part).get_extra_state is not nn.Module.get_extra_state:
            continue
        own = [(name, value) for name, value in vars(part).items() if name not in _TORCHS]
        unkept = [(name, part._buffers.get(name)) for name in sorted(part._non_persistent_buffers_set)]
        for name, value in (*own, *unkept):
            found[path, name] = "".join(room.written(value, 0))
    return found


class _Room:
    """Writes values as far as they are plain, up to so many things and bytes in all."""

    def __init__(self) -> None:
        self._items = _MOST_ITEMS
        self._bytes = _MOST_BYTES

    def written(self, value: Any, depth: int) -> Iterator[str]:
        """Any: an attribute may hold anything; of what is not plain only its kind is told."""
        self._items -= 1
        if self._items < 0 or depth > _MOST_DEPTH:
            return
        yield type(value).__name__
        if type(value) in _PLAIN:
            yield hex(value) if isinstance(value, int) else str(hash(value))
        elif isinstance(value, torch.Tensor | np.ndarray):
            yield f"{tuple(value.shape)} {value.dtype} {self._digest(value)}"
        elif isinstance(value, Mapping):
            for name, each in list(value.items())[:_MOST_ITEMS]:
                yield from (*self.written(name, depth + 1), ":", *self.written(each, depth + 1), ",")
        elif isinstance(value, list | tuple | set | frozenset) or type(value).__name__ in {"deque", "Counter"}:
            yield f"{len(value)}:"
            for each in list(value)[:_MOST_ITEMS]:
                yield from (*self.written(each, depth + 1), ",")

    def _digest(self, value: Any) -> str:
        array = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
        self._bytes -= array.nbytes
        if self._bytes < 0 or array.dtype == object:
            return ""
        return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()

"""The one table from kinds of layer to what writes them in ONNX."""

from __future__ import annotations

from collections.abc import Callable

from tenfold.adapters.export.onnx.layers import (
    activations,
    convolution,
    detection,
    dropping,
    joins,
    normalisation,
    pooling,
    sequences,
    shaping,
)
from tenfold.adapters.export.onnx.sheet import LayerNodes

_FAMILIES = (convolution, pooling, normalisation, activations, dropping, shaping, joins, sequences, detection)
KINDS: dict[str, Callable[[LayerNodes], str]] = {
    kind: write for family in _FAMILIES for kind, write in family.KINDS.items()
}

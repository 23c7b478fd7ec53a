"""The one table from kinds of layer to what Keras computes."""

from __future__ import annotations

from tenfold.adapters.frameworks.keras.layers import (
    activations,
    convolution,
    dropping,
    joins,
    normalisation,
    pooling,
    sequences,
    shaping,
)
from tenfold.adapters.frameworks.keras.layers.layer import Call

_FAMILIES = (convolution, pooling, normalisation, activations, dropping, shaping, joins, sequences)
KINDS: dict[str, Call] = {kind: call for family in _FAMILIES for kind, call in family.KINDS.items()}

"""The one table of layers, which parser, forms, completion, documentation and all builders read."""

from __future__ import annotations

from tenfold.core.networks.layers import (
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
from tenfold.core.networks.layers.kinds import Argument, LayerKind

_FAMILIES = (convolution, pooling, normalisation, activations, dropping, shaping, joins, sequences, detection)
LAYERS: dict[str, LayerKind] = {kind.name: kind for family in _FAMILIES for kind in family.KINDS}

COMMON_ARGUMENTS: tuple[Argument, ...] = (
    Argument(name="frozen", type="boolean", default=False, help="Whether its weights stay as they are."),
    Argument(name="lr_mult", type="number", default=1.0, minimum=0, maximum=1000, help="Factor of the learning rate."),
    Argument(
        name="bias_lr_mult", type="number", default=1.0, minimum=0, maximum=1000, help="The same for biases, on top."
    ),
    Argument(name="decay_mult", type="number", default=1.0, minimum=0, maximum=1000, help="Factor of weight decay."),
    Argument(
        name="bias_decay_mult", type="number", default=1.0, minimum=0, maximum=1000, help="The same for biases, on top."
    ),
    Argument(name="init", type="initialiser", help="How weights are drawn at first; without it, as PyTorch does."),
    Argument(name="bias_init", type="initialiser", help="How biases are drawn at first; without it, as PyTorch does."),
)
COMMON = {argument.name: argument for argument in COMMON_ARGUMENTS}

INPUT_KINDS: dict[str, tuple[str, ...]] = {
    "image": ("channels", "height", "width"),
    "volume": ("channels", "depth", "height", "width"),
    "sequence": ("channels", "length"),
    "vector": ("features",),
    "tokens": ("length", "vocabulary"),
}

OUTPUT_ARGUMENTS: tuple[Argument, ...] = (
    Argument(name="training_only", type="boolean", default=False, help="Whether it exists only while training."),
    Argument(name="loss_weight", type="number", default=1.0, minimum=0, maximum=1e6, help="Its share in the loss."),
    Argument(name="stride", type="integer", minimum=1, maximum=4096, help="Input pixels for each of its places."),
)

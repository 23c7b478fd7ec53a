"""Layers that drop values while training and change nothing afterwards."""

from __future__ import annotations

from tenfold.core.networks.layers.kinds import Argument, LayerKind

KINDS = (
    LayerKind(
        name="dropout",
        help="While training, drops each value with the given probability and scales the rest up (Srivastava 2014).",
        arguments=(
            Argument(
                name="rate", type="number", default=0.5, minimum=0, below=1, help="Share of values that are dropped."
            ),
        ),
    ),
    LayerKind(
        name="drop_path",
        help="While training, drops the whole branch of a sample and scales the rest up (Huang 2016).",
        arguments=(
            Argument(
                name="rate", type="number", default=0.1, minimum=0, below=1, help="Share of samples that are dropped."
            ),
        ),
    ),
)

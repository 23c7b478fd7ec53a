"""Layers that drop values while training: a finished network passes them by."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tenfold.adapters.export.onnx.sheet import LayerNodes


def _unchanged(layer: LayerNodes) -> str:
    return layer.inputs[0]


KINDS: Mapping[str, Callable[[LayerNodes], str]] = {"dropout": _unchanged, "drop_path": _unchanged}

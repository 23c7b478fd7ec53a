"""Convolution and dense layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tenfold.adapters.export.onnx.layers.windows import flat_pads
from tenfold.adapters.export.onnx.sheet import LayerNodes


def _conv(layer: LayerNodes) -> str:
    about = layer.arguments
    return layer.add(
        "Conv",
        layer.inputs[0],
        layer.weight("weight"),
        layer.weight("bias"),
        kernel_shape=about["kernel"],
        strides=about["stride"],
        pads=flat_pads(about["pad"]),
        dilations=about["dilation"],
        group=about["groups"],
    )


def _conv_transpose(layer: LayerNodes) -> str:
    about = layer.arguments
    return layer.add(
        "ConvTranspose",
        layer.inputs[0],
        layer.weight("weight"),
        layer.weight("bias"),
        kernel_shape=about["kernel"],
        strides=about["stride"],
        pads=[*about["pad"], *about["pad"]],
        output_padding=about["output_pad"],
        group=about["groups"],
    )


def _dense(layer: LayerNodes) -> str:
    x = layer.inputs[0]
    if len(layer.shapes[0]) == 1:
        return layer.add("Gemm", x, layer.weight("weight"), layer.weight("bias"), transB=1)
    product = layer.add("MatMul", layer.weight("weight"), x)  # out x C times N x C x length
    return layer.add("Add", product, layer.per_channel("bias", 1)) if "bias" in layer.weights else product


KINDS: Mapping[str, Callable[[LayerNodes], str]] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "dense": _dense,
}

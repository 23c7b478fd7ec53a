"""Pooling: windows reduced to their largest or mean value."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tenfold.core.networks.layers.kinds import Argument, Arguments, LayerFault, LayerKind, Shape, per_axis, spatial
from tenfold.core.networks.layers.windows import PAD, resolve_window, window_output

_WINDOW = Argument(name="window", type="sizes", required=True, minimum=1, maximum=4096, help="Size of the window.")
_STRIDE = Argument(
    name="stride", type="sizes", same_as="window", minimum=1, maximum=4096, help="Step of the window; as large as it."
)
_CEIL = Argument(
    name="ceil", type="boolean", default=False, help="Whether a last window that is only partly filled counts (Caffe)."
)
_COUNT_PAD = Argument(
    name="count_pad", type="boolean", default=True, help="Whether the padded border counts in the mean."
)


def _resolver(kind: str) -> Callable[[Arguments, Sequence[Shape]], Arguments]:
    def resolve(arguments: Arguments, inputs: Sequence[Shape]) -> Arguments:
        resolved = resolve_window(kind, "window", arguments, inputs)
        window, pads = resolved["window"], resolved["pad"]
        assert isinstance(window, tuple)
        assert isinstance(pads, tuple)
        for size, pad in zip(window, pads, strict=True):
            if max(pad) >= size:
                text = f"`pad` of `{kind}` is {max(pad)}, but the window is only {size}: pad at most {size - 1}."
                raise LayerFault(text, code="network.pad", argument="pad")
        return resolved

    return resolve


def _pooled(kind: str) -> Callable[[Arguments, Sequence[Shape]], Shape]:
    def shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
        return (inputs[0][0], *window_output(kind, "window", arguments, inputs[0][1:]))

    return shape


def _global(kind: str, help: str) -> LayerKind:
    def shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
        axes = len(spatial(kind, inputs[0]))
        return inputs[0][:1] + (1,) * axes if arguments["keep"] else inputs[0][:1]

    keep = Argument(name="keep", type="boolean", default=False, help="Whether axes of size 1 stay: 64 x 1 x 1, not 64.")
    return LayerKind(name=kind, help=help, arguments=(keep,), shape=shape)


def _adaptive_resolve(arguments: Arguments, inputs: Sequence[Shape]) -> Arguments:
    axes = len(spatial("adaptive_avg_pool", inputs[0]))
    return {"size": per_axis("adaptive_avg_pool", "size", arguments["size"], axes)}


def _adaptive_shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    return (inputs[0][0], *arguments["size"])


KINDS = (
    LayerKind(
        name="max_pool",
        help="The largest value of each window; a padded border never wins.",
        arguments=(_WINDOW, _STRIDE, PAD, _CEIL),
        resolve=_resolver("max_pool"),
        shape=_pooled("max_pool"),
    ),
    LayerKind(
        name="avg_pool",
        help="The mean of each window.",
        arguments=(_WINDOW, _STRIDE, PAD, _CEIL, _COUNT_PAD),
        resolve=_resolver("avg_pool"),
        shape=_pooled("avg_pool"),
    ),
    _global("global_avg_pool", "The mean of each channel."),
    _global("global_max_pool", "The largest value of each channel."),
    LayerKind(
        name="adaptive_avg_pool",
        help="Means over windows chosen so that the output has the given size.",
        arguments=(
            Argument(name="size", type="sizes", required=True, minimum=1, maximum=4096, help="Size of the output."),
        ),
        resolve=_adaptive_resolve,
        shape=_adaptive_shape,
    ),
)

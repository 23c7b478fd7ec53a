"""Padding and output sizes of everything that slides a window: convolutions and pooling."""

from __future__ import annotations

from collections.abc import Sequence

from tenfold.core.networks.layers.kinds import (
    Argument,
    Arguments,
    LayerFault,
    Remedy,
    Shape,
    per_axis,
    shape_text,
    spatial,
)

Pads = tuple[tuple[int, int], ...]

PAD = Argument(
    name="pad",
    type="padding",
    help="Border around the input: a size, one for each axis, `half` (symmetric) or `same` (output = input / stride).",
    default=0,
    minimum=0,
    maximum=4096,
    choices=("half", "same"),
)


def resolve_window(kind: str, window_name: str, arguments: Arguments, inputs: Sequence[Shape]) -> dict[str, object]:
    """Window, stride, dilation and padding for each axis."""
    sizes = spatial(kind, inputs[0])
    axes = len(sizes)
    window = per_axis(kind, window_name, arguments[window_name], axes)
    stride = per_axis(kind, "stride", arguments["stride"], axes)
    dilation = per_axis(kind, "dilation", arguments.get("dilation", 1), axes)
    extents = tuple(step * (size - 1) + 1 for size, step in zip(window, dilation, strict=True))
    pads = _pads(kind, arguments["pad"], sizes, extents, stride)
    resolved = {**arguments, window_name: window, "stride": stride, "pad": pads}
    return {**resolved, "dilation": dilation} if "dilation" in arguments else resolved


def _pads(kind: str, pad: object, sizes: Shape, extents: Shape, stride: Shape) -> Pads:
    if pad == "half":
        return tuple(((extent - 1) // 2, (extent - 1) // 2) for extent in extents)
    if pad == "same":
        totals = [
            max(0, (-(-size // step) - 1) * step + extent - size)
            for size, extent, step in zip(sizes, extents, stride, strict=True)
        ]
        return tuple((total // 2, total - total // 2) for total in totals)
    assert isinstance(pad, int | list | tuple)  # checked when the argument was bound
    return tuple((size, size) for size in per_axis(kind, "pad", pad, len(sizes)))


def window_output(kind: str, window_name: str, arguments: Arguments, sizes: Shape) -> Shape:
    """The number of places of the window along each axis; a window larger than its input is a fault."""
    window, stride, pads = arguments[window_name], arguments["stride"], arguments["pad"]
    dilation = arguments.get("dilation", (1,) * len(sizes))
    is_ceil = bool(arguments.get("ceil", False))
    output = []
    for axis, size in enumerate(sizes):
        extent = dilation[axis] * (window[axis] - 1) + 1
        room = size + sum(pads[axis])
        if extent > room:
            raise _too_large(kind, window_name, window[axis], sizes, is_padded=room > size)
        output.append(_places(room - extent, stride[axis], size + pads[axis][0], is_ceil))
    return tuple(output)


def _places(slack: int, stride: int, end: int, is_ceil: bool) -> int:
    if not is_ceil:
        return slack // stride + 1
    places = -(-slack // stride) + 1
    return places - 1 if (places - 1) * stride >= end else places  # the last window begins inside


def _too_large(kind: str, window_name: str, window: int, sizes: Shape, *, is_padded: bool) -> LayerFault:
    most = min(sizes)
    padded = " with its padding" if is_padded else ""
    remedies = () if is_padded else (Remedy(argument=window_name, value=str(most)),)
    advice = "use a smaller one or a larger picture" if is_padded else f"use at most {most}"
    message = f"`{window_name}` of `{kind}` is {window}, but the input is only {shape_text(sizes)}{padded}: {advice}."
    return LayerFault(message, code="network.window", argument=window_name, remedies=remedies)

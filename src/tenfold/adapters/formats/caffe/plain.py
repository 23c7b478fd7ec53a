"""Caffe's layers without weights: pooling, activations, joins and what rearranges values."""

from __future__ import annotations

import math
from collections.abc import Callable

from tenfold.adapters.formats.caffe.detection import joined_priors
from tenfold.adapters.formats.caffe.layers import CaffeLayer
from tenfold.adapters.formats.caffe.learned import sizes
from tenfold.adapters.formats.caffe.network_text import Placed
from tenfold.adapters.formats.caffe.translation import Preprocessing, Translation, Unsayable
from tenfold.core.networks.values import Initialiser, Word

_ACTIVATIONS = {"AbsVal": "abs", "BNLL": "softplus", "Sigmoid": "sigmoid", "TanH": "tanh", "ReLU6": "relu6"}
_POOLS = {"MAX": "max_pool", "AVE": "avg_pool"}
_GLOBAL = {"MAX": "global_max_pool", "AVE": "global_avg_pool"}


def _pooling(work: Translation, layer: CaffeLayer) -> None:
    parameters, source = layer.parameters("pooling"), work.source(layer)
    method = parameters.choice("pool", ("MAX", "AVE", "STOCHASTIC"))
    if method not in _POOLS:
        raise Unsayable("stochastic pooling has no counterpart.")
    if parameters.flag("global_pooling", False):
        work.gives(layer, work.place(layer, _GLOBAL[method], source, {"keep": True}))
        return
    window = sizes(parameters, "kernel_size", "kernel", 0)
    if 0 in window:
        raise Unsayable("it has no `kernel_size`.")
    given: dict[str, object] = {"window": window, "stride": sizes(parameters, "stride", "stride", 1)}
    given["pad"] = sizes(parameters, "pad", "pad", 0)
    has_ceil = parameters.flag("ceil_mode", True)
    given["ceil"] = has_ceil and parameters.choice("round_mode", ("CEIL", "FLOOR")) == "CEIL"
    given = {name: value * 2 if isinstance(value, list) and len(value) == 1 else value for name, value in given.items()}
    work.gives(layer, work.place(layer, _POOLS[method], source, given))


def _lrn(work: Translation, layer: CaffeLayer) -> None:
    parameters = layer.parameters("lrn")
    given: dict[str, object] = {"size": parameters.integer("local_size", 5), "beta": parameters.number("beta", 0.75)}
    given["alpha"] = parameters.number("alpha", 1.0)
    if parameters.choice("norm_region", ("ACROSS_CHANNELS", "WITHIN_CHANNEL")) == "WITHIN_CHANNEL":
        given["region"] = Word("within")
    else:
        given["k"] = parameters.number("k", 1.0)
    work.gives(layer, work.place(layer, "lrn", work.source(layer), given))


def _relu(work: Translation, layer: CaffeLayer) -> None:
    slope = layer.parameters("relu").number("negative_slope", 0.0)
    kind, given = ("leaky_relu", {"slope": slope}) if slope else ("relu", {})
    work.gives(layer, work.place(layer, kind, work.source(layer), given))


def _activation(work: Translation, layer: CaffeLayer) -> None:
    work.gives(layer, work.place(layer, _ACTIVATIONS[layer.type], work.source(layer)))


def _elu(work: Translation, layer: CaffeLayer) -> None:
    alpha = layer.parameters("elu").number("alpha", 1.0)
    if alpha != 1:
        raise Unsayable(f"its `alpha` is {alpha}, and `elu` has 1.")
    work.gives(layer, work.place(layer, "elu", work.source(layer)))


def _softmax(work: Translation, layer: CaffeLayer) -> None:
    """Over the channels; over the last axis of a table the axes are exchanged before and after."""
    source, axis = work.source(layer), layer.parameters("softmax").integer("axis", 1)
    axis = axis + len(source.shape) + 1 if axis < 0 else axis
    if axis == 1:
        work.gives(layer, work.place(layer, "softmax", source))
    elif axis == 2 and len(source.shape) == 2:
        turned = work.place(layer, "permute", source, {"axes": [1, 0]}, suffix="_turned")
        values = work.place(layer, "softmax", turned, suffix="_values")
        work.gives(layer, work.place(layer, "permute", values, {"axes": [1, 0]}))
    else:
        raise Unsayable(f"its `axis` is {axis}, but only channels are understood.")


def _power(work: Translation, layer: CaffeLayer) -> None:
    """(shift + scale * x) ^ power; straight on the pictures it is part of their preprocessing."""
    parameters, source = layer.parameters("power"), work.source(layer)
    power, scale, shift = (parameters.number(name, usual) for name, usual in (("power", 1), ("scale", 1), ("shift", 0)))
    if power not in {1, 2}:
        raise Unsayable(f"its `power` is {power:g}, but only 1 and 2 are understood.")
    is_plain = (scale, shift) == (1, 0)
    if power == 1 and source in work.images and work.reads_alone(layer) and not is_plain:
        about = work.preprocessing
        work.preprocessing = Preprocessing(
            mean_values=about.mean_values,
            mean_file=about.mean_file,
            scale=about.scale * scale,
            shift=about.shift * scale + shift,
            crop_size=about.crop_size,
            is_mirrored=about.is_mirrored,
        )
        work.note(layer, "scales the pictures, which is part of their preprocessing.")
    elif not is_plain:
        source = _constant_scale(work, layer, source, scale, shift)
    if power == 2:
        source = work.place(layer, "multiply", [source, source], suffix="_square")
    work.gives(layer, source)


def _constant_scale(work: Translation, layer: CaffeLayer, source: Placed, scale: float, shift: float) -> Placed:
    given: dict[str, object] = {"init_value": scale, "bias": bool(shift), "frozen": True}
    if shift:
        given["bias_init"] = Initialiser("constant", (shift,))
    placed = work.place(layer, "scale", source, given)
    work.constants[f"{placed.name}.weight"] = scale
    if shift:
        work.constants[f"{placed.name}.bias"] = shift
    return placed


def _dropout(work: Translation, layer: CaffeLayer) -> None:
    rate = layer.parameters("dropout").number("dropout_ratio", 0.5)
    work.gives(layer, work.place(layer, "dropout", work.source(layer), {"rate": rate}))


def _eltwise(work: Translation, layer: CaffeLayer) -> None:
    parameters, sources = layer.parameters("eltwise"), work.inputs(layer)
    operation = parameters.choice("operation", ("PROD", "SUM", "MAX")) if parameters.has("operation") else "SUM"
    factors = parameters.numbers("coeff")
    kind = {"PROD": "multiply", "SUM": "add", "MAX": "maximum"}[operation]
    if operation == "SUM" and factors and any(factor != 1 for factor in factors):
        if factors == [1, -1]:
            kind = "subtract"
        elif all(math.isclose(factor, 1 / len(sources), rel_tol=1e-6) for factor in factors):
            kind = "average"
        else:
            raise Unsayable(f"a sum with the factors {', '.join(f'{factor:g}' for factor in factors[:8])} has no word.")
    work.gives(layer, work.place(layer, kind, sources))


def _concat(work: Translation, layer: CaffeLayer) -> None:
    parameters, sources = layer.parameters("concat"), work.inputs(layer)
    axis = parameters.integer("concat_dim", parameters.integer("axis", 1))
    if any(source in work.priors for source in sources):
        work.gives(layer, joined_priors(work, layer, sources, axis))
        return
    if axis != 1:
        raise Unsayable(f"it joins axis {axis}, but only channels are joined.")
    work.gives(layer, work.place(layer, "concat", sources) if len(sources) > 1 else sources[0])


def _slice(work: Translation, layer: CaffeLayer) -> None:
    parameters, source = layer.parameters("slice"), work.source(layer)
    axis = parameters.integer("slice_dim", parameters.integer("axis", 1))
    if axis != 1:
        raise Unsayable(f"it cuts axis {axis}, but only channels are cut.")
    channels, count = source.shape[0], len(layer.tops)
    points = parameters.integers("slice_point")
    if not points and count and channels % count == 0:
        points = [index * (channels // count) for index in range(1, count)]
    if len(points) != count - 1:
        raise Unsayable(f"{len(points)} places to cut do not make {count} parts.")
    for top, start, stop in zip(layer.tops, [0, *points], [*points, channels], strict=True):
        suffix = "" if not start else f"_{top}"
        work.blobs[top] = work.place(layer, "slice", source, {"start": start, "stop": stop}, suffix=suffix)


def _crop(work: Translation, layer: CaffeLayer) -> None:
    parameters, sources = layer.parameters("crop"), work.inputs(layer)
    if parameters.integer("axis", 2) != 2:
        raise Unsayable("its `axis` is not 2.")
    offsets = parameters.integers("offset") or [0]
    axes = len(sources[0].shape) - 1
    given = offsets * axes if len(offsets) == 1 else offsets
    work.gives(layer, work.place(layer, "crop", sources, {"offset": given}))


def _flatten(work: Translation, layer: CaffeLayer) -> None:
    parameters = layer.parameters("flatten")
    if parameters.integer("axis", 1) != 1 or parameters.integer("end_axis", -1) != -1:
        raise Unsayable("it flattens some axes only.")
    work.gives(layer, work.place(layer, "flatten", work.source(layer)))


def _reshape(work: Translation, layer: CaffeLayer) -> None:
    parameters, source = layer.parameters("reshape"), work.source(layer)
    wanted = parameters.message("shape").integers("dim")
    if parameters.integer("axis", 0) or parameters.integer("num_axes", -1) != -1 or not wanted or wanted[0] != 0:
        raise Unsayable("it changes the batch, or some axes only.")
    shape = []
    for index, size in enumerate(wanted[1:]):
        if size == 0 and index >= len(source.shape):
            raise Unsayable(f"it keeps axis {index + 1}, which its input has not.")
        shape.append(size if size else source.shape[index])
    if not shape:
        raise Unsayable("it leaves no axis beside the batch.")
    work.gives(layer, work.place(layer, "reshape", source, {"shape": shape}))


def _permute(work: Translation, layer: CaffeLayer) -> None:
    source = work.source(layer)
    order = layer.parameters("permute").integers("order")
    order += [axis for axis in range(len(source.shape) + 1) if axis not in order]
    if order[0] != 0:
        raise Unsayable("it moves the batch.")
    work.gives(layer, work.place(layer, "permute", source, {"axes": [axis - 1 for axis in order[1:]]}))


def _mvn(work: Translation, layer: CaffeLayer) -> None:
    parameters = layer.parameters("mvn")
    if not parameters.flag("normalize_variance", True):
        raise Unsayable("it takes the mean alone.")
    given: dict[str, object] = {"eps": parameters.number("eps", 1e-9)}
    if parameters.flag("across_channels", False):
        placed = work.place(layer, "group_norm", work.source(layer), {"groups": 1, "affine": False, **given})
    else:
        placed = work.place(layer, "instance_norm", work.source(layer), given)
    work.gives(layer, placed)


def _split(work: Translation, layer: CaffeLayer) -> None:
    work.gives(layer, work.source(layer))


TRANSLATORS: dict[str, Callable[[Translation, CaffeLayer], None]] = {
    "Pooling": _pooling,
    "LRN": _lrn,
    "ReLU": _relu,
    **dict.fromkeys(_ACTIVATIONS, _activation),
    "ELU": _elu,
    "Softmax": _softmax,
    "Power": _power,
    "Dropout": _dropout,
    "Eltwise": _eltwise,
    "Concat": _concat,
    "Slice": _slice,
    "Crop": _crop,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "MVN": _mvn,
    "Split": _split,
}

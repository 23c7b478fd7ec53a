"""Caffe's layers that learn: convolutions, inner products, normalisation with its scale, slopes."""

from __future__ import annotations

from collections.abc import Callable

from tenfold.adapters.formats.caffe.layers import CaffeLayer
from tenfold.adapters.formats.caffe.network_text import Parameter, Placed
from tenfold.adapters.formats.caffe.prototxt import Message
from tenfold.adapters.formats.caffe.translation import Recipe, RecipeForm, Translation, Unsayable
from tenfold.core.networks.values import Initialiser

_FILLERS_BY_FAN_IN = {"xavier": Initialiser("lecun_uniform"), "msra": Initialiser("kaiming_normal")}
_VARIANCES = ("FAN_IN", "FAN_OUT", "AVERAGE")


def sizes(parameters: Message, name: str, short: str, default: int) -> list[int]:
    """Height and width of a window's setting, written once, twice, or as `_h` and `_w`."""
    given = parameters.integers(name)
    if parameters.has(f"{short}_h") or parameters.has(f"{short}_w"):
        return [parameters.integer(f"{short}_h", default), parameters.integer(f"{short}_w", default)]
    return given or [default]


def _per_axis(values: list[int], source: Placed) -> list[int]:
    axes = len(source.shape) - 1
    if len(values) not in {1, axes}:
        raise Unsayable(f"a setting has {len(values)} sizes, but the input {axes} axes.")
    return values * axes if len(values) == 1 else values


def _window(parameters: Message, source: Placed) -> dict[str, object]:
    kernel = sizes(parameters, "kernel_size", "kernel", 0)
    if 0 in kernel:
        raise Unsayable("it has no `kernel_size`.")
    about: dict[str, object] = {"kernel": _per_axis(kernel, source)}
    about["stride"] = _per_axis(sizes(parameters, "stride", "stride", 1), source)
    about["pad"] = _per_axis(sizes(parameters, "pad", "pad", 0), source)
    about["dilation"] = _per_axis(parameters.integers("dilation") or [1], source)
    if parameters.integer("axis", 1) != 1:
        raise Unsayable("its `axis` is not 1.")
    return about


def _num_output(work: Translation, parameters: Message) -> int:
    """The number of channels; without one it is the number of classes, as DIGITS fills it in."""
    return parameters.integer("num_output", 1) if parameters.has("num_output") else Parameter(work.classes, "classes")


def _convolution(work: Translation, layer: CaffeLayer) -> None:
    parameters, source = layer.parameters("convolution"), work.source(layer)
    given = {"out": _num_output(work, parameters), **_window(parameters, source)}
    has_bias = parameters.flag("bias_term", True)
    is_deep = layer.type == "DepthwiseConvolution" and not parameters.has("group")
    groups = source.shape[0] if is_deep else parameters.integer("group", 1)
    given |= {"groups": groups, "bias": has_bias, **training(work, layer, parameters, has_bias=has_bias)}
    if layer.type == "Deconvolution":
        if given.pop("dilation") != [1] * (len(source.shape) - 1):
            raise Unsayable("a Deconvolution with `dilation` has no counterpart.")
        _learned(work, layer, "conv_transpose", source, given)
    else:
        _learned(work, layer, "conv", source, given)


def _inner_product(work: Translation, layer: CaffeLayer) -> None:
    parameters = layer.parameters("inner_product")
    if parameters.integer("axis", 1) != 1:
        raise Unsayable("its `axis` is not 1.")
    has_bias = parameters.flag("bias_term", True)
    given: dict[str, object] = {"out": _num_output(work, parameters), "bias": has_bias}
    given |= training(work, layer, parameters, has_bias=has_bias)
    source = work.vector(layer, work.source(layer))
    is_transposed = parameters.flag("transpose", False)
    _learned(work, layer, "dense", source, given, form="transposed" if is_transposed else "plain")


def _learned(
    work: Translation,
    layer: CaffeLayer,
    kind: str,
    source: Placed,
    given: dict[str, object],
    *,
    form: RecipeForm = "plain",
) -> None:
    """A layer with weight and bias, or another use of one whose tensors have the same names."""
    key = f"{kind}:{'/'.join(layer.shared)}" if any(layer.shared) else ""
    owner = work.owners.get(key)
    if owner is not None:
        shared = work.text.share(layer.name, owner, source)
        work.names[layer.name] = shared
        work.gives(layer, shared)
        return
    placed = work.place(layer, kind, source, given)
    if key:
        work.owners[key] = placed
    tensors = ("weight", "bias") if given.get("bias") else ("weight",)
    paths = tuple(f"{placed.name}.{tensor}" for tensor in tensors)
    work.recipes.append(Recipe(layer.name, paths, form))
    work.gives(layer, placed)


def training(work: Translation, layer: CaffeLayer, parameters: Message, *, has_bias: bool) -> dict[str, object]:
    """Factors of rate and decay and first values, as the common arguments of a layer."""
    given: dict[str, object] = _factors(work, layer, has_bias=has_bias)
    weight = _filler(work, layer, parameters, "weight_filler")
    if weight is not None:
        given["init"] = weight
    if has_bias:
        bias = _filler(work, layer, parameters, "bias_filler")
        if bias is None and weight is not None:
            bias = Initialiser("zeros")
        if bias is not None:
            given["bias_init"] = bias
    return given


def _factors(work: Translation, layer: CaffeLayer, *, has_bias: bool) -> dict[str, object]:
    pairs = [*layer.multipliers[: 1 + has_bias]]
    if not pairs:
        return {}
    pairs += [(1.0, 1.0)] * (1 + has_bias - len(pairs))
    if all(rate == 0 for rate, _ in pairs):
        return {"frozen": True}
    given: dict[str, object] = {}
    for index, name in enumerate(("lr_mult", "decay_mult")):
        weight = pairs[0][index]
        given[name] = weight
        if has_bias and pairs[1][index] != weight:
            if weight == 0:
                work.note(layer, f"has `{name}` 0 for its weight alone; its bias gets 0, too.")
            else:
                given[f"bias_{name}"] = pairs[1][index] / weight
    return {name: value for name, value in given.items() if value != 1}


def _filler(work: Translation, layer: CaffeLayer, parameters: Message, name: str) -> Initialiser | None:
    if not parameters.has(name):
        return None
    filler = parameters.message(name)
    found = _initialiser(filler)
    if found is None:
        work.note(
            layer, f"fills by `{filler.text('type')[:32]}` in a way that cannot be said; the usual values are used."
        )
    return found


def _initialiser(filler: Message) -> Initialiser | None:
    kind, variance = filler.text("type", "constant"), filler.choice("variance_norm", _VARIANCES)
    if kind == "constant":
        value = filler.number("value", 0.0)
        return Initialiser("constant", (value,)) if value else Initialiser("zeros")
    if kind == "gaussian" and not filler.number("mean", 0.0):
        return Initialiser("normal", (filler.number("std", 1.0),))
    if kind == "uniform" and filler.number("min", 0.0) == -filler.number("max", 1.0):
        return Initialiser("uniform", (abs(filler.number("max", 1.0)),))
    if kind == "bilinear":
        return Initialiser("bilinear_kernel")
    if variance == "FAN_IN":
        return _FILLERS_BY_FAN_IN.get(kind)
    if (kind, variance) == ("xavier", "AVERAGE"):
        return Initialiser("xavier_uniform")
    return Initialiser("kaiming_normal", ("fan_out",)) if (kind, variance) == ("msra", "FAN_OUT") else None


def _batch_norm(work: Translation, layer: CaffeLayer) -> None:
    parameters, source = layer.parameters("batch_norm"), work.source(layer)
    given: dict[str, object] = {"eps": parameters.number("eps", 1e-5)}
    given["momentum"] = round(1 - parameters.number("moving_average_fraction", 0.999), 9)
    scale = _scale_after(work, layer)
    given["affine"] = scale is not None
    if scale is not None:
        given |= _factors(work, scale, has_bias=True)
    if parameters.flag("use_global_stats", False):
        work.note(layer, "keeps its statistics while it trains; here they follow the batches unless it is `frozen`.")
    placed = work.place(layer, "batch_norm", source, given)
    work.recipes.append(Recipe(layer.name, (f"{placed.name}.running_mean", f"{placed.name}.running_var"), "statistics"))
    if scale is not None:
        work.merged[scale.name] = placed
        work.recipes.append(Recipe(scale.name, (f"{placed.name}.weight", f"{placed.name}.bias")))
    work.gives(layer, placed)


def _scale_after(work: Translation, layer: CaffeLayer) -> CaffeLayer | None:
    """The Scale that alone reads a BatchNorm and has factors and shifts for its channels."""
    scale = work.only_reader(layer)
    if scale is None or scale.type != "Scale" or len(scale.bottoms) != 1:
        return None
    parameters = scale.parameters("scale")
    fits = parameters.flag("bias_term", False) and parameters.integer("axis", 1) == 1
    return scale if fits and parameters.integer("num_axes", 1) == 1 else None


def _scale(work: Translation, layer: CaffeLayer) -> None:
    parameters, sources = layer.parameters("scale"), work.inputs(layer)
    if layer.name in work.merged:
        work.names[layer.name] = work.merged[layer.name]
        work.gives(layer, sources[0])
        return
    if len(sources) == 2:
        _scale_by_layer(work, layer, sources)
        return
    if parameters.integer("axis", 1) != 1 or parameters.integer("num_axes", 1) != 1:
        raise Unsayable("it scales more than the channels.")
    has_bias = parameters.flag("bias_term", False)
    first = parameters.message("filler").number("value", 1.0 if not parameters.has("filler") else 0.0)
    given: dict[str, object] = {"init_value": first, "bias": has_bias, **_factors(work, layer, has_bias=has_bias)}
    _learned(work, layer, "scale", sources[0], given)


def _scale_by_layer(work: Translation, layer: CaffeLayer, sources: list[Placed]) -> None:
    values, factors = sources
    if factors.shape == values.shape[:1] and len(values.shape) > 1:
        shape = [*factors.shape, *(1 for _ in values.shape[1:])]
        factors = work.place(layer, "reshape", factors, {"shape": shape}, suffix="_factors")
    work.gives(layer, work.place(layer, "multiply", [values, factors]))


def _prelu(work: Translation, layer: CaffeLayer) -> None:
    parameters = layer.parameters("prelu")
    given: dict[str, object] = {"shared": parameters.flag("channel_shared", False)}
    given |= _factors(work, layer, has_bias=False)
    filler = _filler(work, layer, parameters, "filler")
    if filler is not None:
        given["init"] = filler
    _learned(work, layer, "prelu", work.source(layer), given)


def _normalize(work: Translation, layer: CaffeLayer) -> None:
    """SSD's: a length over the channels of each place, or over all values, and a learned factor."""
    parameters, source = layer.parameters("norm"), work.source(layer)
    values, about = source, {"eps": max(parameters.number("eps", 1e-10), 0.0)}
    is_whole = parameters.flag("across_spatial", True) and len(source.shape) > 1
    if is_whole:
        values = work.place(layer, "flatten", source, suffix="_flatten")
    values = work.place(layer, "normalize", values, about, suffix="_normal")
    if is_whole:
        values = work.place(layer, "reshape", values, {"shape": [*source.shape]}, suffix="_shape")
    first = parameters.message("scale_filler").number("value", 1.0)
    given: dict[str, object] = {"init_value": first, **_factors(work, layer, has_bias=False)}
    is_shared = parameters.flag("channel_shared", True)
    if is_shared:
        work.note(layer, "learns one factor for all channels; here each channel has its own, from the same value.")
    _learned(work, layer, "scale", values, given, form="filled" if is_shared else "plain")


TRANSLATORS: dict[str, Callable[[Translation, CaffeLayer], None]] = {
    "Convolution": _convolution,
    "DepthwiseConvolution": _convolution,
    "ConvolutionDepthwise": _convolution,
    "Deconvolution": _convolution,
    "InnerProduct": _inner_product,
    "BatchNorm": _batch_norm,
    "Scale": _scale,
    "PReLU": _prelu,
    "Normalize": _normalize,
}

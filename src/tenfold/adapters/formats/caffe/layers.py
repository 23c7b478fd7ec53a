"""The layers of a Caffe network in one form, whichever of Caffe's three syntaxes a file is written in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tenfold.adapters.formats.caffe.prototxt import Field, Message, Scalar, never, too_slow, unreadable

MAX_LAYERS = 4_000
_CAPITALISED_V1 = frozenset(
    [
        "ACCURACY",
        "CONCAT",
        "CONVOLUTION",
        "DATA",
        "DECONVOLUTION",
        "DROPOUT",
        "ELTWISE",
        "EXP",
        "FLATTEN",
        "POOLING",
        "POWER",
        "RESHAPE",
        "SIGMOID",
        "SILENCE",
        "SLICE",
        "SOFTMAX",
        "SPLIT",
        "THRESHOLD",
    ]
)
_RENAMED_V1 = {
    "ABSVAL": "AbsVal",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "DUMMY_DATA": "DummyData",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss",
    "IMAGE_DATA": "ImageData",
    "IM2COL": "Im2col",
    "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN",
    "RELU": "ReLU",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "TANH": "TanH",
    "WINDOW_DATA": "WindowData",
}
_V0 = {
    "conv": ("Convolution", "convolution_param"),
    "innerproduct": ("InnerProduct", "inner_product_param"),
    "pool": ("Pooling", "pooling_param"),
    "relu": ("ReLU", "relu_param"),
    "sigmoid": ("Sigmoid", "sigmoid_param"),
    "tanh": ("TanH", "tanh_param"),
    "bnll": ("BNLL", "bnll_param"),
    "dropout": ("Dropout", "dropout_param"),
    "lrn": ("LRN", "lrn_param"),
    "concat": ("Concat", "concat_param"),
    "flatten": ("Flatten", "flatten_param"),
    "split": ("Split", "split_param"),
    "softmax": ("Softmax", "softmax_param"),
    "softmax_loss": ("SoftmaxWithLoss", "loss_param"),
    "euclidean_loss": ("EuclideanLoss", "loss_param"),
    "accuracy": ("Accuracy", "accuracy_param"),
    "data": ("Data", "transform_param"),
    "images": ("ImageData", "transform_param"),
}
_RENAMED_V0 = {
    "kernelsize": "kernel_size",
    "biasterm": "bias_term",
    "meanfile": "mean_file",
    "cropsize": "crop_size",
    "batchsize": "batch_size",
}


@dataclass(frozen=True, kw_only=True)
class CaffeLayer:
    """A layer as it is written today; `multipliers` are its factors of rate and decay, tensor by tensor."""

    name: str
    type: str
    line: int
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    body: Message
    shared: tuple[str, ...] = ()
    multipliers: tuple[tuple[float, float], ...] = ()

    def parameters(self, name: str) -> Message:
        """The message of its own settings, as `convolution_param`."""
        return self.body.message(f"{name}_param")


def read_layers(network: Message, is_late: Callable[[], bool] = never) -> tuple[CaffeLayer, ...]:
    """All layers of a network in order, of every phase; raises `BadNetwork`, also when it gets late."""
    found: list[CaffeLayer] = []
    for field in network.fields:
        if field.name in {"layer", "layers"}:
            if not isinstance(field.value, Message):
                raise unreadable(field.line, f"`{field.name}` is a value, but holds fields in braces.")
            if len(found) == MAX_LAYERS:
                raise unreadable(field.line, f"There are more than {MAX_LAYERS:,} layers.")
            if is_late():
                raise too_slow(field.line)
            found.append(_layer(field.value, f"layer{len(found) + 1}"))
    return tuple(found)


def in_training(layers: Iterable[CaffeLayer], kept: frozenset[str] = frozenset()) -> tuple[CaffeLayer, ...]:
    """The layers that a network has while it trains, as their `include` and `exclude` say, and all of a `kept` type."""
    return tuple(layer for layer in layers if layer.type in kept or _is_in_training(layer.body))


def _is_in_training(body: Message) -> bool:
    if body.has("phase") and not body.has("include"):
        return body.choice("phase", ("TRAIN", "TEST")) == "TRAIN"
    included = body.messages("include")
    if included:
        return any(_fits_training(rule) for rule in included)
    return not any(_fits_training(rule) for rule in body.messages("exclude"))


def _fits_training(rule: Message) -> bool:
    phase = rule.choice("phase", ("TRAIN", "TEST")) == "TRAIN"
    stages = all(stage == "train" for stage in rule.texts("stage"))
    return phase and stages and "train" not in rule.texts("not_stage") and rule.integer("min_level", 0) <= 0


def _layer(message: Message, fallback: str) -> CaffeLayer:
    inner = message.messages("layer")
    if inner:
        return _from_v0(message, inner[-1], fallback)
    written = message.text("type")
    parameters = [field for field in message.fields if field.name == "param"]
    tensors = [field.value for field in parameters if isinstance(field.value, Message)]
    rates = [tensor.number("lr_mult", 1.0) for tensor in tensors] or message.numbers("blobs_lr")
    decays = [tensor.number("decay_mult", 1.0) for tensor in tensors] or message.numbers("weight_decay")
    names = [field.value.text for field in parameters if isinstance(field.value, Scalar)]
    return CaffeLayer(
        name=message.text("name", fallback),
        type=_today(written),
        line=message.line,
        bottoms=tuple(message.texts("bottom")),
        tops=tuple(message.texts("top")),
        body=message,
        shared=tuple(names or [tensor.text("name") for tensor in tensors]),
        multipliers=_paired(rates, decays),
    )


def _today(written: str) -> str:
    """The present name of a type; those of the second syntax are in capitals."""
    return written.capitalize() if written in _CAPITALISED_V1 else _RENAMED_V1.get(written, written)


def _paired(rates: list[float], decays: list[float]) -> tuple[tuple[float, float], ...]:
    count = max(len(rates), len(decays))
    missing = [1.0] * count
    return tuple(zip((rates + missing)[:count], (decays + missing)[:count], strict=True))


def _from_v0(outer: Message, inner: Message, fallback: str) -> CaffeLayer:
    written = inner.text("type")
    today, own = _V0.get(written, (written, "own_param"))
    settings = tuple(Field(_RENAMED_V0.get(item.name, item.name), item.value, item.line) for item in inner.fields)
    return CaffeLayer(
        name=inner.text("name", fallback),
        type=today,
        line=outer.line,
        bottoms=tuple(outer.texts("bottom")),
        tops=tuple(outer.texts("top")),
        body=Message(outer.line, (Field(own, Message(inner.line, settings), inner.line),)),
        multipliers=_paired(inner.numbers("blobs_lr"), inner.numbers("weight_decay")),
    )

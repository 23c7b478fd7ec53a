"""Layers of sequences and tokens: embeddings, attention, recurrence."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tenfold.core.networks.layers.kinds import (
    Argument,
    Arguments,
    LayerFault,
    LayerKind,
    Shape,
    Tokens,
    WeightRule,
    shape_text,
)
from tenfold.core.networks.limits import MAX_AXIS
from tenfold.core.networks.values import Initialiser

_ZEROS = Initialiser("zeros")
_SMALL = Initialiser("truncated_normal", (0.02,))
_XAVIER = Initialiser("xavier_uniform")


def _sequence(kind: str, shape: Shape, which: str = "its input") -> Shape:
    if len(shape) != 2:
        text = f"`{kind}` needs a sequence (channels x length), but {which} is {shape_text(shape)}."
        advice = " Put `to_sequence` before it." if len(shape) > 2 else ""
        raise LayerFault(f"{text}{advice}", code="network.rank")
    return shape


def _tokens(kind: str, shape: Shape) -> Tokens:
    if not isinstance(shape, Tokens):
        text = f"`{kind}` needs tokens, as `input text = tokens(1014, 71)` declares, but its input is"
        raise LayerFault(f"{text} {shape_text(shape)}.", code="network.tokens")
    return shape


# tokens


def _embedding_shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    return (arguments["out"], *_tokens("embedding", inputs[0]))


def _embedding_weights(arguments: Arguments, inputs: Sequence[Shape]) -> dict[str, WeightRule]:
    vocabulary = _tokens("embedding", inputs[0]).vocabulary
    return {"weight": WeightRule((vocabulary, arguments["out"]), Initialiser("normal", (1.0,)))}


def _one_hot_shape(_arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    tokens = _tokens("one_hot", inputs[0])
    return (tokens.vocabulary, *tokens)


# places


def _position_shape(_arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    return _sequence("position_embedding", inputs[0])


def _position_weights(_arguments: Arguments, inputs: Sequence[Shape]) -> dict[str, WeightRule]:
    return {"weight": WeightRule(inputs[0], _SMALL)}


def _class_token_shape(_arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    channels, length = _sequence("class_token", inputs[0])
    return (channels, length + 1)


def _class_token_weights(_arguments: Arguments, inputs: Sequence[Shape]) -> dict[str, WeightRule]:
    return {"weight": WeightRule(inputs[0][:1], _ZEROS)}


# attention


def _attention_shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    shape = _sequence("attention", inputs[0], "its first input")
    if len(inputs) > 1:
        _sequence("attention", inputs[1], "its second input")
    heads, channels = arguments["heads"], shape[0]
    if channels % heads:
        divisors = ", ".join(str(number) for number in range(1, min(channels, 64) + 1) if channels % number == 0)
        text = f"`heads` of `attention` is {heads}, but the input has {channels} channels: heads must divide it"
        raise LayerFault(f"{text} ({divisors}).", code="network.heads", argument="heads")
    return shape


def _attention_weights(arguments: Arguments, inputs: Sequence[Shape]) -> dict[str, WeightRule]:
    """One matrix for query, key and value of the input itself; two where keys and values come from a memory."""
    channels = inputs[0][0]
    parts = (
        {"qkv": (3 * channels, channels)}
        if len(inputs) == 1
        else {"query": (channels, channels), "key_value": (2 * channels, inputs[1][0])}
    )
    rules = {}
    for name, shape in {**parts, "out": (channels, channels)}.items():
        rules[f"{name}_weight"] = WeightRule(shape, _XAVIER)
        if arguments["bias"]:
            rules[f"{name}_bias"] = WeightRule(shape[:1], _ZEROS)
    return rules


def _attention_flops(_arguments: Arguments, inputs: Sequence[Shape], output: Shape) -> int:
    channels, length = output
    memory_channels, memory_length = inputs[-1]
    projected = 2 * channels * channels * length + 2 * channels * memory_channels * memory_length
    return 2 * (projected + 2 * channels * length * memory_length)


# recurrence


def _recurrent_shape(kind: str) -> Callable[[Arguments, Sequence[Shape]], Shape]:
    def shape(arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
        _, length = _sequence(kind, inputs[0])
        width = arguments["width"] * (2 if arguments["bidirectional"] else 1)
        return (width,) if arguments["result"] == "last" else (width, length)

    return shape


def _recurrent_weights(gates: int) -> Callable[[Arguments, Sequence[Shape]], dict[str, WeightRule]]:
    def weights(arguments: Arguments, inputs: Sequence[Shape]) -> dict[str, WeightRule]:
        width, directions = arguments["width"], ("", "_reverse")[: 2 if arguments["bidirectional"] else 1]
        initialiser = Initialiser("uniform", (1 / math.sqrt(width),))
        rules = {}
        for layer in range(arguments["layers"]):
            wide = inputs[0][0] if layer == 0 else width * len(directions)
            for direction in directions:
                shapes: dict[str, Shape] = {"weight_ih": (gates * width, wide), "weight_hh": (gates * width, width)}
                shapes |= {"bias_ih": (gates * width,), "bias_hh": (gates * width,)}
                for name, shape in shapes.items():
                    rules[f"{name}_l{layer}{direction}"] = WeightRule(shape, initialiser)
        return rules

    return weights


def _recurrent_flops(gates: int) -> Callable[[Arguments, Sequence[Shape], Shape], int]:
    def flops(arguments: Arguments, inputs: Sequence[Shape], _output: Shape) -> int:
        matrices = [rule.shape for rule in _recurrent_weights(gates)(arguments, inputs).values()]
        return 2 * inputs[0][1] * sum(math.prod(shape) for shape in matrices if len(shape) == 2)

    return flops


def _recurrent(name: str, gates: int, help: str) -> LayerKind:
    return LayerKind(
        name=name,
        help=help,
        arguments=(
            Argument(
                name="width", type="integer", required=True, minimum=1, maximum=65536, help="Size of the hidden state."
            ),
            Argument(name="layers", type="integer", default=1, minimum=1, maximum=64, help="How many are stacked."),
            Argument(
                name="bidirectional",
                type="boolean",
                default=False,
                help="Whether a second one reads from the end, its channels put behind the first's.",
            ),
            Argument(
                name="result",
                type="choice",
                default="sequence",
                choices=("sequence", "last"),
                help="Its state at every place, or the last state of each direction.",
            ),
        ),
        shape=_recurrent_shape(name),
        weights=_recurrent_weights(gates),
        flops=_recurrent_flops(gates),
    )


KINDS = (
    LayerKind(
        name="embedding",
        help="A learned vector for each token.",
        arguments=(
            Argument(
                name="out", type="integer", required=True, minimum=1, maximum=MAX_AXIS, help="Number of channels."
            ),
        ),
        takes_tokens=True,
        shape=_embedding_shape,
        weights=_embedding_weights,
    ),
    LayerKind(
        name="one_hot",
        help="A channel for each token of the vocabulary: 1 where it stands, else 0.",
        takes_tokens=True,
        shape=_one_hot_shape,
    ),
    LayerKind(
        name="position_embedding",
        help="Adds a learned vector for each place of a sequence.",
        shape=_position_shape,
        weights=_position_weights,
    ),
    LayerKind(
        name="class_token",
        help="Puts a learned vector before the first place of a sequence (Dosovitskiy 2020).",
        shape=_class_token_shape,
        weights=_class_token_weights,
    ),
    LayerKind(
        name="attention",
        help="Each place takes from all places, as queries meet keys (Vaswani 2017); `from a, memory` crosses.",
        arguments=(
            Argument(
                name="heads",
                type="integer",
                required=True,
                minimum=1,
                maximum=4096,
                help="How many attend in parallel.",
            ),
            Argument(name="bias", type="boolean", default=True, help="Whether its projections have biases."),
            Argument(
                name="dropout", type="number", default=0, minimum=0, below=1, help="Share of the weights dropped."
            ),
        ),
        max_inputs=2,
        shape=_attention_shape,
        weights=_attention_weights,
        flops=_attention_flops,
    ),
    _recurrent("lstm", 4, "Long short-term memory along a sequence (Hochreiter 1997)."),
    _recurrent("gru", 3, "Gated recurrent units along a sequence (Cho 2014)."),
)

"""How a kind of layer is declared: its arguments, and the rules for shapes, weights and floating-point operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from tenfold.core.networks.values import Initialiser

Shape: TypeAlias = tuple[int, ...]
MAX_SPATIAL = 3  # axes beside the channels that a window slides along: those of a volume


class Tokens(tuple[int, ...]):
    """The shape of an input that holds numbers of words or characters: its length, and how many there are of them."""

    vocabulary: int

    def __new__(cls, length: int, vocabulary: int) -> Tokens:
        shape = super().__new__(cls, (length,))
        shape.vocabulary = vocabulary
        return shape


Arguments: TypeAlias = Mapping[str, Any]  # Any: a value whose type its `Argument` declares
ArgumentType = Literal["integer", "number", "boolean", "choice", "sizes", "numbers", "padding", "initialiser"]


@dataclass(frozen=True)
class Remedy:
    """A quick fix that a rule proposes: a line `insert` before the layer, or a new `value` for one of its arguments."""

    insert: str = ""
    argument: str = ""
    value: str = ""


class LayerFault(Exception):
    """A layer does not fit its inputs.

    In `message`, `{0}`, `{1}` stand for the inputs with their lines; `argument` names the one at fault, if any.
    """

    def __init__(self, message: str, *, code: str, argument: str = "", remedies: Sequence[Remedy] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.argument = argument
        self.remedies = tuple(remedies)


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument of a kind.

    Without `default` and `same_as` it is required; `same_as` names the argument whose value it takes. `sizes` is one
    size or one for each axis, `numbers` one number or several; `padding` may also be `half`, `same` or one for each
    axis.
    """

    name: str
    type: ArgumentType
    help: str
    default: object = None
    required: bool = False
    same_as: str = ""
    minimum: float | None = None
    maximum: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()

    def range_text(self) -> str:
        if self.choices:
            return ", ".join(self.choices)
        low, high, below = (None if end is None else f"{end:.15g}" for end in (self.minimum, self.maximum, self.below))
        if low is not None and (high is not None or below is not None):
            return f"{low} to {high}" if high is not None else f"{low} to below {below}"
        return f"at least {low}" if low is not None else f"at most {high}"


@dataclass(frozen=True)
class WeightRule:
    """A tensor of a layer; what is not `trainable` is state, as running means are."""

    shape: Shape
    initialiser: Initialiser
    trainable: bool = True


def unchanged(_arguments: Arguments, inputs: Sequence[Shape]) -> Shape:
    """The shape of the (first) input."""
    return inputs[0]


def as_given(arguments: Arguments, _inputs: Sequence[Shape]) -> Arguments:
    """Arguments that need no resolution."""
    return arguments


def no_weights(_arguments: Arguments, _inputs: Sequence[Shape]) -> dict[str, WeightRule]:
    return {}


def no_flops(_arguments: Arguments, _inputs: Sequence[Shape], _output: Shape) -> int:
    """Nothing is multiplied and added."""
    return 0


@dataclass(frozen=True, kw_only=True)
class LayerKind:
    """A kind of layer.

    `resolve` gives the arguments in their final form (one size for each axis, padding as pairs); the other rules see
    those. A short form `stands_for` the kind that the graph names. `flops` counts 2 for each multiply-add, for one
    sample. All shapes are channels first, without the batch.
    """

    name: str
    help: str
    arguments: tuple[Argument, ...] = ()
    takes_tokens: bool = False
    min_inputs: int = 1
    max_inputs: int = 1
    stands_for: str = ""
    resolve: Callable[[Arguments, Sequence[Shape]], Arguments] = as_given
    shape: Callable[[Arguments, Sequence[Shape]], Shape] = unchanged
    weights: Callable[[Arguments, Sequence[Shape]], dict[str, WeightRule]] = no_weights
    flops: Callable[[Arguments, Sequence[Shape], Shape], int] = no_flops

    def argument(self, name: str) -> Argument | None:
        return next((item for item in self.arguments if item.name == name), None)


def shape_text(shape: Shape) -> str:
    """`64 x 56 x 56`."""
    return " x ".join(str(size) for size in shape)


def axes_text(shape: Shape) -> str:
    """What the axes of a shape are, in words."""
    names = {1: "features", 2: "channels x length", 3: "channels x height x width"}
    return names.get(len(shape), "channels x depth x height x width")


def per_axis(kind: str, argument: str, value: int | Sequence[int], axes: int) -> tuple[int, ...]:
    """One size for each axis, from one size or as many as there are axes."""
    if isinstance(value, int):
        return (value,) * axes
    if len(value) != axes:
        text = f"`{argument}` of `{kind}` has {len(value)} sizes, but the input has {axes} axes beside its channels."
        raise LayerFault(f"{text} Give one size, or {axes}.", code="network.axes", argument=argument)
    return tuple(value)


def spatial(kind: str, shape: Shape) -> Shape:
    """The axes beside the channels, one to three; a vector has none, which is a fault."""
    if len(shape) > MAX_SPATIAL + 1:
        text = f"`{kind}` needs an image, volume or sequence, but its input has {len(shape)} axes: {shape_text(shape)}."
        raise LayerFault(f"{text} Put `reshape` to at most {MAX_SPATIAL + 1} before it.", code="network.rank")
    if len(shape) < 2:
        text = f"`{kind}` needs an image, volume or sequence, but its input is a vector of {shape[0]}."
        raise LayerFault(f"{text} Put it before `flatten`.", code="network.rank")
    return shape[1:]

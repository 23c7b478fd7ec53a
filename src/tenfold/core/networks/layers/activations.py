"""Activation functions: `activation(kind)` and the short form of each."""

from __future__ import annotations

from collections.abc import Sequence

from tenfold.core.networks.layers.kinds import Argument, Arguments, LayerKind, Shape, WeightRule
from tenfold.core.networks.values import Initialiser

FUNCTIONS = {
    "relu": "max(0, x).",
    "relu6": "max(0, x), at most 6.",
    "leaky_relu": "x, or `slope` times x where x is negative.",
    "elu": "x, or exp(x) - 1 where x is negative.",
    "selu": "A scaled elu that keeps mean and deviation (Klambauer 2017).",
    "gelu": "x times the normal distribution function of x (Hendrycks 2016).",
    "silu": "x times sigmoid(x), also called swish.",
    "mish": "x times tanh(softplus(x)).",
    "hardswish": "x times relu6(x + 3) / 6.",
    "hardsigmoid": "relu6(x + 3) / 6.",
    "sigmoid": "1 / (1 + exp(-x)).",
    "tanh": "The hyperbolic tangent.",
    "softplus": "log(1 + exp(x)).",
    "abs": "x without its sign.",
    "softmax": "Exponentials of the channels, divided by their sum.",
    "log_softmax": "The logarithm of softmax.",
    "identity": "The input unchanged.",
}
_SLOPE = Argument(
    name="slope",
    type="number",
    default=0.01,
    minimum=-10,
    maximum=10,
    help="Slope of `leaky_relu` where x is negative.",
)


def _normal_form(arguments: Arguments, _inputs: Sequence[Shape]) -> Arguments:
    """Without the slope where the function has none, so that equal layers have equal arguments."""
    kind = arguments["kind"]
    return {"kind": kind, "slope": arguments["slope"]} if kind == "leaky_relu" else {"kind": kind}


def _short_form(name: str) -> LayerKind:
    def resolve(arguments: Arguments, inputs: Sequence[Shape]) -> Arguments:
        return _normal_form({"kind": name, **arguments}, inputs)

    return LayerKind(
        name=name,
        stands_for="activation",
        help=FUNCTIONS[name],
        arguments=(_SLOPE,) if name == "leaky_relu" else (),
        resolve=resolve,
    )


def _prelu_weights(arguments: Arguments, inputs: Sequence[Shape]) -> dict[str, WeightRule]:
    slopes = (1,) if arguments["shared"] else inputs[0][:1]
    return {"weight": WeightRule(slopes, Initialiser("constant", (0.25,)))}


KINDS = (
    LayerKind(
        name="activation",
        help="An activation function, chosen by name.",
        arguments=(
            Argument(name="kind", type="choice", required=True, choices=tuple(FUNCTIONS), help="The function."),
            _SLOPE,
        ),
        resolve=_normal_form,
    ),
    *(_short_form(name) for name in FUNCTIONS),
    LayerKind(
        name="prelu",
        help="x, or a learned slope times x where x is negative (He 2015).",
        arguments=(
            Argument(name="shared", type="boolean", default=False, help="Whether all channels have one slope."),
        ),
        weights=_prelu_weights,
    ),
)

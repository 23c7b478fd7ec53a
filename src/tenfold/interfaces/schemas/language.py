"""The vocabulary of the network language as data, for the editor's completion and help."""

from __future__ import annotations

from functools import cache
from typing import Any

from tenfold.core.networks.evaluator import FUNCTION_NAMES
from tenfold.core.networks.expression_parser import RESERVED
from tenfold.core.networks.initialisers import INITIALISERS
from tenfold.core.networks.layers.kinds import Argument
from tenfold.core.networks.values import Word, shown
from tenfold.core.networks.vocabulary import COMMON_ARGUMENTS, INPUT_KINDS, LAYERS, OUTPUT_ARGUMENTS

STATEMENTS = {
    "language": "The version of the language, on the first line.",
    "network": 'The name of the network and its title: network lenet "LeCun 1998".',
    "param": "A parameter that the form of a run shows: param width = 20 in 1..512.",
    "let": "A value with a name.",
    "input": "What goes in: input image = image(1, 28, 28).",
    "output": "What comes out: the layer above, or one named by from.",
    "default": "Arguments of a kind of layer, for the whole file: default conv(bias=false).",
    "block": "Layers with a name, used like a layer: block unit(width) { ... }.",
    "pretrained": "Where weights come from, and the layers they cover: catalogue:NAME, model:NAME, upload:ID, "
    "hub:OWNER/REPO@REVISION or folder:NAME.",
    "renamed": "A path of weights that has moved: renamed OLD to NEW.",
    "from": "The layers above that this one reads, in place of the line above.",
    "repeat": "So many copies, one after another: layer2.0, layer2.1, ...",
    "when": "Bypasses the layer where it is false.",
    "share": "The same layer again with the same weights: share(left) from image_b.",
}


@cache
def vocabulary() -> dict[str, Any]:
    """Kinds of layers with their arguments, kinds of inputs, functions, and words of statements with their help."""
    return {
        "layers": {
            kind.name: {"help": kind.help, "arguments": [_argument(each) for each in kind.arguments]}
            for kind in LAYERS.values()
        },
        "common": [_argument(each) for each in COMMON_ARGUMENTS],
        "output": [_argument(each) for each in OUTPUT_ARGUMENTS],
        "inputs": {name: list(axes) for name, axes in INPUT_KINDS.items()},
        "functions": sorted(FUNCTION_NAMES),
        "initialisers": sorted(INITIALISERS),
        "statements": STATEMENTS,
        "reserved": sorted(RESERVED),
    }


def default_text(declared: Argument) -> str:
    """The default as the language writes it; empty where there is none."""
    default = declared.default
    return "" if default is None else shown(Word(default) if isinstance(default, str) else default)


def _argument(declared: Argument) -> dict[str, Any]:
    is_bounded = declared.choices or declared.minimum is not None or declared.maximum is not None
    return {
        "name": declared.name,
        "type": declared.type,
        "help": declared.help,
        "required": declared.required,
        "default": default_text(declared),
        "choices": list(declared.choices),
        "allowed": declared.range_text() if is_bounded else "",
    }

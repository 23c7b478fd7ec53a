"""The reference of the network language, from the tables that the parser reads."""

from __future__ import annotations

from collections.abc import Iterable

from tenfold.core.networks import limits
from tenfold.core.networks.analysis import LANGUAGE
from tenfold.core.networks.evaluator import SHAPE_FUNCTIONS, USAGE
from tenfold.core.networks.initialisers import INITIALISERS
from tenfold.core.networks.layers.kinds import Argument, LayerKind
from tenfold.core.networks.vocabulary import COMMON_ARGUMENTS, INPUT_KINDS, LAYERS, OUTPUT_ARGUMENTS
from tenfold.interfaces.schemas.language import STATEMENTS, default_text
from tenfold.interfaces.web.formatting import count
from tenfold.interfaces.web.views.language import ArgumentEntry, LanguagePage, LayerEntry

EXAMPLE = """\
language 1
network small "Two stages and a classifier"
param classes = 10 in 2..100000
param width   = 16 in 4..256  "Filters of the first stage."
input image = image(1, 28, 28)

first = stage(width)
second = stage(2 * width) repeat 2
global_avg_pool
fc = dense(classes)
output logits

block stage(out) {
  conv = conv(out, 3, pad=half, bias=false)
  bn = batch_norm
  short = conv(out, 1) from input when channels(input) != out
  add from bn, short
  relu
}
"""


def language_page() -> LanguagePage:
    """All words, layers and limits."""
    shapes = ", ".join(f"{name}(layer)" for name in SHAPE_FUNCTIONS)
    return LanguagePage(
        number=LANGUAGE,
        example=EXAMPLE,
        statements=tuple(STATEMENTS.items()),
        inputs=tuple((name, f"{name}({', '.join(axes)})") for name, axes in INPUT_KINDS.items()),
        layers=tuple(_layer(kind) for kind in LAYERS.values()),
        common=tuple(_arguments(COMMON_ARGUMENTS)),
        outputs=tuple(_arguments(OUTPUT_ARGUMENTS)),
        functions=(
            *(usage.replace("`", "") for usage in USAGE.values()),
            f"{shapes}: sizes of a layer above",
            "any(512), as a size of an input: it may differ at run time, and figures are told for this one",
        ),
        initialisers=tuple(
            (f"{name}({kind.usage()})" if kind.arguments else name, kind.help) for name, kind in INITIALISERS.items()
        ),
        limits=_limits(),
    )


def _layer(kind: LayerKind) -> LayerEntry:
    needed = ", ".join(each.name for each in kind.arguments if each.required)
    sources = {1: "", 2: " from a, b", 3: " from a, b, c"}[kind.min_inputs]
    usage = f"{kind.name}{f'({needed})' if needed else ''}{sources}"
    return LayerEntry(
        name=kind.name, usage=usage, help=kind.help.replace("`", ""), arguments=_arguments(kind.arguments)
    )


def _arguments(declared: Iterable[Argument]) -> tuple[ArgumentEntry, ...]:
    return tuple(
        ArgumentEntry(
            name=each.name,
            default=each.same_as or default_text(each),
            allowed=_allowed(each),
            help=each.help.replace("`", ""),
            is_needed=each.required,
        )
        for each in declared
    )


def _allowed(declared: Argument) -> str:
    words = {
        "boolean": "true, false",
        "sizes": "a number, or one for each axis: ",
        "numbers": "a number or a list: ",
        "padding": "half, same, a number, or one for each axis",
        "initialiser": "an initialiser",
    }.get(declared.type, "")
    is_bounded = declared.choices or declared.minimum is not None or declared.maximum is not None
    return words + declared.range_text() if is_bounded and declared.type != "padding" else words.rstrip(": ")


def _limits() -> tuple[tuple[str, str], ...]:
    return (
        ("text", f"{limits.MAX_TEXT_BYTES // 1024} kB"),
        ("layers, once blocks and repeats are expanded", count(limits.MAX_LAYERS)),
        ("copies of a repeat", count(limits.MAX_REPEAT)),
        ("blocks in blocks", count(limits.MAX_BLOCK_DEPTH)),
        ("brackets in brackets", count(limits.MAX_BRACKETS)),
        ("values of a list", count(limits.MAX_LIST)),
        ("characters of a name", count(limits.MAX_NAME_LENGTH)),
        ("size of an axis", "2^24"),
        ("values of one output", "2^31"),
        ("parameters", "10^12"),
    )

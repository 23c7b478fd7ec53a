"""Network texts, broken in ways that somebody who types breaks them."""

# ruff: noqa: E501 (tables of texts)

import random
from pathlib import Path

SOURCES = [
    *Path(__file__).parent.joinpath("texts").glob("*.network"),
    *Path(__file__).parents[3].joinpath("src/tenfold/core/networks/catalogue").glob("*.network"),
]
FRAGMENTS = [
    "(", ")", "[", "]", "{", "}", ",", ".", "..", "=", "==", '"', "#", "\n", "  ", "-", "/ 0", "// 0", "% 0", "0",
    "-1", "1e308", "1e308 * 10", "9007199254740993", "0.5", "true", "none", "[1, 2]", "[]", "[[1]]", "[relu, 2]",
    "from", "from input", "when", "when false", "when 3", "repeat", "repeat 0", "repeat 1000", "repeat 2", "in",
    "in 1..2", "in [1, 2]", "in [[1]]", "in []", "step 0", "share(conv1)", "share(left)", "share",
    "channels(input)", "any(8)", "any(image)", "channels()", "size(image)", "min()", "min([])", "max(1, none)", "round_to(1, 0)",
    "round_to(7, 8)", "sum([1])", "len(3)", "floor(1e300)", "normal(-1)", "init=normal", "init=zeros", "frozen=3",
    "lr_mult=-1", "same", "half", "pad=same", "pad=[1, 2]", "groups=0", "stride=0", "kernel=[3]", "index", "count",
    "block b() {", "block b(x) from a, b {", "param p = 1", "let v = 2", "input x = vector(3)", "output y", "é",
    "\x00", "\t", "\r", "layer1.0", "layer1.9", ".5", "or", "not", "if true else 2", "language 2", 'pretrained "x"',
    "renamed a to b", "default conv(bias=1)",
]  # fmt: skip


def mutate(text: str, rng: random.Random) -> str:
    for _ in range(rng.choice((1, 1, 1, 2, 4, 8))):
        start = rng.randrange(len(text) + 1)
        length = rng.choice((0, 1, 1, 2, 5, 20, 80))
        kind = rng.random()
        if kind < 0.5:
            text = text[:start] + rng.choice(FRAGMENTS) + text[start + rng.choice((0, length)) :]
        elif kind < 0.7:
            text = text[:start] + text[start + length :]
        elif kind < 0.85:
            lines = text.split("\n")
            one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[one], lines[two] = lines[two], lines[one]
            text = "\n".join(lines)
        else:
            words = text.split(" ")
            words[rng.randrange(len(words))] = rng.choice(words)
            text = " ".join(words)
    return text

"""No text, however broken or hostile, raises a Python exception or holds the server up."""

# ruff: noqa: E501 (tables of texts)

import random
import time
from pathlib import Path

import pytest

from tenfold.core.networks.analysis import analyse

SOURCES = [
    *Path(__file__).parent.joinpath("texts").glob("*.network"),
    *Path(__file__).parents[3].joinpath("src/tenfold/core/networks/catalogue").glob("*.network"),
]
FRAGMENTS = [
    "(", ")", "[", "]", "{", "}", ",", ".", "..", "=", "==", '"', "#", "\n", "  ", "-", "/ 0", "// 0", "% 0", "0",
    "-1", "1e308", "1e308 * 10", "9007199254740993", "0.5", "true", "none", "[1, 2]", "[]", "[[1]]", "[relu, 2]",
    "from", "from input", "when", "when false", "when 3", "repeat", "repeat 0", "repeat 1000", "repeat 2", "in",
    "in 1..2", "in [1, 2]", "in [[1]]", "in []", "step 0", "share(conv1)", "share(left)", "share",
    "channels(input)", "channels()", "size(image)", "min()", "min([])", "max(1, none)", "round_to(1, 0)",
    "round_to(7, 8)", "sum([1])", "len(3)", "floor(1e300)", "normal(-1)", "init=normal", "init=zeros", "frozen=3",
    "lr_mult=-1", "same", "half", "pad=same", "pad=[1, 2]", "groups=0", "stride=0", "kernel=[3]", "index", "count",
    "block b() {", "block b(x) from a, b {", "param p = 1", "let v = 2", "input x = vector(3)", "output y", "é",
    "\x00", "\t", "\r", "layer1.0", "layer1.9", ".5", "or", "not", "if true else 2", "language 2", 'pretrained "x"',
    "renamed a to b", "default conv(bias=1)",
]  # fmt: skip


def second_of_a_usual_machine() -> float:
    """A second, longer on a machine that just now needs more than 15 ms to add up a million numbers: of ten, the worst."""
    spent = []
    for _ in range(10):
        begin = time.process_time()
        sum(range(1_000_000))
        spent.append(time.process_time() - begin)
    return max(1.0, max(spent) / 0.015)


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


def fuzz(count: int, seed: int) -> float:
    """The slowest of `count` mutated texts, in CPU seconds; any exception passes through."""
    rng = random.Random(seed)
    texts = [path.read_text() for path in SOURCES]
    slowest = 0.0
    for _ in range(count):
        text = mutate(rng.choice(texts), rng)
        begin = time.process_time()
        try:
            analysis = analyse(text)
            assert analysis.ok == (not analysis.problems)
            if analysis.graph is not None:
                analysis.graph.identity()
            for problem in analysis.problems:
                assert 0 <= problem.start <= problem.end <= len(text)
                assert problem.line >= 1
        except Exception as error:
            error.add_note(f"text:\n{text}")
            raise
        slowest = max(slowest, time.process_time() - begin)
    return slowest


def test_mutated_texts_give_problems_and_never_exceptions():
    assert fuzz(250, seed=1) < second_of_a_usual_machine()


@pytest.mark.campaign
def test_mutated_texts_in_long_form():
    assert fuzz(20_000, seed=2) < second_of_a_usual_machine()


HEAD = "network n\ninput image = image(3, 64, 64)\n"
NESTED_BLOCKS = (
    "".join(f"block b{i}() {{\n  x = b{i + 1}() repeat 1000\n}}\n" for i in range(15))
    + "block b15() {\n  relu when false\n}\n"
)
HOSTILE = {
    "brackets": HEAD + "let v = " + "(" * 6000,
    "closed brackets": HEAD + "let v = " + "(" * 6000 + "1" + ")" * 6000,
    "minus signs": HEAD + "let v = " + "-" * 100_000 + "1",
    "nots": HEAD + "let v = " + "not " * 50_000 + "true",
    "sums": HEAD + "let v = " + "1 + " * 50_000 + "1",
    "conditions": HEAD + "let v = " + "1 if true else " * 10_000 + "1",
    "indices": HEAD + "let v = [1]" + "[0]" * 50_000,
    "long list": HEAD + "let v = [" + "1, " * 80_000 + "1]",
    "a megabyte": HEAD + "relu\n" * 200_000,
    "many layers": HEAD + "relu\n" * 50_000,
    "many convolutions": HEAD + "".join(f"c{i} = conv(3, 1)\n" for i in range(10_500)),
    "repeats of repeats": HEAD + "x = b0()\noutput y\n" + NESTED_BLOCKS,
    "repeats of layers": HEAD + "x = b() repeat 1000\noutput y\nblock b() {\n  y = c() repeat 1000\n}\nblock c() {\n  relu\n}\n",
    "recursion": HEAD + "x = b()\nblock b() {\n  y = b()\n}\n",
    "comments in a bracket": HEAD + "x = conv(\n" + "#\n" * 120_000,
    "blank lines in a bracket": HEAD + "x = conv(\n" + "\n" * 250_000,
    "long name": HEAD + "a" * 250_000 + " = relu\n",
    "long number": HEAD + "let v = " + "9" * 250_000,
    "long text": HEAD + 'let v = "' + "x" * 250_000,
    "unknown words": HEAD + "".join(f"unknown_layer_{i}(2)\n" for i in range(9_000)),
    "unknown references": HEAD + "".join(f"a{i} = relu\n" for i in range(9000)) + "".join(f"relu from b{i}\n" for i in range(5000)),
    "wide joins": HEAD + ("concat from " + "image, " * 4000 + "image\n") * 7,
    "doubling": HEAD + "concat from image, image\n" * 60,
    "powers": HEAD + "let a0 = 2\n" + "".join(f"let a{i + 1} = a{i} * a{i}\n" for i in range(200)),
    "lists of lists": HEAD + "let a = [1]\n" + "let a = [a, a, a]\n" * 50,
    "huge channels": HEAD + "a = conv(16777216, 1)\nb = conv(16777216, 1)\noutput y\n",
    "huge window": HEAD + "max_pool(9007199254740991)\noutput y\n",
    "generated names": HEAD + "relu from image\n" * 9_000,
    "open blocks": HEAD + "block b() {\n" * 20_000,
    "stray braces": HEAD + "}\n" * 100_000,
    "carriage returns": HEAD + "\r" * 250_000,
    "nul bytes": HEAD + "\x00" * 250_000,
    "quotes": HEAD + '"' * 250_000,
    "accents": HEAD + "é" * 120_000,
    "long sums of lists": HEAD + "let l = [" + "1, " * 4000 + "1]\n" + "".join(f"let s{i} = sum(l)\n" for i in range(8000)),
}  # fmt: skip


LONG_FORM = {
    "a megabyte",
    "blank lines in a bracket",
    "generated names",
    "long list",
    "many layers",
    "repeats of layers",
    "stray braces",
    "unknown words",
}
CASES = [
    pytest.param(text, id=name, marks=[pytest.mark.campaign] if name in LONG_FORM else [])
    for name, text in HOSTILE.items()
]


@pytest.mark.parametrize("text", CASES)
def test_hostile_text_is_refused_in_time(text):
    begin = time.process_time()
    analysis = analyse(text)
    assert analysis.problems
    assert len(analysis.problems) <= 50
    assert time.process_time() - begin < 2 * second_of_a_usual_machine()  # twice: what blows up takes ten times as long


def test_a_deadline_that_has_passed_ends_the_analysis():
    begin = time.perf_counter()
    analysis = analyse(HEAD + "relu\n" * 9_000 + "output y\n", is_late=lambda: time.perf_counter() - begin > 0.02)
    assert "takes too long" in analysis.problems[0].message

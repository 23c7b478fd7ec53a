"""No text, however broken or hostile, raises a Python exception or holds the server up."""

# ruff: noqa: E501 (tables of texts)

import random
import time

import pytest
from unit.networks.mutations import SOURCES, mutate

from tenfold.core.networks.analysis import analyse


def second_of_a_usual_machine() -> float:
    """A second, longer on a machine that just now needs more than 15 ms to add up a million numbers: of ten, the worst."""
    spent = []
    for _ in range(10):
        begin = time.process_time()
        sum(range(1_000_000))
        spent.append(time.process_time() - begin)
    return max(1.0, max(spent) / 0.015)


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
    "infinite rounding": HEAD + "let v = round_to(1.7e308, 1.7e308)\nrelu\noutput y\n",
    "infinite steps": HEAD + "param v = 5 in 0..10 step 1e-320\nc = conv(v, 3)\noutput y\n",
    "infinite range": HEAD + "param v = 1e308 in -1e308..1e308 step 1\nc = conv(3, v)\noutput y\n",
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
    assert time.process_time() - begin < 4 * second_of_a_usual_machine()  # what blows up takes ten times as long


def test_a_deadline_that_has_passed_ends_the_analysis():
    begin = time.perf_counter()
    analysis = analyse(HEAD + "relu\n" * 9_000 + "output y\n", is_late=lambda: time.perf_counter() - begin > 0.02)
    assert "takes too long" in analysis.problems[0].message

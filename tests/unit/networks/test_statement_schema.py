"""The published schema of the statement model: every text fits it, and what is not a statement model does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.core.networks import syntax
from tenfold.core.networks.parser import parse
from tenfold.core.networks.statement_schema import statement_schema

TEXTS = {entry.name: entry.text for entry in read_catalogue()}
ALL = """language 1
network all "every statement" # beside
param width = 8 in 1..64 step 8 "Filters."
param kind = relu in [relu, tanh]
let twice = 2 * width
default conv(bias=false)
input x = image(3, 8, any(8))
pretrained "catalogue:resnet18"(skip=["fc"]) from a, b
a = unit(width, size=twice) from x repeat 2 when width > 4
renamed old.conv to a.conv
relu
b = share(a) from x
add from a, b
output y (weight=0.5) from b when true
output z

block unit(out, size = 3 in 1..9) {
  # above
  c = conv(out, [3, 3], pad=half if out > 1 else 0)
}
torn = conv(3) for y
"""


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = statement_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def as_data(text: str) -> Any:
    return json.loads(json.dumps(parse(text).to_json()))


@pytest.mark.parametrize("name", TEXTS)
def test_the_catalogue_fits(validator: Draft202012Validator, name: str) -> None:
    validator.validate(as_data(TEXTS[name]))


def test_every_statement_fits(validator: Draft202012Validator) -> None:
    document = as_data(ALL)
    validator.validate(document)
    assert document["problems"]
    kinds = {each["kind"] for each in document["statements"]}
    assert kinds == {syntax.kind_name(kind) for kind in syntax.Statement.__subclasses__()}


@given(st.lists(st.sampled_from([*ALL.splitlines(), "}", "x = ", "{", "\u202e", "pretrained"]), max_size=12))
def test_whatever_is_written_fits(validator: Draft202012Validator, lines: list[str]) -> None:
    validator.validate(as_data("\n".join(lines)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.update(model=2),
        lambda document: document.pop("text"),
        lambda document: document["statements"][0].update(kind="import"),
        lambda document: document["statements"][0].update(number="1"),
        lambda document: document["statements"][1].update(command="rm"),
        lambda document: document["statements"][1]["name"].update(span=[1]),
        lambda document: document["statements"][2]["comments"].append("words"),
        lambda document: document["problems"].append({"line": 1}),
    ],
)
def test_what_is_not_a_statement_model_does_not_fit(validator: Draft202012Validator, spoil: Any) -> None:
    document = as_data(TEXTS["lenet"])
    validator.validate(document)
    spoil(document)
    assert not validator.is_valid(document)

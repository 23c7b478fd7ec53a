"""The text format: what is read, and what is refused with its line."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold.adapters.formats.caffe.prototxt import MAX_BYTES, MAX_DEPTH, MAX_FIELDS, Message, read_prototxt
from tenfold.core.errors import BadNetwork


def test_every_form_of_a_field_is_read() -> None:
    text = """# a comment
name: "two" 'parts\\x41\\101\\n'   # and another
layer { dims: [1, 2, 3] dims: 4; flag: true, }
layer: < rate: 1e-05 mode: MAX >
"""
    whole = read_prototxt(text)
    assert whole.text("name") == "twopartsAA\n"
    first, second = whole.messages("layer")
    assert first.integers("dims") == [1, 2, 3, 4]
    assert first.flag("flag", False) is True
    assert second.number("rate", 0.0) == 1e-5
    assert second.choice("mode", ("AVE", "MAX")) == "MAX"
    assert (first.line, second.line) == (3, 4)
    assert second.message("absent").texts("anything") == []


def test_a_list_may_hold_messages_and_nothing() -> None:
    whole = read_prototxt("a: [{b: 1}, {b: 2}] c: []")
    assert [item.integer("b", 0) for item in whole.messages("a")] == [1, 2]
    assert not whole.has("c")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb {\n c: 1\n", 2, "never closed"),
        ('a: 1\nb: "open\n', 2, "never closed"),
        ("a: 1\n}", 2, "field's name"),
        ("a 1", 1, "colon"),
        ("a:\n\n:", 3, "colon"),
        ("a: [1 2]", 1, "list of `a`"),
        ("a: {b: 1>", 1, "field's name"),
        ("a: $(rm)", 1, "no meaning"),
        ("\n[x.y]: 3", 2, "field's name"),
    ],
)
def test_wrong_text_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(BadNetwork, match=words) as caught:
        read_prototxt(text)
    assert caught.value.values["line"] == line


@pytest.mark.parametrize("value", ["abc", "1_000", "nan", "inf", "1e400", "0x10", "9" * 5000])
def test_what_is_no_number_is_refused_when_it_is_asked_for(value: str) -> None:
    whole = read_prototxt(f"a {{ size: {value} }}").message("a")
    with pytest.raises(BadNetwork, match="Line 1: `size`"):
        whole.integer("size", 0)


def test_numbers_words_and_messages_are_not_mistaken_for_each_other() -> None:
    whole = read_prototxt("a: 1 b { c: 1.5 d: 7 }")
    with pytest.raises(BadNetwork, match="is a value"):
        whole.messages("a")
    with pytest.raises(BadNetwork, match="braces"):
        whole.text("b")
    with pytest.raises(BadNetwork, match="whole number"):
        whole.message("b").integer("c", 0)
    with pytest.raises(BadNetwork, match="allowed are X, Y"):
        whole.message("b").choice("d", ("X", "Y"))
    with pytest.raises(BadNetwork, match="true and false"):
        whole.message("b").flag("d", False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1 " * MAX_BYTES, "bytes"),
        ("a{" * (MAX_BYTES // 2), f"{MAX_DEPTH} deep"),
        ("a:[" + "0," * (MAX_FIELDS + 1), "fields"),
        ('a:"' + "\\" * (MAX_BYTES - 4), "never closed"),
        ("a:" + '""' * (MAX_BYTES // 2 - 2) + "}", "words and signs"),
        ("<" * (MAX_BYTES - 1), "field's name"),
    ],
    ids=["long", "deep", "many", "string", "strings", "signs"],
)
def test_hostile_text_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(BadNetwork, match=words):
        read_prototxt(text)


@given(st.text(alphabet="ab1:{}<>[],;\"'\\#\n -.\x00é", max_size=60))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    with contextlib.suppress(BadNetwork):
        assert isinstance(read_prototxt(text), Message)

"""What texts are read as labels and weights, and what is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenfold.core.datasets.class_names import class_name_of
from tenfold.core.datasets.label_texts import (
    join_classes,
    labelled,
    read_classes,
    read_number,
    read_weight,
    split_classes,
    write_classes,
)
from tenfold.core.datasets.model import RejectedFile
from tenfold.core.datasets.ports import Note, Skipped, SourceFile

names = st.text(min_size=1, max_size=8).filter(lambda text: class_name_of(text) == text)


@pytest.mark.parametrize(
    ("text", "number"),
    [("3", 3), (" -2.5 ", -2.5), ("+.5", 0.5), ("1e3", 1000), ("7.", 7), ("-0", 0), ("1E-400", 0)],
)
def test_numbers_as_programs_write_them(text, number):
    assert read_number(text) == number
    assert math.copysign(1, read_number(text)) == math.copysign(1, number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nan",
        "inf",
        "-Infinity",
        "1e999",
        "3,5",
        "1_000",
        "0x10",
        "٣",
        "³",
        "3 4",
        "12px",
        "1" * 61,
        "\0",
        "--1",
        "e5",
    ],
)
def test_what_is_no_number(text):
    assert read_number(text) is None
    assert read_weight(text) is None


@pytest.mark.parametrize("text", ["0", "-1", "1e-60", "1e39", "0.0"])
def test_what_is_no_weight(text):
    assert read_weight(text) is None


@given(st.floats(2.0**-149, 2.0**127, width=32))
def test_a_weight_is_what_32_bits_hold(weight):
    assert read_weight(repr(weight)) == weight


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sea|wood", ("sea", "wood")),
        ("wood ; sea;", ("sea", "wood")),
        ("sea|sea", ("sea",)),
        ("", ()),
        (" | ", ()),
        ('["a|b", "c"]', ("a|b", "c")),
        ("[]", ()),
        ("[no list", ("[no list",)),
        ("['a', 'b']", ("['a', 'b']",)),
        ("[1, 2]", ("[1, 2]",)),
        ("a\tb|c", None),
        ('["a", "\\u0000"]', None),
        ('["", "a"]', None),
        ("x" * 501, None),
    ],
)
def test_classes_are_parted_by_strokes_or_listed(text, found):
    assert read_classes(text) == found


@given(st.lists(names, unique=True, max_size=5))
def test_sets_of_classes_come_back(given_names):
    assert set(split_classes(join_classes(given_names))) == set(given_names)
    assert read_classes(write_classes(sorted(given_names))) == tuple(sorted(given_names))


def test_a_deeply_nested_list_is_no_list():
    assert read_classes("[" * 200) == ("[" * 200,)
    assert read_classes("[" * 100_000) is None


def test_sources_that_tell_a_class_alone_are_read_by_its_text():
    files = [SourceFile("25/a.png", "25", "train"), SourceFile("old/b.png", "old"), Skipped("x"), Note("y")]
    first, second, *rest = labelled(files, "number")
    assert first == SourceFile("25/a.png", "", "train", value=25.0)
    assert isinstance(second, RejectedFile)
    assert (second.path, second.code) == ("old/b.png", "label.number")
    assert "'old' is no number" in second.message
    assert rest == files[2:]
    assert list(labelled(files, "order")) == files
    several = list(labelled([SourceFile("a.png", "x|y"), SourceFile("b.png", "x|\x07")], "classes"))
    assert several[0] == SourceFile("a.png", "", classes=("x", "y"))
    assert isinstance(several[1], RejectedFile)

"""A dataset specification is checked field by field and between fields."""

import pytest

from tenfold.core.datasets.model import ImageFacts
from tenfold.core.datasets.sizing import decide_size
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import InvalidFields
from tenfold.core.fields import fields_of, parse_spec, spec_values


def test_defaults_are_valid_and_survive_a_round_trip():
    spec = parse_spec(DatasetSpec, {})
    assert spec == DatasetSpec()
    assert parse_spec(DatasetSpec, spec_values(spec)) == spec


def test_every_field_has_label_help_and_group():
    for field in fields_of(DatasetSpec):
        assert field.label, field.name
        assert len(field.help) > 20, field.name
        assert field.group, field.name


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"width": 28}, "height", "or neither"),
        ({"height": 28}, "width", "or neither"),
        ({"validation_share": 60, "test_share": 31}, "test_share", "91 %"),
        ({"smallest_side": 50, "largest_side": 40}, "smallest_side", "50 px"),
        ({"background": "red"}, "background", "'red'"),
        ({"background": "#fffffg"}, "background", "hexadecimal"),
        ({"test_share": -1}, "test_share", "0 to 90"),
        ({"width": 0, "height": 10}, "width", "1 to 4096"),
    ],
)
def test_a_problem_names_its_field_and_what_is_allowed(values, field, words):
    with pytest.raises(InvalidFields) as caught:
        parse_spec(DatasetSpec, values)
    assert [problem.field for problem in caught.value.problems] == [field]
    assert words in caught.value.message


def test_background_as_numbers():
    assert DatasetSpec(background="#ff0080").background_rgb == (255, 0, 128)


def photos(*sizes, colour=True):
    return [ImageFacts(width, height, colour) for width, height in sizes]


@pytest.mark.parametrize(
    ("facts", "size", "channels"),
    [
        (photos((28, 28), (28, 28), colour=False), (28, 28), 1),
        (photos((64, 48), (64, 48)), (64, 48), 3),
        (photos((500, 375), (500, 375)), (224, 224), 3),
        (photos((100, 90), (80, 120), (300, 70)), (80, 80), 3),
        (photos((28, 28), colour=False) + photos((28, 28)), (28, 28), 3),
    ],
)
def test_size_and_colour_are_decided_from_the_pictures(facts, size, channels):
    sizing = decide_size(facts, DatasetSpec())
    assert (sizing.width, sizing.height) == size
    assert sizing.channels == channels
    assert f"{size[0]} x {size[1]}" in sizing.notes[0]


def test_what_was_asked_for_wins():
    sizing = decide_size(photos((500, 375)), DatasetSpec(width=32, height=16, colour="grey"))
    assert (sizing.width, sizing.height, sizing.channels) == (32, 16, 1)
    assert sizing.notes == ("Size 32 x 16, as asked for.", "Grey, as asked for.")

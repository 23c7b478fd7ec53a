"""A text's parameters are fields: forms, the API, the command line and sweeps offer them."""

import pytest

from tenfold.core.networks.analysis import analyse, require_graph

TEXT = """network n
param width = 4 in 2..64 step 2
param rate = 0.5 in 0.0..0.9
param act = relu in [relu, tanh]
param patch = 8 in [4, 8]
param on = true "whether it is on"
param label = "x"
param depths = [1, 2] in 1..4
input image = image(1, 8, 8)
a = conv(width * depths[1], patch)
activation(act)
dropout(rate) when on and label == "x"
output y
"""


def test_parameters_are_fields():
    fields = {field.name: field for field in analyse(TEXT).parameters}
    assert [(field.type, field.default) for field in fields.values()] == [
        ("integer", 4),
        ("number", 0.5),
        ("choice", "relu"),
        ("choice", "8"),
        ("boolean", True),
        ("text", "x"),
        ("text", "[1, 2]"),
    ]
    assert (fields["width"].minimum, fields["width"].maximum) == (2, 64)
    assert [choice.value for choice in fields["act"].choices] == ["relu", "tanh"]
    assert fields["on"].help == "whether it is on"
    assert all(field.sweepable and field.group == "network" for field in fields.values())


def test_fields_are_there_while_the_text_has_mistakes():
    analysis = analyse(TEXT.replace("conv(", "cnov("))
    assert not analysis.ok
    assert len(analysis.parameters) == 7


@pytest.mark.parametrize(
    ("values", "out"),
    [({"width": 6}, 12), ({"width": "6"}, 12), ({"depths": [1, 3]}, 12), ({"depths": "[2, 4]"}, 16)],
)
def test_overrides_come_as_json_or_as_a_forms_text(values, out):
    assert require_graph(TEXT, parameters=values).nodes[0].arguments["out"] == out


def test_choices_keep_their_type():
    graph = require_graph(TEXT, parameters={"patch": "4", "act": "tanh", "on": "false"})
    assert graph.nodes[0].arguments["kernel"] == (4, 4)
    assert [node.path for node in graph.nodes] == ["a", "a_tanh"]
    assert require_graph(TEXT, parameters={"patch": 4}).nodes[0].arguments["kernel"] == (4, 4)


@pytest.mark.parametrize(
    ("values", "line", "message"),
    [
        ({"width": 65}, 2, "Width is 65; allowed is 2 to 64."),
        ({"width": 5}, 2, "`width` is set to 5, allowed are 2 to 64 in steps of 2."),
        ({"width": "many"}, 2, "Width is a number, not 'many'."),
        ({"act": "tan"}, 4, "Act is 'tan'; allowed is one of relu, tanh, perhaps tanh."),
        ({"depths": [9, 1]}, 8, "`depths` is set to [9, 1], allowed are 1 to 4."),
        ({"depths": "1, 2"}, 8, "Depths is a list of numbers, as in [1, 2]."),
        ({"depths": "[1, relu]"}, 8, "Depths is a list of numbers, as in [1, 2]."),
        ({"depths": "[" * 4000}, 8, "Depths is a list of numbers, as in [1, 2]."),
        ({"on": "maybe"}, 6, "On is yes or no, not 'maybe'."),
    ],
)
def test_a_value_that_is_not_allowed_is_a_problem_at_its_parameter(values, line, message):
    analysis = analyse(TEXT, parameters=values)
    assert [(problem.line, problem.message) for problem in analysis.problems] == [(line, message)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("param p = none", "A parameter is a number, true or false, a word, a text or a list of these."),
        ("param p = 1 in 5..2", "A range goes from a number to one that is no smaller, as in `1..512`."),
        ("param p = 1 in 1..5 step 0", "A step is a number above 0."),
        ("param p = 1 in []", "The list of choices holds single values."),
        ("param p = 9 in [1, 2]", "`p` is 9, allowed are 1, 2."),
        ("param p = 1.5 in 0.0..0.9", "`p` is 1.5, allowed are 0.0 to 0.9."),
        ("param width = 3", "There is a parameter `width` already."),
    ],
)
def test_mistakes_in_a_declaration(line, message):
    analysis = analyse(TEXT.replace("input image", f"{line}\ninput image"))
    assert [(problem.line, problem.message) for problem in analysis.problems] == [(9, message)]

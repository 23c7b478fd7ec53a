"""The function after a layer and the arguments of a call, as the editor's form shows and changes them."""

import pytest

from tenfold.core.errors import Conflict
from tenfold.core.networks.analysis import analyse
from tenfold.core.networks.editing.activating import activation_of, set_activation
from tenfold.core.networks.editing.arguments import stated_arguments
from tenfold.core.networks.editing.edits import apply_edits
from tenfold.core.networks.parser import parse

TEXT = """network n
input i = image(1, 8, 8)
param act = gelu in [gelu, relu]
default conv(bias=false)
a = conv(4, 3)  # first
relu
b = conv(4, 3)
activation(act)
c = conv(4, 3) from a
d = conv(4, 1)
tanh from a
output o
"""


def at(mark: str) -> int:
    return TEXT.index(mark)


def changed(mark: str, function: str) -> str:
    return apply_edits(TEXT, set_activation(parse(TEXT), at(mark), function).edits)


@pytest.mark.parametrize(
    ("mark", "function"),
    [("a =", "relu"), ("b =", "act"), ("c =", "none"), ("d =", "none"), ("relu\n", "relu"), ("tanh", "tanh")],
)
def test_the_function_after_a_layer_is_read(mark, function):
    assert activation_of(parse(TEXT), at(mark)) == function


@pytest.mark.parametrize(
    ("mark", "function", "old", "new"),
    [
        ("a =", "elu", "# first\nrelu\n", "# first\nelu\n"),
        ("b =", "silu", "activation(act)", "silu"),
        ("c =", "relu", "from a\nd", "from a\nrelu\nd"),
        ("a =", "none", "# first\nrelu\n", "# first\n"),
        ("tanh", "sigmoid", "tanh from a", "sigmoid from a"),
        ("c =", "none", "", ""),
    ],
)
def test_the_function_after_a_layer_is_set_and_nothing_else(mark, function, old, new):
    after = changed(mark, function)
    assert after == TEXT.replace(old, new)
    assert analyse(after).ok


def test_what_is_no_function_or_no_layer_is_refused():
    with pytest.raises(Conflict, match="`sine` is no activation"):
        changed("a =", "sine")
    with pytest.raises(Conflict, match="Only a layer can be"):
        changed("param", "relu")


def test_arguments_are_told_as_written_with_defaults_and_the_parameter_behind_them():
    stated = {each.name: each for each in stated_arguments(parse(TEXT), at("a ="))}
    assert (stated["out"].written, stated["out"].default) == ("4", "")
    assert (stated["stride"].written, stated["stride"].default) == ("", "1")
    assert stated["bias"].default == "false", "the file's default"
    assert stated["frozen"].is_common
    behind = {each.name: each for each in stated_arguments(parse(TEXT), at("activation(act)"))}["kind"]
    assert (behind.written, behind.parameter, behind.parameter_written) == ("act", "act", "gelu")
    sizes = [each.name for each in stated_arguments(parse(TEXT), at("input"))]
    assert sizes == ["channels", "height", "width"], "an input is not trained"
    with pytest.raises(Conflict, match="has no arguments to set"):
        stated_arguments(parse(TEXT), at("output"))

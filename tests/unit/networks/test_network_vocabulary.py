"""One table of layers: documented, declared once, and built by every framework."""

import pytest

from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.adapters.frameworks.numpy import layers as numpy_layers
from tenfold.adapters.frameworks.torch import layers as torch_layers
from tenfold.core.networks.analysis import analyse
from tenfold.core.networks.expression_parser import RESERVED
from tenfold.core.networks.vocabulary import COMMON_ARGUMENTS, LAYERS, OUTPUT_ARGUMENTS

GRAPH_KINDS = {kind.stands_for or name for name, kind in LAYERS.items()}


def test_every_framework_builds_every_kind():
    assert GRAPH_KINDS == torch_layers.KINDS
    assert set(numpy_layers.KINDS) == GRAPH_KINDS


@pytest.mark.parametrize("kind", LAYERS.values(), ids=LAYERS.keys())
def test_kinds_are_documented_and_declared_whole(kind):
    assert kind.help.endswith(".")
    assert kind.name not in RESERVED
    for argument in kind.arguments:
        assert argument.help.endswith(".")
        assert argument.required == (argument.default is None and not argument.same_as)
        assert argument.type in {"boolean", "choice"} or argument.minimum is not None
        assert argument.type != "choice" or argument.choices


def test_common_and_output_arguments_are_documented():
    for argument in (*COMMON_ARGUMENTS, *OUTPUT_ARGUMENTS):
        assert argument.help.endswith(".")


def test_the_catalogue_has_names_titles_and_papers_and_analyses_without_a_word():
    entries = read_catalogue()
    assert [entry.name for entry in entries] == ["alexnet", "lenet"]
    for entry in entries:
        analysis = analyse(entry.text)
        assert analysis.ok
        assert analysis.warnings == ()
        assert entry.title
        assert entry.paper
        names = {field.name for field in analysis.parameters}
        assert {"classes", "activation", "window", "bias", "width1", "width2", "hidden"} <= names

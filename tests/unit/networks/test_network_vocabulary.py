"""One table of layers: documented, declared once, and built by every framework."""

import pytest

from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.adapters.frameworks.numpy import layers as numpy_layers
from tenfold.adapters.frameworks.numpy.builder import build_network
from tenfold.adapters.frameworks.torch.layers import table as torch_layers
from tenfold.core.errors import BadNetwork
from tenfold.core.networks.analysis import analyse, require_graph
from tenfold.core.networks.expression_parser import RESERVED
from tenfold.core.networks.vocabulary import COMMON_ARGUMENTS, LAYERS, OUTPUT_ARGUMENTS

GRAPH_KINDS = {kind.stands_for or name for name, kind in LAYERS.items()}


def test_pytorch_builds_every_kind_and_numpy_names_what_it_lacks():
    assert GRAPH_KINDS == torch_layers.KINDS
    assert set(numpy_layers.KINDS) < GRAPH_KINDS
    graph = require_graph("network n\ninput x = sequence(4, 6)\na = attention(2)\noutput y\n")
    with pytest.raises(BadNetwork, match="The numpy backend has no `attention` as `a` needs it: use PyTorch"):
        build_network(graph, seed=0)
    within = require_graph("network n\ninput x = image(4, 6, 6)\nlrn(region=within)\noutput y\n")
    with pytest.raises(BadNetwork, match="has no `lrn` as `x_lrn` needs it"):
        build_network(within, seed=0)


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
    assert {"alexnet", "googlenet", "lenet", "resnet50", "unet"} < {entry.name for entry in entries}
    for entry in entries:
        analysis = analyse(entry.text)
        assert analysis.ok
        assert analysis.warnings == ()
        assert (entry.name, entry.title) == (analysis.name, analysis.title)
        assert entry.title
        assert entry.paper
        assert all(field.help for field in analysis.parameters)
        if entry.name in {"alexnet", "lenet"}:
            names = {field.name for field in analysis.parameters}
            assert {"classes", "activation", "window", "bias", "width1", "width2", "hidden"} <= names

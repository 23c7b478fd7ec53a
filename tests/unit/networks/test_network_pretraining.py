"""Where weights come from is data; every wrong source or path is an error at its line; tensors match by path and shape."""

# ruff: noqa: E501 (tables of texts)

import pytest

from tenfold.core.networks.analysis import analyse, require_graph
from tenfold.core.networks.matching import Unfit, match_weights

BODY = """\
network n
param deep = true
input image = image(3, 16, 16)
stem = conv(8, 3)
stage = pair() repeat 2
extra = conv(8, 1) when deep
flatten
head = dense(4)
output y
block pair() {
  conv = conv(8, 3, pad=1)
  norm = batch_norm
}
"""


def read(*lines: str, **parameters: object):
    return analyse(BODY + "\n".join(lines), parameters=parameters)


@pytest.mark.parametrize(
    ("source", "kind", "name", "revision"),
    [
        ("catalogue:efficientnet_lite0", "catalogue", "efficientnet_lite0", ""),
        ("hub:timm/resnet18.a1_in1k@7c9d2f", "hub", "timm/resnet18.a1_in1k", "7c9d2f"),
        ("model:lenet-mnist-3", "model", "lenet-mnist-3", ""),
        ("upload:01J9", "upload", "01J9", ""),
        ("folder:backbones/resnet-50", "folder", "backbones/resnet-50", ""),
    ],
)
def test_a_source_is_read(source, kind, name, revision):
    analysis = read(f'pretrained "{source}"(skip=["head", fc]) from stem, stage.1.norm')
    assert analysis.problems == ()
    (found,) = analysis.pretrained
    assert (found.kind, found.name, found.revision) == (kind, name, revision)
    assert found.skip == ("head", "fc")
    assert found.layers == ("stem", "stage.1.norm")
    assert found.line == 14
    assert str(found) == source


def test_sources_keep_their_order_and_the_graph_its_identity():
    analysis = read('pretrained "model:one"', 'pretrained "model:two" from head', "renamed old to stage.0.conv")
    assert [source.name for source in analysis.pretrained] == ["one", "two"]
    assert analysis.renamed == {"old": "stage.0.conv"}
    assert analysis.graph is not None
    assert analysis.graph.identity() == require_graph(BODY).identity()


@pytest.mark.parametrize(
    "source",
    [
        "/etc/passwd", "../weights", "https://example.org/w.pt", "file:///w", "catalogue:", "catalogue:../x", "lenet",
        "model:a/b", "model:.hidden", "upload:a b", "hub:resnet@1", "hub:a/b/c@1", "hub:../b@1", "torch:resnet",
        "folder:/etc", "folder:a/../b", "folder:a//b", "folder:~/a", "folder:.", "catalogue:lenet ", "model:a\\b", "hub:a/b@", "",
    ],
)  # fmt: skip
def test_paths_addresses_and_unknown_sources_are_refused(source):
    analysis = read(f'pretrained "{source}"')
    (problem,) = analysis.problems
    assert problem.code == "network.pretrained-source"
    assert problem.line == 14
    assert "is no source of weights" in problem.message
    assert analysis.pretrained == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('pretrained "hub:timm/resnet18"', "`hub:timm/resnet18` names no revision, so its weights could change: write `hub:OWNER/REPO@REVISION`."),
        ('pretrained "model:a" from stm', "There is no layer `stm`, perhaps `stem`."),
        ('pretrained "model:a" from stage.0.nrm', "There is no layer `nrm` in `stage`, perhaps `norm`."),
        ('pretrained "model:a" from image', "There is no layer `image`, perhaps `stage`."),
        ('pretrained "model:a"(skip=3)', '`skip` of `pretrained` is a list of paths, as in `skip=["head", "fc"]`.'),
        ('pretrained "model:a"(skp=["x"])', "`pretrained` has no `skp`, perhaps `skip`. It has: skip."),
        ("renamed a to heads", "There is no layer `heads`, perhaps `head`."),
        ("renamed a to stem\nrenamed a to head", "`a` is renamed twice: it became `stem` above."),
    ],
)  # fmt: skip
def test_a_wrong_line_says_why(line, message):
    problems = read(line).problems
    assert [problem.message for problem in problems] == [message]
    assert problems[0].line == 14 + line.count("\n")


def test_a_layer_that_is_switched_off_or_not_repeated_is_known():
    lines = ('pretrained "model:a" from extra, stage.7.conv', "renamed old to extra")
    assert read(*lines, deep=False).problems == ()


SHAPES = {"stem.weight": (8, 3, 3, 3), "stem.bias": (8,), "head.weight": (4, 1568), "head.bias": (4,)}
SMALL = "network n\ninput image = image(3, 16, 16)\nstem = conv(8, 3)\nflatten\nhead = dense(4)\noutput y\n"


def test_every_tensor_is_loaded_missing_unexpected_or_unfit():
    available = {**SHAPES, "head.weight": (10, 1568), "old.weight": (1,)}
    del available["stem.bias"]
    found = match_weights(require_graph(SMALL), available, {})
    assert found.loaded == {"stem.weight": "stem.weight", "head.bias": "head.bias"}
    assert found.missing == ("stem.bias",)
    assert found.unexpected == ("old.weight",)
    assert found.unfit == (Unfit("head.weight", (4, 1568), (10, 1568)),)


def test_moved_paths_are_found_through_every_step():
    available = {key.replace("stem", "first"): shape for key, shape in SHAPES.items()}
    found = match_weights(require_graph(SMALL), available, {"first": "second", "second": "stem"})
    assert found.loaded["stem.weight"] == "first.weight"
    assert (found.missing, found.unexpected) == ((), ())


def test_a_moved_path_counts_only_where_the_new_one_is_not_there():
    available = {**SHAPES, "first.weight": (8, 3, 3, 3)}
    found = match_weights(require_graph(SMALL), available, {"first": "stem"})
    assert found.loaded["stem.weight"] == "stem.weight"
    assert found.unexpected == ("first.weight",)


def test_layers_that_are_not_covered_or_skipped_are_left_alone():
    graph = require_graph(SMALL)
    assert set(match_weights(graph, SHAPES, {}, ("stem",)).loaded) == {"stem.weight", "stem.bias"}
    assert match_weights(graph, SHAPES, {}, ("stem",)).unexpected == ()
    skipped = match_weights(graph, SHAPES, {}, skip=("head",))
    assert set(skipped.loaded) == {"stem.weight", "stem.bias"}
    assert (skipped.missing, skipped.unexpected) == ((), ())
    old = {key.replace("head", "fc"): shape for key, shape in SHAPES.items()}
    by_their_name = match_weights(graph, old, {"fc": "head"}, skip=("fc",))
    assert set(by_their_name.loaded) == {"stem.weight", "stem.bias"}
    assert by_their_name.missing == ()


def test_shared_layers_are_matched_once(texts):
    graph = require_graph(texts["siamese"])
    available = {f"{node.path}.{name}": weight.shape for node in graph.nodes for name, weight in node.weights.items()}
    found = match_weights(graph, available, {})
    assert len(found.loaded) == len(available)
    assert all(path.startswith("left.") for path in found.loaded)

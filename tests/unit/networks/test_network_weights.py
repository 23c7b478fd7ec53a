"""What a network takes of weights from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from tenfold.core.errors import BadNetwork
from tenfold.core.networks.analysis import Analysis, analyse
from tenfold.core.networks.weights import PUBLISHED, Floats, WeightOrigin, carry_weights

TEXT = """language 1
network small "for tests"
param classes = 10 in 2..1000
input image = image(1, 8, 8)
conv1 = conv(4, 3)
flatten
fc = dense(classes)
output logits
"""


def meaning(*lines: str) -> Analysis:
    found = analyse(TEXT + "\n".join(lines))
    assert found.ok, found.problems
    return found


def held(**changed: tuple[int, ...]) -> dict[str, Floats]:
    """Tensors of the small network; another shape, or none, for those named (`__` is a dot)."""
    shapes = {"conv1.weight": (4, 1, 3, 3), "conv1.bias": (4,), "fc.weight": (10, 144), "fc.bias": (10,)}
    shapes |= {name.replace("__", "."): shape for name, shape in changed.items()}
    return {name: np.full(shape, place, np.float32) for place, (name, shape) in enumerate(shapes.items()) if shape}


def carried(text: Analysis, *tensors: dict[str, Floats]):
    assert text.graph is not None
    return carry_weights(text.graph, list(zip(text.pretrained, tensors, strict=True)), text.renamed)


def test_all_that_fits_is_taken_and_counted():
    found = carried(meaning('pretrained "model:a"'), held())
    assert found.told == ("4 of 4 tensors come from model:a.",)
    assert set(found.tensors) == set(held())


def test_what_does_not_fit_and_what_is_missing_is_named():
    found = carried(meaning('pretrained "model:a"'), held(fc__weight=(1000, 144), fc__bias=()))
    assert found.told == (
        "2 of 4 tensors come from model:a. Of another shape: fc.weight (here 10 x 144, there 1000 x 144). "
        "Not in it: fc.bias. These start anew.",
    )
    assert set(found.tensors) == {"conv1.weight", "conv1.bias"}


def test_the_later_of_two_sources_counts():
    text = meaning('pretrained "model:a"', 'pretrained "model:b" from conv1')
    other = {name: tensor + 100 for name, tensor in held().items()}
    found = carried(text, held(), other)
    assert found.tensors["conv1.weight"].min() == 100
    assert found.tensors["fc.weight"].max() == 2
    assert found.told[1] == "2 of 2 tensors come from model:b."


def test_what_is_skipped_starts_anew_without_a_word():
    found = carried(meaning('pretrained "model:a"(skip=["fc"])'), held())
    assert set(found.tensors) == {"conv1.weight", "conv1.bias"}
    assert found.told == ("2 of 2 tensors come from model:a.",)


def test_a_moved_layer_takes_its_weights_along():
    tensors = {name.replace("conv1", "old"): tensor for name, tensor in held().items()}
    found = carried(meaning('pretrained "model:a"', "renamed old to conv1"), tensors)
    assert found.told == ("4 of 4 tensors come from model:a.",)


def test_a_source_of_which_nothing_fits_is_refused_by_its_line():
    with pytest.raises(BadNetwork, match=r"^Line 9: nothing of `model:a` fits this network\. Not in it: conv1\.weight"):
        carried(meaning('pretrained "model:a"'), {"other": np.zeros(3, np.float32)})


def test_where_weights_lie_survives_json():
    origin = WeightOrigin(source="model:a", folder="models/x", mean=(0.5,), std=(0.25,))
    assert WeightOrigin.from_json(origin.to_json()) == origin


def test_what_is_published_says_under_which_terms():
    for name, published in PUBLISHED.items():
        assert (published.network, len(published.sha256), len(published.mean)) == (name, 64, len(published.std))
        assert published.licence
        assert published.trained_on

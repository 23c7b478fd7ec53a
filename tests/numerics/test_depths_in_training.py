"""A backend learns from 16-bit and 32-bit pixels what it learns from 8-bit ones."""

from dataclasses import replace

import numpy as np
import pytest

from tenfold.adapters.frameworks.numpy.backend import NumpyBackend
from tenfold.adapters.frameworks.torch import data
from tenfold.adapters.frameworks.torch.backend import TorchBackend
from tenfold.tasks.classification.numpy import ClassificationHead as NumpyHead
from tenfold.tasks.classification.torch import ClassificationHead as TorchHead
from tenfold.testing.backends import ArraySamples, make_plan, train

NETWORK = """network plain
param classes = 3
input image = image(2, 8, 8)
c1 = conv(4, 3)
relu
flatten
fc1 = dense(classes)
output logits
"""


class DeepSamples(ArraySamples):
    """The same pictures in another depth."""

    def __init__(self, dtype, factor):
        super().__init__()
        self._images = {split: images.astype(dtype) * dtype(factor) for split, images in self._images.items()}


def weights_after(make, head, samples, span):
    backend = make(replace(make_plan(head, network=NETWORK), span=span), samples)
    train(backend, 0, 5)
    return backend.state().weights(), backend.predict("val", 0, 13)


@pytest.mark.parametrize(("dtype", "factor"), [(np.uint16, 257), (np.float32, 0.5)])
@pytest.mark.parametrize(("make", "head"), [(TorchBackend, TorchHead), (NumpyBackend, NumpyHead)])
@pytest.mark.parametrize("is_resident", [True, False])
def test_another_depth_gives_the_same_training(make, head, dtype, factor, is_resident, monkeypatch):
    if not is_resident:
        monkeypatch.setattr(data, "RESIDENT_BYTES", 0)
    expected, probabilities = weights_after(make, head(), ArraySamples(), 255)
    found, deep_probabilities = weights_after(make, head(), DeepSamples(dtype, factor), 255 * factor)
    for name, weight in expected.items():
        np.testing.assert_allclose(found[name], weight, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(deep_probabilities, probabilities, atol=1e-5)
    assert np.ptp(probabilities) > 0.01

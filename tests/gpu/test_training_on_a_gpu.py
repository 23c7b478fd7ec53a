"""The contract of training backends on a CUDA device."""

import pytest
import torch

from tenfold.adapters.frameworks.torch.backend import TorchBackend
from tenfold.core.errors import OutOfMemory
from tenfold.tasks.classification.torch import ClassificationHead
from tenfold.testing.backends import NETWORK, ArraySamples, BackendContract, make_plan

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]


class TestTorchOnCuda(BackendContract):
    def make(self, network: str = NETWORK, **fields: object) -> TorchBackend:
        return TorchBackend(make_plan(ClassificationHead(), network=network, device="cuda:0", **fields), ArraySamples())

    def test_names_the_device(self) -> None:
        assert self.make().device.endswith("(cuda:0)")

    def test_uneven_adaptive_pooling_is_deterministic(self) -> None:
        text = NETWORK.replace("max_pool(2)", "adaptive_avg_pool([4, 5])\nlrn")
        states = []
        for _ in range(2):
            backend = self.make(network=text)
            for _ in range(3):
                backend.train_step(torch.arange(8).numpy(), 0.05)
            states.append(backend.state().arrays)
        assert all(states[0][key].tobytes() == states[1][key].tobytes() for key in states[0])

    def test_a_batch_that_does_not_fit_says_so(self) -> None:
        text = NETWORK.replace(
            "conv(6, 3, bias=false)", "conv(400000, 1)\nwide = conv(400000, 8, pad=8, groups=400000)"
        )
        with pytest.raises(OutOfMemory, match="try a batch size of 4"):
            self.make(network=text).train_step(torch.arange(40).repeat(500).numpy(), 0.05)

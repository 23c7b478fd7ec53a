import numpy as np
import pytest
from torch import Tensor

from tenfold.adapters.frameworks.numpy.backend import NumpyBackend
from tenfold.adapters.frameworks.torch import data
from tenfold.adapters.frameworks.torch.backend import TorchBackend
from tenfold.core.errors import OutOfMemory
from tenfold.tasks.classification.numpy import ClassificationHead as NumpyHead
from tenfold.tasks.classification.torch import ClassificationHead as TorchHead
from tenfold.testing.backends import NETWORK, ArraySamples, BackendContract, make_plan


class TestTorch(BackendContract):
    def make(self, network: str = NETWORK, **fields: object) -> TorchBackend:
        return TorchBackend(make_plan(TorchHead(), network=network, **fields), ArraySamples())

    def test_names_the_cpu_and_its_threads(self) -> None:
        assert self.make().device == "CPU, 1 thread"


class BreakingHead(TorchHead):
    """Raises where a real head would, with a text of PyTorch's."""

    def __init__(self, text: str) -> None:
        self.text = text

    def loss(self, output: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
        raise RuntimeError(self.text)


@pytest.mark.parametrize(
    "text",
    [
        "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to",
        "CUDA out of memory. Tried to allocate 20.00 GiB",
    ],
)
def test_memory_that_runs_out_is_one_error_with_advice(text: str) -> None:
    backend = TorchBackend(make_plan(BreakingHead(text)), ArraySamples())
    with pytest.raises(OutOfMemory, match=r"A batch of 8 does not fit into the memory: try a batch size of 4\."):
        backend.train_step(np.arange(8), 0.1)
    with pytest.raises(OutOfMemory, match="use a smaller network"):
        backend.evaluate_batch("val", 0, 1)


def test_other_errors_stay_as_they_are() -> None:
    backend = TorchBackend(make_plan(BreakingHead("something else")), ArraySamples())
    with pytest.raises(RuntimeError, match="something else"):
        backend.train_step(np.arange(8), 0.1)


class TestTorchReadingFromDisk(TestTorch):
    """The same, with a dataset that is too large to be kept on the device."""

    @pytest.fixture(autouse=True)
    def small_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(data, "RESIDENT_BYTES", 1)


class TestNumpy(BackendContract):
    def make(self, network: str = NETWORK, **fields: object) -> NumpyBackend:
        return NumpyBackend(make_plan(NumpyHead(), network=network, **fields), ArraySamples())

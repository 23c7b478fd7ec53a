import pytest

from tenfold.adapters.frameworks.numpy.backend import NumpyBackend
from tenfold.adapters.frameworks.torch import data
from tenfold.adapters.frameworks.torch.backend import TorchBackend
from tenfold.tasks.classification.numpy import ClassificationHead as NumpyHead
from tenfold.tasks.classification.torch import ClassificationHead as TorchHead
from tenfold.testing.backends import NETWORK, ArraySamples, BackendContract, make_plan


class TestTorch(BackendContract):
    def make(self, network: str = NETWORK, **fields: object) -> TorchBackend:
        return TorchBackend(make_plan(TorchHead(), network=network, **fields), ArraySamples())

    def test_names_the_cpu_and_its_threads(self) -> None:
        assert self.make().device == "CPU, 1 thread"


class TestTorchReadingFromDisk(TestTorch):
    """The same, with a dataset that is too large to be kept on the device."""

    @pytest.fixture(autouse=True)
    def small_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(data, "RESIDENT_BYTES", 1)


class TestNumpy(BackendContract):
    def make(self, network: str = NETWORK, **fields: object) -> NumpyBackend:
        return NumpyBackend(make_plan(NumpyHead(), network=network, **fields), ArraySamples())

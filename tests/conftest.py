"""What all tests share: the long forms, and that a test leaves nothing behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from one_template import kept_templates

__all__ = ["kept_templates"]

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # several trainings share the cores: none spins while it waits

settings.register_profile("tenfold", deadline=None)  # a busy machine is no failure
settings.load_profile("tenfold")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--campaign", action="store_true", help="run the long forms of the campaigns")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long forms run by `make campaign` alone, the tests for a GPU where there is one."""
    if not config.getoption("--campaign"):
        items[:] = [item for item in items if item.get_closest_marker("campaign") is None]
    if not Path("/dev/nvidia0").exists():
        items[:] = [item for item in items if item.get_closest_marker("gpu") is None]


@pytest.fixture(autouse=True)
def nothing_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails a test that changes the environment or leaves a thread that would keep the process alive."""
    for name in [name for name in os.environ if name.startswith("TENFOLD_") and name != "TENFOLD_CHROMIUM"]:
        monkeypatch.delenv(name)
    before = dict(os.environ)
    threads = set(threading.enumerate())
    yield
    changed = {name for name in before.keys() | os.environ.keys() if before.get(name) != os.environ.get(name)}
    changed -= {"PYTEST_CURRENT_TEST", "TORCHINDUCTOR_CACHE_DIR", "CUBLAS_WORKSPACE_CONFIG"}  # the last two: PyTorch
    assert not changed, f"the test left the environment changed: {changed}"
    left = [each for each in threading.enumerate() if each not in threads and each.is_alive() and not each.daemon]
    assert not left, f"the test left threads running: {left}"

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


LONG_A = ("worker", "confinement", "packaging")
LONG_B = ("browser", "api", "cli", "hostile", "numerics")
"""The folders whose tests take seconds each, in two parts that take about as long as each other."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--campaign", action="store_true", help="run the long forms of the campaigns")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long forms run by `make campaign` alone, the tests for a GPU where there is one."""
    if not config.getoption("--campaign"):
        items[:] = [item for item in items if item.get_closest_marker("campaign") is None]
    if not Path("/dev/nvidia0").exists():
        items[:] = [item for item in items if item.get_closest_marker("gpu") is None]
    items[:] = in_order_for_two(items)


def in_order_for_two(items: list[pytest.Item]) -> list[pytest.Item]:
    """Begins either half with tests that take long.

    Two processes begin with a half each, and who is through first takes from the end of what the other has left. Those
    are quick tests then: none keeps the other process waiting, and their modules set up little.
    """
    folders = {item: item.path.relative_to(Path(__file__).parent).parts[0] for item in items}
    long_a, long_b = ([item for name in part for item in items if folders[item] == name] for part in (LONG_A, LONG_B))
    quick = [item for item in items if folders[item] not in {*LONG_A, *LONG_B}]
    in_first_half = max(0, len(items) // 2 - len(long_a))
    return [*long_a, *quick[:in_first_half], *long_b, *quick[in_first_half:]]


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

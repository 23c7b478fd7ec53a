"""One template for all the servers that a process of tests opens in itself: loading a framework takes three seconds.

A folder whose `conftest.py` imports `one_template` has it for its modules. A module whose workers export with PyTorch
names `exporting_template`, from which they have what an export loads: three more seconds of each. A test of the
template itself names `own_template`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tenfold.adapters.executors.local import executor

EXPORTING = """
import importlib, sys
from tenfold.bootstrap.worker import run_template

for name in ("torch._dynamo", "torch.export._trace", "onnxscript.function_libs.torch_lib.ops"):
    importlib.import_module(name)
run_template(int(sys.argv[1]))
"""


class KeptTemplate(executor._Template):
    """A template that stays when the executor that forks from it is closed."""

    def close(self) -> None:
        """The next one forks from it."""

    def end(self) -> None:
        super().close()


class ExportingTemplate(KeptTemplate):
    """One that has loaded what PyTorch's exporter consists of."""

    program = ("-c", EXPORTING)


class TemplateKeeper:
    """Gives the template of a kind that there is, or a new one where it cannot be used any longer."""

    def __init__(self) -> None:
        self._kept: dict[type[KeptTemplate], KeptTemplate] = {}

    @contextmanager
    def giving(self, kind: type[KeptTemplate]) -> Iterator[None]:
        """What executors start within the block is this."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(executor, "_Template", lambda: self._template(kind))
            yield

    def _template(self, kind: type[KeptTemplate]) -> KeptTemplate:
        kept = self._kept.get(kind)
        if kept is None or not kept.is_usable():
            if kept is not None:
                kept.end()
            kept = self._kept[kind] = kind()
        return kept

    def end(self) -> None:
        for kept in self._kept.values():
            kept.end()


@pytest.fixture(scope="session")
def kept_templates() -> Iterator[TemplateKeeper]:
    keeper = TemplateKeeper()
    yield keeper
    keeper.end()


@pytest.fixture(scope="module", autouse=True)
def one_template(kept_templates: TemplateKeeper) -> Iterator[None]:
    with kept_templates.giving(KeptTemplate):
        yield


@pytest.fixture(scope="module")
def exporting_template(one_template: None, kept_templates: TemplateKeeper) -> Iterator[None]:
    with kept_templates.giving(ExportingTemplate):
        yield


@pytest.fixture
def own_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test opens has a template that nobody else forks from, and that ends with it."""
    monkeypatch.setattr(executor, "_Template", KeptTemplate.__base__)

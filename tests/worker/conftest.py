from collections.abc import Iterator

import pytest
from one_template import exporting_template, one_template, own_template

from tenfold.core.datasets.dataset import Dataset
from tenfold.testing.pictures import write_shapes

from .workstation import Workstation, open_workstation

__all__ = ["exporting_template", "one_template", "own_template"]


@pytest.fixture(scope="module")
def workstation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workstation]:
    """One for the tests of a module: its template stays warm."""
    home = tmp_path_factory.mktemp("tenfold")
    write_shapes(home / "shapes", per_class=200)
    with open_workstation(home / "data", [home]) as opened:
        opened.services.desk.warm()
        yield opened


@pytest.fixture(scope="module")
def shapes(workstation: Workstation) -> Dataset:
    """Three classes of 200 pictures."""
    made = workstation.dataset(workstation.data.parent / "shapes")
    assert made.state == "ready", made.message
    return made

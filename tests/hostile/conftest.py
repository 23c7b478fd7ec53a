from collections.abc import Iterator
from contextlib import closing

import pytest

from .importing import Importer


@pytest.fixture(scope="session")
def importer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Importer]:
    """One process for all imports, so that it must outlive each of them."""
    with closing(Importer(tmp_path_factory.mktemp("hostile"))) as started:
        (started.home / "sources").mkdir()
        yield started

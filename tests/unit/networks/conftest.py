from pathlib import Path

import pytest

CATALOGUE = Path(__file__).parents[3] / "src/tenfold/core/networks/catalogue"
TEXTS = Path(__file__).parent / "texts"


@pytest.fixture(scope="session")
def texts() -> dict[str, str]:
    """Network texts by name: the catalogue's, and those that show the whole grammar."""
    paths = [*CATALOGUE.glob("*.network"), *TEXTS.glob("*.network")]
    return {path.stem: path.read_text() for path in paths}


@pytest.fixture(scope="session")
def lenet(texts) -> str:
    return texts["lenet"]


@pytest.fixture(scope="session")
def resnet50(texts) -> str:
    return texts["resnet50"]

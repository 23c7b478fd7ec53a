from __future__ import annotations

from datetime import UTC

import pytest
from web.samples.things import NOW

from tenfold.interfaces.web.rendering import Renderer


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    return Renderer(now=lambda: NOW, zone=UTC)

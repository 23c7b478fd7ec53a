from __future__ import annotations

from datetime import UTC

import pytest
from one_template import one_template
from web.samples.things import NOW

from tenfold.interfaces.web.rendering import Renderer

__all__ = ["one_template"]


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    return Renderer(now=lambda: NOW, zone=UTC)

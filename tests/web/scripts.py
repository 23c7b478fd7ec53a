"""Where the pages' scripts are, and the Node that runs them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "frontend" / "src"

_spec = importlib.util.spec_from_file_location("frontend_build", ROOT / "frontend" / "build.py")
assert _spec is not None
assert _spec.loader is not None
build = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(build)
NODE = [build.tool("node")]

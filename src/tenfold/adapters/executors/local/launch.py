"""Runs Tenfold's own code with the Python of another environment: `python -P launch.py worker FOLDER ATTEMPT SLOT`.

That environment needs no Tenfold: the package is taken from where this file lies, and nothing else that lies there.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

LAUNCH = Path(__file__)
HOME_PYTHON = "TENFOLD_HOME_PYTHON"
"""The variable that tells a worker in another environment with which Python the server runs."""


def launch() -> None:
    folder = Path(__file__).parents[3]
    spec = importlib.util.spec_from_file_location(
        "tenfold", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tenfold"] = module
    spec.loader.exec_module(module)
    importlib.import_module("tenfold.__main__").main()


if __name__ == "__main__":
    launch()

"""Builds the pages' scripts and styles into the package; everything else stands in pyproject.toml."""

import os
import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FRONTEND = Path(__file__).parent / "frontend" / "build.py"


class BuildWithFrontend(build_py):
    """Builds the front end before the package's files are gathered; TENFOLD_NO_FRONTEND=1 leaves it to the caller."""

    def run(self) -> None:
        if FRONTEND.exists() and not os.environ.get("TENFOLD_NO_FRONTEND"):
            subprocess.run([sys.executable, str(FRONTEND)], check=True)
        super().run()


setup(cmdclass={"build_py": BuildWithFrontend})

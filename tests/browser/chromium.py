"""Finds the Chromium that the browser tests use; run as a program, it installs one or says how."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
COMMAND = "apt-get update && apt-get install --yes chromium"


def find_chromium() -> str | None:
    """The path of a Chromium: `TENFOLD_CHROMIUM`, else one of the usual names."""
    named = os.environ.get("TENFOLD_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> int:
    if find_chromium():
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        sys.stdout.write("Installing Chromium for the browser tests ...\n")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(COMMAND, shell=True, check=False, env=environment, stdout=subprocess.DEVNULL)
    if find_chromium():
        return 0
    sys.stderr.write(f"The browser tests need Chromium. Install it with:\n\n    sudo sh -c '{COMMAND}'\n\n")
    sys.stderr.write("or name one: TENFOLD_CHROMIUM=/path/to/chromium\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())

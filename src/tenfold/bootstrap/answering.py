"""The process in which a model of others classifies: confined before anything of its graph is read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tenfold.adapters.confinement.process import confine
from tenfold.bootstrap.tasks import ANSWER, find
from tenfold.core.inference.importing import ANSWER_LIMITS
from tenfold.core.jobs.confinement import Reach

COMMAND = (sys.executable, "-m", "tenfold", "answer")


def run_answering(folder: str) -> None:
    """Answers over its standard input and output, of which nothing else makes use."""
    with os.fdopen(os.dup(0), "rb") as source, os.fdopen(os.dup(1), "wb") as target:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nowhere, number)
        os.close(nowhere)
        confine(Reach(read=(Path(folder),)), ANSWER_LIMITS)
        find(ANSWER)(Path(folder), source, target)

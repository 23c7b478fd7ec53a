"""What the last whole run of Keras was run on: its own code, the port, and the language as a backend sees it.

A change of any of them makes `tests/unit/training/test_keras_record.py` red until `make campaign NAME=keras` has run.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from keras_texts import TEXTS

import tenfold
from tenfold.core.networks.analysis import require_graph
from tenfold.core.networks.vocabulary import LAYERS

RECORD = Path(__file__).parent / "with_keras" / "last_whole_run.json"
_CODE = Path(tenfold.__file__).parent
_SEEN = (
    "adapters/frameworks/keras/**/*.py",
    "tasks/classification/keras.py",
    "core/training/ports.py",
    "core/networks/initialisers.py",
    "core/networks/training_factors.py",
    "testing/backends.py",
)


def what_keras_sees() -> dict[str, str]:
    """Hashes by what they are of.

    The language is what it gives a backend: the graphs of all texts, and the names of kinds with their arguments. How
    it is parsed, drawn or edited is not in it.
    """
    return {
        "code": _hash([path.read_text("utf-8") for each in _SEEN for path in sorted(_CODE.glob(each))]),
        "language": _hash([require_graph(text).identity() for text in TEXTS.values()]),
        "vocabulary": _hash([f"{kind.name} {[each.name for each in kind.arguments]}" for kind in LAYERS.values()]),
    }


def _hash(texts: list[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]

"""Opaque identifiers: a prefix that tells the kind, and 80 random bits.

An id never carries meaning and never becomes part of a path by way of a user: rows are looked up by it, and paths come
from rows.
"""

from __future__ import annotations

import re
import secrets
from typing import NewType

DatasetId = NewType("DatasetId", str)
RevisionId = NewType("RevisionId", str)
NetworkId = NewType("NetworkId", str)
NetworkVersionId = NewType("NetworkVersionId", str)
RunId = NewType("RunId", str)
ModelId = NewType("ModelId", str)
JobId = NewType("JobId", str)
UserId = NewType("UserId", str)
TokenId = NewType("TokenId", str)
SessionId = NewType("SessionId", str)
UploadId = NewType("UploadId", str)

PREFIXES = {
    "dataset": "ds",
    "revision": "rev",
    "network": "net",
    "network version": "ver",
    "run": "run",
    "model": "mod",
    "job": "job",
    "errand": "ern",
    "user": "usr",
    "token": "tok",
    "session": "ses",
    "upload": "upl",
    "secret": "sec",
}
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_SHAPE = re.compile(rf"({'|'.join(PREFIXES.values())})_[{_ALPHABET}]{{16}}")


def new_id(kind: str) -> str:
    """A fresh id of a kind of `PREFIXES`."""
    return f"{PREFIXES[kind]}_{''.join(secrets.choice(_ALPHABET) for _ in range(16))}"


def is_id(text: str) -> bool:
    """Whether a text is shaped like an id; such texts are not allowed as names."""
    return _SHAPE.fullmatch(text) is not None

"""What a checkup looks for."""

from __future__ import annotations

from typing import Literal

FindingCode = Literal[
    "leak",
    "leak-val",
    "contradiction",
    "unreadable",
    "class-twin",
    "wrong-label",
    "tiny-class",
    "imbalance",
    "faint",
    "blank",
    "extreme-light",
    "extreme-size",
    "extreme-shape",
    "outlier",
    "duplicate",
    "near-duplicate",
]
CODES: dict[FindingCode, str] = {
    "leak": "In training and in validation or test",
    "leak-val": "In validation and in test",
    "contradiction": "Alike, of different classes",
    "unreadable": "Not readable",
    "class-twin": "Of a class written otherwise",
    "wrong-label": "Probably of another class",
    "tiny-class": "Of a tiny class",
    "imbalance": "Over the share of a class",
    "faint": "Dark or flat throughout",
    "blank": "Blank",
    "extreme-light": "Very dark or bright",
    "extreme-size": "Very small",
    "extreme-shape": "Very long or high",
    "outlier": "Unlike all others",
    "duplicate": "There twice",
    "near-duplicate": "There twice, nearly",
}
"""All that is looked for, in the order in which equally severe findings stand, with words for a list."""

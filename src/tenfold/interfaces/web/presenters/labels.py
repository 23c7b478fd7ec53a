"""What the pictures of a dataset are labelled with, in words: the kind, groups, weights."""

from __future__ import annotations

from typing import Any

from tenfold.core.datasets.label_facts import LabelFacts
from tenfold.core.datasets.ports import RevisionReader
from tenfold.core.fields import format_number
from tenfold.interfaces.web.formatting import plural


def label_views(reader: RevisionReader) -> dict[str, Any]:
    """The fields of a dataset's page that tell of its labels."""
    manifest, facts = reader.manifest, reader.label_facts
    return {
        "labels": _labels(len(manifest.classes), manifest.label_kind, facts),
        "about_labels": tuple(_sentences(manifest.label_kind, facts)),
        "has_several": manifest.label_kind == "classes",
    }


def _labels(num_classes: int, kind: str, facts: LabelFacts) -> str:
    if kind == "number":
        return f"a number each, {_range(facts.values)}"
    classes = plural(num_classes, "class", "classes")
    return {"classes": f"{classes}, any number of them each", "order": f"{classes} in an order"}.get(kind, classes)


def _sentences(kind: str, facts: LabelFacts) -> list[str]:
    told = []
    if kind == "classes" and facts.num_without:
        told.append(f"{plural(facts.num_without, 'picture')} of no class.")
    if facts.num_groups:
        torn = f"{facts.num_torn:,} in two splits" if facts.num_torn else "none is in two splits"
        alone = f"; {plural(facts.num_alone, 'picture')} in no group" if facts.num_alone else ""
        told.append(f"{plural(facts.num_groups, 'group')}: {torn}{alone}.")
    if facts.weights is not None:
        told.append(f"Weights {_range(facts.weights)}.")
    if kind in {"classes", "number"}:
        told.append("Training on this kind of label is still to come.")
    return told


def _range(found: tuple[float, float] | None) -> str:
    low, high = found or (0.0, 0.0)
    return f"from {format_number(low)} to {format_number(high)}"

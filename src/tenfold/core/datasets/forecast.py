"""What a look at a source tells of an import before it begins: what it is asked for and cannot give."""

from __future__ import annotations

from collections.abc import Mapping

from tenfold.core.datasets.class_names import class_name_of
from tenfold.core.datasets.label_texts import read_number
from tenfold.core.datasets.layouts import ARCHIVE, MAX_SHOWN_CLASSES, LayoutPreview
from tenfold.core.errors import Problem

_SHOWN = 5
NOT_IN_PLACE = (
    "These pictures are parts of files, or are unpacked first, and cannot be used in place: choose the storage Packed "
    "first."
)


def needs_a_look(values: Mapping[str, object]) -> bool:
    """Whether an import asks for something that a source may not be able to give."""
    is_number = values.get("label_kind") == "number"
    return is_number or bool(values.get("class_order")) or values.get("storage") == "in place"


def forecast_problems(preview: LayoutPreview, values: Mapping[str, object]) -> list[Problem]:
    """What the fields of an import ask for that the source has not; nothing where a look cannot tell."""
    found = []
    classes = preview.look.classes
    if preview.look.lost:
        text = f"{preview.look.lost} Send or name them too, or say from which folder their paths start."
        found.append(Problem("source", text, "source.none-there"))
    listed = ", ".join(classes[:_SHOWN]) + (f" and {len(classes) - _SHOWN} more" if len(classes) > _SHOWN else "")
    if values.get("label_kind") == "number" and classes and all(read_number(name) is None for name in classes):
        text = f"The labels are {listed}, and these are no numbers: choose another kind of label."
        found.append(Problem("label_kind", text, "label.number"))
    order = values.get("class_order")
    if isinstance(order, str) and order.strip() and len(classes) < MAX_SHOWN_CLASSES:
        ordered = {class_name_of(part) for part in order.split(",")}
        missing = [name for name in classes if name not in ordered]
        if missing:
            text = f"It does not name {', '.join(missing[:_SHOWN])}: name every class once; there are {listed}."
            found.append(Problem("class_order", text, "class.order"))
    if values.get("storage") == "in place" and not preview.can_stay and preview.layout != ARCHIVE:
        found.append(Problem("storage", NOT_IN_PLACE, "storage.not-here"))
    return found

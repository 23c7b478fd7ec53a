"""The reference page of all fields, made of their declarations: `python -m tenfold.interfaces.schemas.reference`."""

from __future__ import annotations

import sys
from itertools import groupby

from tenfold.core.fields import Field, format_number
from tenfold.interfaces.schemas.requests import (
    BUCKET_FIELDS,
    CHANGE_FIELDS,
    DATASET_FIELDS,
    FILTER_FIELDS,
    IMPORT_FIELDS,
    LABEL_FIELDS,
    MODEL_FIELDS,
    OPERATION_FIELDS,
    RUN_FIELDS,
)

_HEAD = """# Fields

Made of the declarations in the code by `python -m tenfold.interfaces.schemas.reference`. A field has the same name in
the form, in the REST API, on the command line (`--batch-size` for `batch_size`) and in the Python client.
"""


def fields_reference() -> str:
    """The page as Markdown."""
    sections = {
        "A training run": RUN_FIELDS,
        "A dataset": DATASET_FIELDS,
        "A bucket": BUCKET_FIELDS,
        "A list of samples": FILTER_FIELDS,
        "An edit": CHANGE_FIELDS,
        "A search for wrong labels": LABEL_FIELDS,
        "An import of a network": IMPORT_FIELDS,
        "An import of a model": MODEL_FIELDS,
        "An operation on a network's text": OPERATION_FIELDS,
    }
    parts = [line for title, fields in sections.items() for line in _section(title, fields)]
    return "\n".join([_HEAD, *parts]) + "\n"


def _section(title: str, fields: tuple[Field, ...]) -> list[str]:
    lines = [f"## {title}", ""]
    for group, members in groupby(fields, key=lambda field: field.group):
        lines += [f"### {group}", ""] if group else []
        lines += ["| field | label | default | allowed | level |", "|---|---|---|---|---|"]
        listed = list(members)
        lines += [_row(field) for field in listed]
        lines += ["", *(f"* `{field.name}`: {field.help}" for field in listed), ""]
    return lines


def _row(field: Field) -> str:
    cells = [f"`{field.name}`", field.label, _default(field), _allowed(field), field.level]
    return f"| {' | '.join(cells)} |"


def _default(field: Field) -> str:
    if field.required:
        return "needed"
    if isinstance(field.default, bool):
        return "yes" if field.default else "no"
    if isinstance(field.default, int | float):
        return format_number(field.default)
    return str(field.default) if field.default is not None else "decided"


def _allowed(field: Field) -> str:
    words = field.range_text() or {"boolean": "yes, no", "text": "text"}.get(field.type, field.type)
    return f"{words} {field.unit}".strip()


if __name__ == "__main__":
    sys.stdout.write(fields_reference())

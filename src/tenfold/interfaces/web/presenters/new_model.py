"""The form that brings a model in, as it was sent, with what was wrong beside its cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tenfold.core.errors import InvalidFields, NameTaken, Problem, TenfoldError
from tenfold.core.inference.importing import MAX_MODEL_BYTES
from tenfold.interfaces.schemas.requests import MODEL_FIELDS
from tenfold.interfaces.web.views import forms
from tenfold.interfaces.web.views.new_model import ArrivalView, NewModelPage
from tenfold.services.model_imports import Arrival

APART = ("file", "labels", "name")
PICTURES = ("width", "height", "channels", "resize")


def new_model_page(
    typed: Mapping[str, str],
    *,
    confined: str,
    labels: str = "",
    arrival: Arrival | None = None,
    error: TenfoldError | None = None,
) -> NewModelPage:
    """The form; a file that arrived need not be sent again. `confined` says under which level it is run."""
    problems = _problems(error)
    by_field = {problem.field: problem.message for problem in reversed(problems)}
    known = {*APART, *(field.name for field in MODEL_FIELDS)}
    pictures = [field for field in MODEL_FIELDS if field.name in PICTURES]
    numbers = [field for field in MODEL_FIELDS if field.name not in PICTURES]
    return NewModelPage(
        pictures=forms.field_views(pictures, typed, problems),
        numbers=forms.field_views(numbers, typed, problems),
        max_bytes=MAX_MODEL_BYTES,
        confined=confined,
        name=typed.get("name", ""),
        labels=labels,
        arrival=ArrivalView(id=arrival.id, name=arrival.name, num_bytes=arrival.size_bytes) if arrival else None,
        problems={name: by_field[name] for name in APART if name in by_field},
        problem=" ".join(message for name, message in by_field.items() if name not in known),
    )


def _problems(error: TenfoldError | None) -> Sequence[Problem]:
    if error is None:
        return ()
    if isinstance(error, InvalidFields):
        return [Problem(each.field, _plain(each.message)) for each in error.problems]
    return [Problem("name" if isinstance(error, NameTaken) else "file", _plain(error.message))]


def _plain(sentence: str) -> str:
    """A sentence as pages show it, without the marks that programs read."""
    return sentence.replace("`", "")

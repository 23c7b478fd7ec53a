"""What a network's file said beside its text, as its page shows it, and the form that brings files in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import BadNetwork, InvalidFields, NameTaken, Problem
from tenfold.core.networks.network import Network
from tenfold.interfaces.schemas.requests import IMPORT_FIELDS
from tenfold.interfaces.web.formatting import plural
from tenfold.interfaces.web.views import forms
from tenfold.interfaces.web.views.new_network import ImportedView, LeftOut, NewNetworkPage

FILES = ("network", "solver", "weights", "name")
MAX_SHOWN = 20


def imported_view(actor: Actor, network: Network) -> ImportedView | None:
    """Nothing for a network that came from no file."""
    told: Mapping[str, Any] = network.imported
    if "file" not in told:
        return None
    training = dict(told.get("training", {}))
    can_train = actor.may("run.start") and network.state == "ready"
    return ImportedView(
        file=told["file"],
        left_out=tuple(
            LeftOut(line=each["line"], name=each["name"], kind=each["type"], why=_plain(each["why"]))
            for each in told["unsupported"][:MAX_SHOWN]
        ),
        num_left_out=told["num_unsupported"],
        notes=tuple(_plain(each) for each in told["notes"][:MAX_SHOWN]),
        unsaid=tuple(_plain(each) for each in told.get("unsaid", [])[:MAX_SHOWN]),
        weights=_weights(told.get("weights")),
        train_url=f"/runs/new?{urlencode({'network': network.name, **training})}" if training and can_train else "",
    )


def new_network_page(
    typed: Mapping[str, str], *, error: InvalidFields | BadNetwork | NameTaken | None = None, confined: str = ""
) -> NewNetworkPage:
    """The form as it was sent, with what was wrong beside its cause. Files have to be chosen anew.

    Python is offered where `confined` says under which level it would be executed.
    """
    problems = _problems(error)
    by_field = {problem.field: problem.message for problem in problems}
    known = {*FILES, *(field.name for field in IMPORT_FIELDS)}
    return NewNetworkPage(
        fields=forms.field_views(IMPORT_FIELDS, typed, problems),
        name=typed.get("name", ""),
        problems={name: by_field[name] for name in FILES if name in by_field},
        problem=" ".join(message for name, message in by_field.items() if name not in known),
        takes_python=bool(confined),
        source=typed.get("text", ""),
        confined=confined,
    )


def _problems(error: InvalidFields | BadNetwork | NameTaken | None) -> Sequence[Problem]:
    if error is None:
        return ()
    if isinstance(error, InvalidFields):
        return [Problem("network" if each.field == "text" else each.field, each.message) for each in error.problems]
    if isinstance(error, NameTaken):
        return [Problem("name", error.message)]
    return [Problem(str(error.values.get("file", "network")), _plain(error.message))]


def _plain(sentence: str) -> str:
    """A sentence as pages show it, without the marks that programs read."""
    return sentence.replace("`", "")


def _weights(about: Mapping[str, Any] | None) -> str:
    """What became of a file of weights, in a sentence."""
    if about is None:
        return ""
    counts = {"missing": "find nothing in it", "unfit": "have another shape there"}
    parts = [
        f"{plural(about[f'num_{word}'], 'tensor')} {text}" for word, text in counts.items() if about[f"num_{word}"]
    ]
    if about["num_unexpected"]:
        parts.append(
            f"{plural(about['num_unexpected'], 'part')} of it {_is(about['num_unexpected'])} not in the network"
        )
    loaded = plural(about["num_loaded"], "tensor")
    sentence = f"{loaded} of {about['file']} fit{'s' if about['num_loaded'] == 1 else ''} and are kept"
    return "; ".join([sentence, *parts]) + ". A run begins with them where its form says so."


def _is(count: int) -> str:
    return "is" if count == 1 else "are"

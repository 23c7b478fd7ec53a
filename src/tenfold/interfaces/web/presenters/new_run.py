"""The form of a new run, generated from what `TrainingSpec` and the network's text declare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.errors import InvalidFields, NotFound, Problem
from tenfold.core.fields import LEVELS, Level, fields_of
from tenfold.core.networks.custom import is_python
from tenfold.core.networks.network import NamedText
from tenfold.core.repository import Query
from tenfold.core.training.frameworks import FRAMEWORKS, Framework
from tenfold.core.training.run import Run
from tenfold.core.training.spec import TrainingSpec
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.presenters.networks import DECIDED, input_text, title
from tenfold.interfaces.web.presenters.preflight import PARAMETERS as PREFIX
from tenfold.interfaces.web.presenters.preflight import forecast_view
from tenfold.interfaces.web.presenters.python_network import why_not_run
from tenfold.interfaces.web.views import forms
from tenfold.interfaces.web.views.preflight import ForecastView
from tenfold.interfaces.web.views.runs import NetworkChoice, NewRunPage

FORM_URL = "/runs/new"
CHECK_URL = "/runs/new/check"
OWN_PLACE = ("dataset", "network", "name")
MAX_OFFERED = 500


def new_run_page(
    services: Services,
    actor: Actor,
    typed: Mapping[str, str],
    *,
    level: str = "common",
    problems: Sequence[Problem] = (),
    problem: str = "",
    probe: bool = True,
) -> NewRunPage:
    """The form as it stands: `typed` are values by the names of fields, network parameters under `parameters.`.

    A few steps are tried for pre-flight unless `probe` says no.
    """
    shown_level: Level = next((known for known in LEVELS if known == level), "common")
    offered = _datasets(services, actor)
    values = {
        "dataset": offered[0].name if offered else "",
        **{name: value for name, value in typed.items() if value or name != "dataset"},
    }
    chosen = next((dataset for dataset in offered if values["dataset"] in (dataset.name, dataset.id)), None)
    values["dataset"] = chosen.name if chosen else values["dataset"]
    views = _training_fields(services, values, problems, offered)
    own = _own_fields(services, actor, values, problems)
    shown = forms.at_level(views, shown_level)
    by_name = {view.name: view for view in views}
    everything = (*views, *own)
    return NewRunPage(
        title=f"Train on {chosen.name}" if chosen else "New run",
        level=shown_level,
        tabs=forms.level_tabs(views, shown_level),
        dataset=by_name["dataset"],
        name=by_name["name"],
        networks=_networks(services, actor, by_name["network"].value, chosen, _framework(values)),
        network_problem=by_name["network"].problem,
        groups=forms.grouped(shown, leave_out=OWN_PLACE),
        parameters=own if shown_level != "essential" or any(view.problem for view in own) else (),
        hidden=_hidden(views, own, shown, shown_level),
        changed=tuple(view for view in everything if view.is_changed and view.name not in OWN_PLACE),
        problems=tuple(view for view in everything if view.problem),
        dataset_note=_about(services, actor, chosen) if chosen else "",
        is_building=chosen is not None and chosen.state == "building",
        problem=problem or _unplaced(problems, everything),
        has_datasets=bool(offered),
        forecast=forecast_view(services, actor, values, probe=probe) if offered else ForecastView(),
    )


def check_field(services: Services, actor: Actor, typed: Mapping[str, str], name: str) -> forms.FieldView:
    """One field after a person left it, with what is wrong about it; raises `NotFound` for no field."""
    views = (*_training_fields(services, typed, (), ()), *_own_fields(services, actor, typed, ()))
    view = next((view for view in views if view.name == name), None)
    if view is None:
        raise NotFound(f"There is no field {name!r}.", code="field.not-found")
    try:
        view.field.parse(view.value)
    except InvalidFields as error:
        return forms.FieldView(**{**vars(view), "problem": error.problems[0].message})
    return view


def values_like(run: Run) -> dict[str, str]:
    """What was typed for a run, to begin another from."""
    spec = {name: forms.text_of(value) for name, value in run.spec.items() if name != "name"}
    return {**spec, **{PREFIX + name: forms.text_of(value) for name, value in run.parameters.items()}}


def split_parameters(typed: Mapping[str, str]) -> tuple[dict[str, object], dict[str, object]]:
    """The values of the specification, and those of the network's own parameters."""
    values: dict[str, object] = {name: value for name, value in typed.items() if not name.startswith(PREFIX)}
    own = {name.removeprefix(PREFIX): value for name, value in typed.items() if name.startswith(PREFIX)}
    return values, dict(own)


def _training_fields(
    services: Services, values: Mapping[str, object], problems: Sequence[Problem], offered: Sequence[Dataset]
) -> tuple[forms.FieldView, ...]:
    options = [
        forms.Option(value=dataset.name, label=dataset.name + (", being built" if dataset.state == "building" else ""))
        for dataset in offered
    ]
    wish = f"{values.get('network') or 'lenet'}-{values.get('dataset') or 'run'}"
    with services.database.read() as tx:
        free = services.runs.named.free_name(tx, wish)
    views = forms.field_views(
        fields_of(TrainingSpec),
        values,
        problems,
        options={"dataset": options, **_offered(services, _framework(values))},
        check_url=CHECK_URL,
    )
    about: dict[str, dict[str, Any]] = {
        **{name: {"form_url": FORM_URL} for name in ("dataset", "framework")},
        "name": {"proposal": free},
    }
    return tuple(replace(view, **about.get(view.name, {})) for view in views)


def _framework(values: Mapping[str, object]) -> Framework:
    """The framework that is chosen; PyTorch for a name that is none."""
    return FRAMEWORKS.get(str(values.get("framework")), FRAMEWORKS["torch"])


def _offered(services: Services, chosen: Framework) -> dict[str, list[forms.Option]]:
    """Choices of which some cannot be taken: a framework without its environment, and what the chosen one lacks."""
    missing = services.environments.missing()
    lacking = {"framework": missing, **chosen.lacking_values}
    return {
        field.name: [
            forms.Option(
                value=choice.value,
                label=choice.label,
                about=choice.help,
                why_not=lacking[field.name].get(choice.value, "").replace("`", "").rstrip("."),
            )
            for choice in field.choices
        ]
        for field in fields_of(TrainingSpec)
        if field.name in lacking
    }


def _own_fields(
    services: Services, actor: Actor, values: Mapping[str, object], problems: Sequence[Problem]
) -> tuple[forms.FieldView, ...]:
    try:
        entry = services.networks.find(actor, str(values.get("network") or "lenet"))
    except NotFound:
        return ()
    kept = services.inspections.kept(entry)
    knobs = kept.fields() if kept is not None else services.networks.knobs(entry.text, dict.fromkeys(DECIDED))
    return forms.field_views(knobs, values, problems, prefix=PREFIX, check_url=CHECK_URL)


def _hidden(
    views: Sequence[forms.FieldView], own: Sequence[forms.FieldView], shown: Sequence[forms.FieldView], level: Level
) -> tuple[forms.FieldView, ...]:
    """Changed values that the level does not show: they go along."""
    unseen = [view for view in views if view not in shown and view.name not in OWN_PLACE]
    if level == "essential" and not any(view.problem for view in own):
        unseen += own
    return tuple(view for view in unseen if view.is_changed)


def _networks(
    services: Services, actor: Actor, wanted: str, dataset: Dataset | None, framework: Framework
) -> tuple[NetworkChoice, ...]:
    offered = services.networks.choices(actor)
    if wanted and all(each.name != wanted for each in offered):
        offered = (*_named_by(services, actor, wanted), *offered)
    about: dict[str, Any] = {"dataset": dataset, "framework": framework}
    choices = [_network(services, actor, each, is_wanted=each.name == wanted, **about) for each in offered]
    return tuple(sorted(choices, key=lambda choice: choice.why_not != ""))


def _named_by(services: Services, actor: Actor, wanted: str) -> tuple[NamedText, ...]:
    """What else was asked for, as `mine@2`, under the name that it was asked by."""
    try:
        return (replace(services.networks.find(actor, wanted), name=wanted),)
    except NotFound:
        return ()


def _network(
    services: Services,
    actor: Actor,
    entry: NamedText,
    *,
    is_wanted: bool,
    dataset: Dataset | None,
    framework: Framework,
) -> NetworkChoice:
    if is_python(entry.text):
        return _python_network(services, actor, entry, is_wanted=is_wanted, framework=framework)
    meaning = services.networks.meaning(entry.text)
    misfit = services.runs.misfit(dataset, entry).replace("`", "") if dataset is not None else ""
    why_not = f"cannot learn this: {misfit}" if misfit else ""
    if meaning.graph is not None and not why_not:
        why_not = framework.why_not_network(meaning.graph).replace("`", "")
    if dataset is not None and dataset.state == "ready" and not why_not:
        manifest = services.datasets.reader(actor, dataset).manifest
        shape = (manifest.channels, manifest.height, manifest.width)
        meaning = services.networks.fit(entry.text, {"classes": len(manifest.classes)}, shape)
        if meaning.graph is None and meaning.problems:
            why_not = (
                f"does not fit pictures of {manifest.width} × {manifest.height}: {meaning.problems[0].message}".replace(
                    "`", ""
                )
            )
    return NetworkChoice(
        name=entry.name,
        title=title(entry.name),
        about=entry.title,
        num_parameters=meaning.graph.parameters if meaning.graph else None,
        input_text=input_text(meaning),
        is_chosen=is_wanted,
        why_not=why_not,
    )


def _python_network(
    services: Services, actor: Actor, entry: NamedText, *, is_wanted: bool, framework: Framework
) -> NetworkChoice:
    """A network of Python, which a worker alone knows more of."""
    why_not = why_not_run(actor)
    if not why_not and framework is not FRAMEWORKS["torch"]:
        why_not = "is trained by PyTorch alone"
    if not why_not and not services.runs.is_learnable(entry):
        why_not = "was not inspected yet"
    return NetworkChoice(
        name=entry.name,
        title=title(entry.name),
        about=entry.title,
        num_parameters=entry.version.num_parameters if entry.version is not None else None,
        input_text="",
        is_chosen=is_wanted,
        why_not=why_not,
    )


def _about(services: Services, actor: Actor, dataset: Dataset) -> str:
    if dataset.state != "ready":
        return f"{dataset.name} is still being built. The run waits in the queue and starts when it is ready."
    reader = services.datasets.reader(actor, dataset)
    manifest = reader.manifest
    colour = "grey" if manifest.channels == 1 else "in colour"
    size = f"{manifest.width} × {manifest.height}, {colour}"
    weights = " They count by their weights; validation and test count all alike." if reader.label_facts.weights else ""
    return (
        f"{manifest.split_size('train'):,} pictures to learn from in {len(manifest.classes)} classes, {size}.{weights}"
    )


def _datasets(services: Services, actor: Actor) -> list[Dataset]:
    found = services.datasets.named.page(actor, Query(where={"state": ("ready", "building")}, limit=MAX_OFFERED))
    return [dataset for dataset in found.items if services.runs.can_learn(dataset)]


def _unplaced(problems: Sequence[Problem], views: Sequence[forms.FieldView]) -> str:
    """What is wrong with no field of the form."""
    placed = {view.name for view in views}
    return " ".join(problem.message for problem in problems if problem.field not in placed)

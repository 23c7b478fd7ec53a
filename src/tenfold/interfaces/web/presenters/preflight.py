"""Pre-flight as the form of a new run shows it, and beside what a run really took."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import TenfoldError
from tenfold.core.events import Json
from tenfold.core.training.preflight.forecast import Forecast
from tenfold.core.training.run import Run
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.formatting import data_size, duration
from tenfold.interfaces.web.views.preflight import ForecastView, Mark
from tenfold.interfaces.web.views.runs import ForecastAndFact

PARAMETERS = "parameters."
_MARKS: dict[str, Mark] = {
    "fits": ("done", "good"),
    "tight": ("warn", "warn"),
    "full": ("warn", "warn"),
    "never": ("fail", "bad"),
}
_BAR = 1000


def forecast_view(services: Services, actor: Actor, typed: Mapping[str, str], *, probe: bool = True) -> ForecastView:
    """The forecast for a form as it stands; where something is wrong with it, a sentence and no figures."""
    values = {name: value for name, value in typed.items() if not name.startswith(PARAMETERS)}
    own = {name.removeprefix(PARAMETERS): value for name, value in typed.items() if name.startswith(PARAMETERS)}
    try:
        told = services.runs.preflight(actor, values, own, probe=probe)
    except TenfoldError as error:
        is_building = error.code in {"dataset.building", "network.measuring"}
        warnings = _warnings(services, actor, typed.get("network", ""))
        return ForecastView(why_none=error.message.replace("`", ""), is_measuring=is_building, warnings=warnings)
    return ForecastView(
        forecast=told,
        mark=_MARKS[told.verdict],
        bar=_share(told.memory_bytes, told),
        bar_high=_share(told.memory_high_bytes, told),
        parts=_parts(told),
        is_measuring=told.probe in {"waiting", "running"},
        why_no_time=_why_no_time(told),
        warnings=tuple(each.replace("`", "") for each in told.warnings),
    )


def _warnings(services: Services, actor: Actor, network: str) -> tuple[str, ...]:
    """What an inspection found of the network, while nothing else is known."""
    try:
        found = services.inspections.warnings(services.networks.find(actor, network)) if network else ()
    except TenfoldError:
        return ()
    return tuple(each.replace("`", "") for each in found)


def _why_no_time(told: Forecast) -> str:
    if told.probe in {"waiting", "running"}:
        return "A few steps with a small batch are being tried."
    if told.probe == "failed":
        return f"It could not be tried: {told.probe_message}"
    return told.probe_message or "The run tells after its first steps."


def _share(num_bytes: int, told: Forecast) -> int:
    return min(_BAR, round(_BAR * num_bytes / max(1, told.memory_total_bytes)))


def _parts(told: Forecast) -> tuple[tuple[str, int], ...]:
    held = told.parts
    named = (
        ("weights", held.weights),
        ("gradients and optimiser", held.gradients + held.optimizer),
        ("activations", held.activations),
        ("pictures", held.pictures),
        ("the rest", held.rest),
    )
    return tuple((word, size) for word, size in named if size)


def forecast_and_fact(run: Run) -> tuple[ForecastAndFact, ...]:
    """Memory and time as they were said before the run and as it took them; nothing while it has not trained."""
    said, taken = run.progress.get("forecast"), run.progress.get("taken")
    if not isinstance(said, dict) or not isinstance(taken, dict):
        return ()
    rows = (
        ("Peak memory", said.get("memory_bytes"), taken.get("memory_bytes"), data_size),
        ("Training time", said.get("total_s"), taken.get("seconds"), duration),
    )
    return tuple(_row(term, before, after, words) for term, before, after, words in rows)


def _row(term: str, before: Json, after: Json, words: Callable[[float], str]) -> ForecastAndFact:
    said = float(before) if isinstance(before, int | float) else None
    took = float(after) if isinstance(after, int | float) else None
    difference = f"{100 * (took - said) / said:+.0f} %".replace("-", "−") if said and took is not None else ""
    return ForecastAndFact(
        term=term,
        forecast=words(said) if said is not None else "not known",
        fact=words(took) if took is not None else "not known",
        difference=difference,
    )

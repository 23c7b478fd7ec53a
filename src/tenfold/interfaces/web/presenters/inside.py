"""The inside of a network as its page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import TenfoldError
from tenfold.core.events import LayerSeen
from tenfold.core.ids import RevisionId
from tenfold.core.inference.model import Model
from tenfold.core.training.run import Run
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.formatting import count, plural
from tenfold.interfaces.web.presenters.frame import address
from tenfold.interfaces.web.views.frame import Link
from tenfold.interfaces.web.views.inside import InsidePage, LayerView, LookView, SeenView
from tenfold.services.inside import Inside, Looked

SHOWN_WIDTH = 880
LARGEST_SCALE = 12
SMALLEST_SIDE = 12
LED_HERE = "Another page led here, so that nothing is looked at yet: press Look."


def inside_of_run(
    services: Services, actor: Actor, run: Run, looked: Looked | None, *, file: str = "", problem: str = ""
) -> InsidePage:
    """The page of a run's checkpoint; where nothing can be seen, with the reason, as a `problem` of what is asked."""
    steps = services.inside.steps(actor, run)
    best = run.progress.get("best_step")
    named = tuple((step, f"step {count(step)}{', the best' if step == best else ''}") for step in reversed(steps))
    url = address("runs", run.name)
    about: dict[str, Any] = {
        "kind": "runs",
        "of": Link(text=run.name, url=url),
        "url": f"{url}/inside",
        "steps": named,
        "is_training": run.state in {"running", "stopping"},
    }
    if looked is None or problem:
        return InsidePage(look=LookView(problem=problem or LED_HERE), **about)
    try:
        found = services.inside.of_run(actor, run.name, looked)
    except TenfoldError as error:
        return InsidePage(look=LookView(problem=error.message), step=looked.step, sample=looked.sample, **about)
    return InsidePage(look=look_view(found), **_picture(services, run.revision, found, file), **about)


def inside_of_model(
    services: Services, actor: Actor, model: Model, looked: Looked | None, *, file: str = "", problem: str = ""
) -> InsidePage:
    """The page of a model; where nothing can be seen, with the reason, as a `problem` with what was asked."""
    url = address("models", model.name)
    about: dict[str, Any] = {"kind": "models", "of": Link(text=model.name, url=url), "url": f"{url}/inside"}
    if looked is None or problem:
        return InsidePage(look=LookView(problem=problem or LED_HERE), **about)
    try:
        found = services.inside.of_model(actor, model.name, looked)
    except TenfoldError as error:
        return InsidePage(look=LookView(problem=error.message), sample=looked.sample, **about)
    return InsidePage(look=look_view(found), **_picture(services, model.revision, found, file), **about)


def _picture(services: Services, revision: RevisionId, found: Inside, file: str) -> dict[str, Any]:
    seen: dict[str, Any] = {"sample": found.sample, "step": found.step, "picture_file": file}
    if found.sample is None:
        return seen
    dataset = services.datasets.dataset_id(revision)
    sample = services.datasets.revision_reader(revision).sample(found.sample)
    thumbnail = f"/api/v1/datasets/{dataset}/samples/{found.sample}/thumbnail?revision={revision}"
    return {**seen, "picture_url": thumbnail, "picture_file": sample.path}


def look_view(found: Inside, *, after: int = 0) -> LookView:
    """What is seen of it from the layer `after` on."""
    known = len(found.layers)
    is_open = found.state in {"waiting", "running"}
    return LookView(
        layers=tuple(_layer(found.id, each) for each in found.layers[after:]),
        total=found.total,
        more_url=f"/insides/{found.id}/layers?after={known}" if is_open else "",
        problem=found.message if found.state == "failed" else "",
    )


def _layer(inside_id: str, seen: LayerSeen) -> LayerView:
    facts = cast("dict[str, Any]", seen.facts)
    activation = _seen(inside_id, "What it gives", facts["activation"], "map")
    return LayerView(
        number=seen.number,
        path=seen.path,
        kind=facts["kind"],
        shape=activation.shape,
        num_parameters=facts["parameters"],
        shared_with=facts["shared_with"],
        activation=activation,
        weights=tuple(_seen(inside_id, each["name"], each, "kernel") for each in facts["weights"]),
    )


def _seen(inside_id: str, title: str, facts: dict[str, Any], what: str) -> SeenView:
    tiles = facts["tiles"]
    width, height = tiles["picture"]
    scale = max(1, min(LARGEST_SCALE, SHOWN_WIDTH // width))
    is_signed = tiles["scale"] == "around-zero"
    most = max(abs(facts["low"]), abs(facts["high"]))
    return SeenView(
        title=title,
        url=f"/api/v1/insides/{inside_id}/tiles/{tiles['file']}",
        width=width * scale,
        height=max(SMALLEST_SIDE, height * scale),
        tiles=f"{tiles['columns']},{tiles['width']},{tiles['height']},{tiles['every']},{tiles['shown']}",
        shape=" × ".join(map(str, facts["shape"])),
        mean=facts["mean"],
        std=facts["std"],
        low=-most if is_signed else facts["low"],
        high=most if is_signed else facts["high"],
        is_signed=is_signed,
        zeros=facts["zeros"],
        strange=facts["strange"],
        histogram=_area(facts["histogram"]),
        about_tiles=_about(tiles, what),
    )


def _about(tiles: dict[str, Any], what: str) -> str:
    total, shown = tiles["total"], tiles["shown"]
    parts = []
    if total > 1:
        size = f"{tiles['height']} × {tiles['width']}"
        parts.append(
            f"{plural(total, what)} of {size}" if shown == total else f"{count(shown)} of {count(total)} {what}s"
        )
    if tiles["every"] > 1:
        parts.append(f"every {tiles['every']}th value of each axis is shown")
    return ", ".join(parts)


def _area(counts: Sequence[int]) -> str:
    most = max(counts, default=0) or 1
    step = 100 / max(1, len(counts))
    bars = [f"V{24 - 23 * number / most:.1f}H{(index + 1) * step:.2f}" for index, number in enumerate(counts)]
    return f"M0 24{''.join(bars)}V24Z"

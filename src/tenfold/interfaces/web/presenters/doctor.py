"""The doctor's findings as the page of a dataset shows them."""

from __future__ import annotations

from urllib.parse import urlencode

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.health.codes import CODES
from tenfold.core.datasets.health.findings import Finding, Report
from tenfold.core.repository import Query
from tenfold.interfaces.schemas.requests import LABEL_FIELDS
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.presenters.frame import address, moment
from tenfold.interfaces.web.views.doctor import DoctorView, FindingView
from tenfold.interfaces.web.views.forms import Option, field_views
from tenfold.interfaces.web.views.home import Progress
from tenfold.services.checkups import Standing

MAX_MODELS = 20
NOT_JUDGED = "No labels were judged: that takes a model, or some runs of their own."
SHOWN = {"wrong-label": "Go through"}
NOT_CHECKED = "Not checked yet."
GOOD_WORDS = {
    "leak": "leaks between splits",
    "contradiction": "twins of different classes",
    "unreadable": "unreadable files",
    "wrong-label": "doubtful labels",
    "tiny-class": "tiny classes",
    "class-twin": "classes that differ by case alone",
    "imbalance": "unequal classes",
    "faint": "dark or flat pictures throughout",
    "blank": "blank pictures",
    "extreme-light": "very dark or bright ones",
    "extreme-size": "very small ones",
    "extreme-shape": "very long ones",
    "outlier": "outliers",
    "duplicate": "duplicates",
    "near-duplicate": "near duplicates",
}


def doctor(services: Services, actor: Actor, dataset: Dataset, *, shown: str = "", number: int = 1) -> DoctorView:
    """The doctor of a ready dataset; `shown` is the finding that the gallery shows, `number` that of the revision."""
    standing = services.checkups.standing(actor, dataset)
    report, url = standing.report, address("datasets", dataset.name)
    can_edit = actor.may("dataset.edit", owner=dataset.owner)
    can_judge = can_edit and not standing.is_open and actor.may("run.start") and services.runs.can_learn(dataset)
    fix = f"{url}/revisions/{dataset.revision}/findings" if can_edit else ""
    return DoctorView(
        findings=tuple(_finding(each, url, fix, shown) for each in report.findings) if report else (),
        good=_good(report) if report else "",
        judged=_judged(report) if report else NOT_JUDGED,
        checked_at=moment(standing.checked_at) if standing.checked_at is not None else None,
        progress=checkup_progress(standing, dataset) if standing.is_open and not standing.reason else None,
        notice=standing.reason if standing.is_open else NOT_CHECKED if report is None else "",
        problem=f"The checkup failed: {standing.message}" if standing.state == "failed" else "",
        check_url=f"{url}/check" if can_edit and not standing.is_open else "",
        stop_url=f"{url}/check/stop" if can_edit and standing.is_open else "",
        models=_models(services, actor, dataset) if can_edit else (),
        labels_url=f"{url}/check/labels" if can_judge else "",
        label_fields=tuple(field_views(LABEL_FIELDS, {}, options=_networks(services, actor, dataset))),
        number=number,
        next_number=1 + services.revisions.history(actor, dataset, limit=1).total,
    )


def _models(services: Services, actor: Actor, dataset: Dataset) -> tuple[str, ...]:
    """The newest models that learnt from any revision of the dataset."""
    revisions = tuple(services.revisions.numbers(actor, dataset))
    found = services.models.named.page(actor, Query(where={"revision": revisions}, limit=MAX_MODELS))
    return tuple(model.name for model in found.items)


def _networks(services: Services, actor: Actor, dataset: Dataset) -> dict[str, list[Option]]:
    able = [each for each in services.networks.choices(actor) if not services.runs.misfit(dataset, each)]
    return {"network": [Option(value=each.name, label=each.title or each.name) for each in able]}


def checkup_progress(standing: Standing, dataset: Dataset) -> Progress:
    """How far a checkup is."""
    told = {name: value for name, value in standing.progress.items() if isinstance(value, int | float)}
    left = told.get("seconds_left", 0)
    return Progress(
        kind="checkup",
        name=dataset.name,
        done=int(told.get("done", 0)),
        total=int(told.get("total", 0)),
        unit="pictures",
        seconds_left=float(left) if left >= 1 else None,
    )


def _finding(finding: Finding, url: str, fix: str, shown: str) -> FindingView:
    is_files = finding.code == "unreadable"
    query = urlencode({"finding": finding.code, "sort": "finding"})
    show_url = f"{url}?tab=rejected" if is_files else f"{url}?{query}#pictures" if finding.num_samples else ""
    return FindingView(
        sentence=finding.sentence,
        why=finding.why,
        is_bad=finding.severity == "bad",
        is_shown=finding.code == shown,
        fix_word=finding.fix.word if finding.fix and fix else "",
        fix_url=f"{fix}/{finding.code}/fix" if finding.fix and fix else "",
        show_word="Name them" if is_files else f"{SHOWN.get(finding.code, 'Show')} {finding.num_samples:,}",
        show_url=show_url,
    )


def _judged(report: Report) -> str:
    """Which labels were judged, and by whom."""
    by = report.judged
    if not by.names:
        return NOT_JUDGED
    whom = f"{by.num_folds} runs on folds" if by.num_folds else by.names[0]
    alone = "" if by.num_unseen >= report.num_samples else ", those that it had not learnt from"
    return f"Labels of {by.num_unseen:,} pictures were judged by {whom}{alone}, right in {100 * by.accuracy:.1f} %."


def _good(report: Report) -> str:
    """What was looked for in vain, as one line."""
    found = {finding.code for finding in report.findings}
    words = [GOOD_WORDS[code] for code in CODES if code in report.checked and code not in found and code in GOOD_WORDS]
    if len(words) <= 1:
        return f"No {words[0]}" if words else ""
    return f"No {', '.join(words[:-1])} or {words[-1]}"

"""Datasets as pages show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.exporting import ExportSpec
from tenfold.core.datasets.health.findings import Report
from tenfold.core.datasets.model import ONE_CLASS, SPLITS, RevisionManifest, rejected_kinds
from tenfold.core.datasets.ports import RevisionReader
from tenfold.core.datasets.sample_data import SAMPLE_DATASETS, SampleDataset
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.events import Json
from tenfold.core.fields import fields_of
from tenfold.core.ids import UserId
from tenfold.core.numerals import whole_number
from tenfold.core.repository import Query
from tenfold.interfaces.api.present import pixel_revision, thumbnail_address
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.formatting import plural
from tenfold.interfaces.web.presenters.doctor import doctor
from tenfold.interfaces.web.presenters.frame import address, moment, named_view, person
from tenfold.interfaces.web.presenters.gallery import WORDS, gallery, histograms
from tenfold.interfaces.web.presenters.labels import label_views
from tenfold.interfaces.web.presenters.runs import run_row
from tenfold.interfaces.web.views import datasets as views
from tenfold.interfaces.web.views.frame import AboutForm, Link
from tenfold.interfaces.web.views.home import Action, DatasetFact, Failure, Progress, Sample

_LABEL_KIND = next(field for field in fields_of(DatasetSpec) if field.name == "label_kind")
SHOWN_REJECTED = 200
LOOK_AT_REJECTED = 10_000
SHOWN_REVISIONS = 50
THUMBNAILS = 4


def dataset_row(services: Services, actor: Actor, dataset: Dataset) -> views.DatasetRow:
    """One line of the list."""
    reader = services.datasets.reader(actor, dataset) if dataset.state == "ready" else None
    manifest = reader.manifest if reader else None
    revision = services.datasets.revision(actor, dataset)
    report = services.checkups.standing(actor, dataset).report if manifest else None
    counts = [f"{manifest.split_size(split):,}" for split in SPLITS] if manifest else []
    return views.DatasetRow(
        named=named_view(services, actor, "datasets", dataset, used_by=used_by(services, actor, dataset)),
        state=dataset.state,
        thumbnails=_thumbnails(dataset, reader) if reader else (),
        num_samples=dataset.num_samples,
        num_classes=dataset.num_classes,
        split_text=" · ".join(counts),
        num_rejected=manifest.num_rejected if manifest else 0,
        num_bytes=revision.size_bytes if revision else 0,
        task=dataset.task,
        changed_at=moment(dataset.changed_at),
        findings=_findings(report),
        has_bad_findings=report is not None and report.num_bad > 0,
        progress=progress(dataset),
        can_train=services.runs.can_learn(dataset),
    )


def _findings(report: Report | None) -> str:
    """How many there are; empty before the first checkup."""
    if report is None:
        return ""
    return plural(len(report.findings), "finding") if report.findings else "none"


def dataset_fact(dataset: Dataset) -> DatasetFact:
    link = Link(text=dataset.name, url=address("datasets", dataset.name))
    return DatasetFact(subject=link, state=dataset.state, num_samples=dataset.num_samples)


def progress(dataset: Dataset) -> Progress | None:
    """How far the building is; `None` when it is over."""
    if dataset.state != "building" and not dataset.activity:
        return None
    told = dataset.progress
    left = told.get("seconds_left")
    return Progress(
        kind="dataset",
        name=dataset.name,
        done=_count(told.get("done")),
        total=_count(told.get("total")),
        unit="pictures",
        seconds_left=float(left) if isinstance(left, int | float) and left >= 1 else None,
    )


def failure(dataset: Dataset, *, can_edit: bool) -> Failure:
    """Why a dataset could not be built."""
    url = address("datasets", dataset.name)
    folder = dataset.source.get("folder")
    again = f"/datasets/new?{urlencode({'folder': str(folder)})}" if folder else ""
    offered = (
        Action(word="Add it again", url=again or "/datasets/new", is_key=True),
        Action(word="Delete", url=f"{url}/trash", is_post=True),
    )
    return Failure(
        subject=Link(text=dataset.name, url=url),
        what="was stopped" if dataset.code == "dataset.stopped" else "could not be built",
        sentences=(dataset.message or "It gave no reason.",),
        code=dataset.code or "failed",
        at=moment(dataset.changed_at),
        actions=offered if can_edit else (),
    )


def dataset_page(
    services: Services,
    actor: Actor,
    dataset: Dataset,
    *,
    tab: str = "",
    filters: Mapping[str, str] | None = None,
    about_form: AboutForm | None = None,
    edit: views.EditForm | None = None,
) -> views.DatasetPage:
    """One dataset; `filters` are what the address asks of its gallery, `edit` a change that was refused.

    With `revision` in the address it is shown as it was then, and nothing can be changed.
    """
    asked = filters or {}
    shown = services.revisions.at(actor, dataset, asked["revision"]) if asked.get("revision") else dataset
    earlier = services.revisions.numbers(actor, dataset)[shown.revision] if shown.revision != dataset.revision else 0
    can_edit = actor.may("dataset.change", owner=dataset.owner) and not earlier
    held = services.datasets.named.used_by(actor, dataset)
    reader = services.datasets.reader(actor, shown) if shown.state == "ready" else None
    is_packed = reader is not None and reader.manifest.in_place is None
    runs = services.runs.named.page(actor, Query(where={"dataset": dataset.id}, limit=50))
    past = history(services, actor, dataset, cursor=asked.get("cursor", "") if tab == "revisions" else "")
    wanted: views.DatasetTab = next((known for known in views.TABS if known == tab), "pictures")
    is_idle = progress(dataset) is None
    can_train = actor.may("run.start") and not earlier and dataset.state != "failed"
    parts: dict[str, Any] = {}
    if reader is not None:
        changing = (edit or views.EditForm()) if can_edit and is_packed else None
        parts = _of_revision(services, actor, shown, asked, tab=wanted, edit=changing, earlier=earlier)
        if is_packed and not earlier:
            found = asked.get("finding", "")
            parts["doctor"] = doctor(services, actor, dataset, shown=found, number=_current_number(past))
    return views.DatasetPage(
        named=named_view(
            services,
            actor,
            "datasets",
            dataset,
            used_by=used_by(services, actor, dataset),
            held_by=f"used by {', '.join(held)}." if held else "",
        ),
        state=dataset.state,
        task=dataset.task,
        earlier=earlier,
        tab=wanted if reader or wanted == "runs" else "pictures",
        progress=progress(dataset),
        activity=dataset.activity,
        is_in_place=reader is not None and not is_packed,
        can_pack=can_edit and reader is not None and not is_packed and is_idle,
        can_stop=can_edit and not is_idle,
        can_add=can_edit and is_packed and is_idle,
        addition_problem=str(dataset.progress.get("problem", "")),
        failure=failure(dataset, can_edit=can_edit) if dataset.state == "failed" else None,
        num_bytes=services.revisions.size_bytes(actor, dataset),
        history=past,
        runs=tuple(run_row(services, actor, run) for run in runs.items),
        num_runs=runs.total,
        source=_source(dataset, reader.manifest if reader else None),
        train_url=f"/runs/new?{urlencode({'dataset': dataset.name})}"
        if can_train and services.runs.can_learn(dataset)
        else "",
        about_form=about_form,
        **parts,
    )


def _of_revision(
    services: Services,
    actor: Actor,
    dataset: Dataset,
    asked: Mapping[str, str],
    *,
    tab: str,
    edit: views.EditForm | None,
    earlier: int,
) -> dict[str, Any]:
    """What the page shows of one revision; a gallery and who is left out only where the tab is theirs."""
    reader = services.datasets.reader(actor, dataset)
    manifest, shown = reader.manifest, None
    if tab == "pictures":
        shown = gallery(
            reader,
            dataset,
            asked,
            edit,
            marks=lambda wanted: services.checkups.marks(actor, dataset, wanted),
            judges=_judges(services, actor, dataset, manifest),
            earlier=earlier,
        )
    return {
        "splits": _splits(manifest),
        "picture_size": f"{manifest.width} × {manifest.height}",
        "picture_about": _about_pictures(manifest),
        "num_excluded": manifest.num_excluded,
        "num_deleted": manifest.num_deleted,
        "classes": _classes(dataset, manifest, earlier),
        "gallery": shown,
        "histograms": histograms(reader, dataset) if manifest.in_place is None else (),
        "num_rejected": manifest.num_rejected,
        "notes": manifest.notes,
        "mean_url": _mean_url(dataset, manifest),
        "normalised": _normalised(manifest),
        "exports": _exports(dataset, manifest),
        **_rejected(reader, dataset, asked if tab == "rejected" else {}),
        **label_views(reader),
    }


def _judges(
    services: Services, actor: Actor, dataset: Dataset, manifest: RevisionManifest
) -> tuple[tuple[str, bool], ...]:
    """The models that the pictures can be sorted by, and whether each has judged them."""
    if manifest.in_place is not None or manifest.label_kind not in ONE_CLASS:
        return ()
    return tuple((model.name, has_judged) for model, has_judged in services.checkups.able_judges(actor, dataset))


def _current_number(past: views.History) -> int:
    return next((revision.number for revision in past.revisions if revision.is_current), 1)


def _about_pictures(manifest: RevisionManifest) -> str:
    """Colour and depth in words; what is stretched for the eye says so."""
    decode = manifest.preprocessing.decode
    colour = {"grey": "grey", "rgb": "colour"}.get(decode.mode, plural(manifest.channels, "channel"))
    depth = {"uint16": "16 bit", "float32": "32 bit"}.get(decode.depth)
    return f"{colour}, {depth}, shown stretched" if depth else colour


def _exports(dataset: Dataset, manifest: RevisionManifest) -> tuple[views.Export, ...]:
    """The formats that can hold the labels of a dataset, with the address of the archive of each."""
    (field,) = fields_of(ExportSpec)
    url = f"/api/v1{address('datasets', dataset.name)}/export?revision={dataset.revision}"
    return tuple(
        views.Export(label=choice.label, help=choice.help, url=f"{url}&format={choice.value}")
        for choice in field.choices
        if choice.value != "folders" or manifest.label_kind in ONE_CLASS
    )


def _mean_url(dataset: Dataset, manifest: RevisionManifest | None) -> str:
    if manifest is None or all(file.name != "mean.npy" for file in manifest.files):
        return ""
    return f"/api/v1{address('datasets', dataset.name)}/mean?revision={dataset.revision}"


def _normalised(manifest: RevisionManifest) -> tuple[views.Fact, ...]:
    """Mean and standard deviation of the training split, by channel, black 0 and white 1."""
    statistics = manifest.statistics
    return tuple(
        views.Fact(term=term, value=" · ".join(f"{value:.3f}" for value in values[:8]))
        for term, values in (("Mean", statistics.mean), ("Standard deviation", statistics.std))
    )


def used_by(services: Services, actor: Actor, dataset: Dataset) -> str:
    total = services.runs.named.page(actor, Query(where={"dataset": dataset.id}, limit=1)).total
    return plural(total, "run") if total else ""


def samples() -> tuple[Sample, ...]:
    """The public datasets that can be had with one press."""
    return tuple(_sample(sample) for sample in SAMPLE_DATASETS.values())


def _sample(sample: SampleDataset) -> Sample:
    return Sample(
        name=sample.name,
        title=sample.title.partition(",")[0],
        about=sample.description,
        num_samples=sample.num_pictures,
        num_bytes=sample.download_bytes,
        licence=sample.licence,
        try_url=f"/datasets/samples/{sample.name}/try",
    )


def _thumbnails(dataset: Dataset, reader: RevisionReader) -> tuple[str, ...]:
    """Pictures for training from everywhere."""
    indices = reader.indices("train")
    shown = min(THUMBNAILS, len(indices))
    revision = pixel_revision(dataset.revision, reader.manifest)
    places = (number * len(indices) // shown for number in range(shown))
    return tuple(thumbnail_address(dataset.name, revision, int(indices[place])) for place in places)


def _splits(manifest: RevisionManifest) -> tuple[views.SplitFact, ...]:
    total = max(1, manifest.num_samples)
    return tuple(
        views.SplitFact(
            title=WORDS[split].capitalize(),
            num_samples=manifest.split_size(split),
            share=manifest.split_size(split) / total,
        )
        for split in SPLITS
    )


def _classes(dataset: Dataset, manifest: RevisionManifest, earlier: int) -> tuple[views.ClassRow, ...]:
    at = {"revision": str(earlier)} if earlier else {}
    return tuple(
        views.ClassRow(
            name=name,
            num_training=manifest.counts["train"][index],
            num_validation=manifest.counts["val"][index],
            num_test=manifest.counts["test"][index],
            url=f"{address('datasets', dataset.name)}?{urlencode({'class': name, **at})}#pictures",
        )
        for index, name in enumerate(manifest.classes)
    )


def _rejected(reader: RevisionReader, dataset: Dataset, asked: Mapping[str, str]) -> dict[str, Any]:
    first = whole_number(asked.get("cursor", "")) or 0
    found = reader.rejected(after=first, limit=SHOWN_REJECTED)
    more = first + len(found) < reader.manifest.num_rejected
    url = f"{address('datasets', dataset.name)}?tab=rejected&cursor={first + len(found)}"
    rejected = tuple(views.Rejected(file=each.path, reason=each.message) for each in found)
    examples = reader.rejected(limit=LOOK_AT_REJECTED) if reader.manifest.num_rejected > 1 else ()
    kinds = rejected_kinds(reader.manifest.rejected_by_code, examples)
    causes = tuple(f"{kind.count:,} × {kind.first.message}" for kind in kinds) if len(kinds) > 1 else ()
    return {"rejected": rejected, "rejected_causes": causes, "rejected_next_url": url if more else ""}


def history(services: Services, actor: Actor, dataset: Dataset, *, cursor: str = "") -> views.History:
    """The newest revisions from a cursor on, and what undo and redo lead to."""
    page = services.revisions.history(actor, dataset, cursor=cursor, limit=SHOWN_REVISIONS)
    undo, redo = services.revisions.neighbours(actor, dataset)
    url = address("datasets", dataset.name)
    turn = f"{url}/revisions/{dataset.revision}" if actor.may("dataset.edit", owner=dataset.owner) else ""
    numbers = services.revisions.numbers(actor, dataset)
    return views.History(
        revisions=tuple(
            views.Revision(
                number=each.number,
                id=each.id,
                created_at=moment(each.created_at),
                num_samples=_count(each.facts.get("num_samples")),
                content=each.content or each.manifest,
                url=url if each.id == dataset.revision else f"{url}?{urlencode({'revision': each.number})}",
                is_current=each.id == dataset.revision,
                author=person(services, UserId(each.author or dataset.owner)),
                summary=each.summary,
                made_from=numbers.get(each.parent, 0),
            )
            for each in page.items
        ),
        total=page.total,
        undo_url=f"{turn}/undo" if turn and undo else "",
        redo_url=f"{turn}/redo" if turn and redo else "",
        next_url=f"{url}?{urlencode({'tab': 'revisions', 'cursor': page.cursor})}" if page.cursor else "",
    )


def _source(dataset: Dataset, manifest: RevisionManifest | None) -> tuple[views.Fact, ...]:
    source = dataset.source
    facts = []
    if "folder" in source:
        facts.append(views.Fact(term="Folder", value=str(source["folder"]), is_code=True))
    if "file" in source:
        facts.append(views.Fact(term="Sent", value=str(source["file"]), is_code=True))
    for key, term in (("bucket", "Bucket"), ("endpoint", "Endpoint"), ("url", "Address")):
        if key in source:
            facts.append(views.Fact(term=term, value=str(source[key]), is_code=True))
    if "sample" in source:
        facts.append(views.Fact(term="Known set", value=SAMPLE_DATASETS[str(source["sample"])].title))
    kind = next(each.label for each in _LABEL_KIND.choices if each.value == dataset.label_kind)
    facts.append(views.Fact(term="Kind of label", value=kind))
    if manifest is not None:
        facts.append(views.Fact(term="Files seen", value=f"{manifest.seen:,}"))
        facts.append(views.Fact(term="Seed of the split", value=str(dataset.spec.get("seed", ""))))
    return tuple(facts)


def _count(value: Json) -> int:
    return int(value) if isinstance(value, int | float) else 0

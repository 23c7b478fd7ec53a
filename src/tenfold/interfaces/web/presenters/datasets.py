"""Datasets as pages show them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from urllib.parse import urlencode

from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.model import SPLITS, RevisionManifest, Split
from tenfold.core.datasets.ports import IndexedSample, RevisionReader
from tenfold.core.datasets.sample_data import SAMPLE_DATASETS, SampleDataset
from tenfold.core.events import Json
from tenfold.core.numerals import whole_number
from tenfold.core.repository import Query
from tenfold.interfaces.api.present import thumbnail_address
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.formatting import plural
from tenfold.interfaces.web.presenters.frame import address, moment, named_view
from tenfold.interfaces.web.presenters.runs import run_row
from tenfold.interfaces.web.views import datasets as views
from tenfold.interfaces.web.views.forms import Option
from tenfold.interfaces.web.views.frame import AboutForm, Link
from tenfold.interfaces.web.views.home import Action, DatasetFact, Failure, Progress, Sample

WORDS: dict[Split, str] = {"train": "training", "val": "validation", "test": "test"}
PAGE = 200
SHOWN_REJECTED = 200
THUMBNAILS = 4
GOLDEN = 0.6180339887  # steps of this part of a list visit all of it evenly
SMALL = 64  # pictures under this many pixels are enlarged unsmoothed


def dataset_row(services: Services, actor: Actor, dataset: Dataset) -> views.DatasetRow:
    """One line of the list."""
    manifest = services.datasets.reader(actor, dataset).manifest if dataset.state == "ready" else None
    revision = services.datasets.revision(actor, dataset)
    counts = [f"{manifest.split_size(split):,}" for split in SPLITS] if manifest else []
    return views.DatasetRow(
        named=named_view(services, actor, "datasets", dataset, used_by=used_by(services, actor, dataset)),
        state=dataset.state,
        thumbnails=_thumbnails(dataset, manifest.num_samples) if manifest else (),
        num_samples=dataset.num_samples,
        num_classes=dataset.num_classes,
        split_text=" · ".join(counts),
        num_rejected=manifest.num_rejected if manifest else 0,
        num_bytes=revision.size_bytes if revision else 0,
        progress=progress(dataset),
    )


def dataset_fact(dataset: Dataset) -> DatasetFact:
    link = Link(text=dataset.name, url=address("datasets", dataset.name))
    return DatasetFact(subject=link, state=dataset.state, num_samples=dataset.num_samples)


def progress(dataset: Dataset) -> Progress | None:
    """How far the building is; `None` when it is over."""
    if dataset.state != "building":
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
) -> views.DatasetPage:
    """One dataset; `filters` are `class`, `split`, `after` and `first` of its gallery."""
    can_edit = actor.may("dataset.change", owner=dataset.owner)
    held = services.datasets.named.used_by(actor, dataset)
    manifest = services.datasets.reader(actor, dataset).manifest if dataset.state == "ready" else None
    runs = services.runs.named.page(actor, Query(where={"dataset": dataset.id}, limit=50))
    is_runs = tab == "runs"
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
        tab="runs" if is_runs else "pictures",
        progress=progress(dataset),
        can_stop=can_edit and dataset.state == "building",
        failure=failure(dataset, can_edit=can_edit) if dataset.state == "failed" else None,
        splits=_splits(manifest) if manifest else (),
        picture_size=f"{manifest.width} × {manifest.height}" if manifest else "",
        picture_about=_about_pictures(manifest) if manifest else "",
        num_bytes=manifest.size_bytes if manifest else 0,
        classes=_classes(dataset, manifest) if manifest else (),
        gallery=_gallery(services.datasets.reader(actor, dataset), dataset, filters or {})
        if manifest and not is_runs
        else None,
        num_rejected=manifest.num_rejected if manifest else 0,
        rejected=_rejected(manifest) if manifest else (),
        revisions=_revisions(services, actor, dataset),
        runs=tuple(run_row(services, actor, run) for run in runs.items),
        num_runs=runs.total,
        source=_source(dataset, manifest),
        notes=manifest.notes if manifest else (),
        mean_url=_mean_url(dataset, manifest),
        normalised=_normalised(manifest) if manifest else (),
        train_url=f"/runs/new?{urlencode({'dataset': dataset.name})}"
        if actor.may("run.start") and dataset.state != "failed"
        else "",
        about_form=about_form,
    )


def _about_pictures(manifest: RevisionManifest) -> str:
    """Colour and depth in words; what is stretched for the eye says so."""
    decode = manifest.preprocessing.decode
    colour = {"grey": "grey", "rgb": "colour"}.get(decode.mode, plural(manifest.channels, "channel"))
    depth = {"uint16": "16 bit", "float32": "32 bit"}.get(decode.depth)
    return f"{colour}, {depth}, shown stretched" if depth else colour


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


def picture(dataset: str, revision: str, classes: tuple[str, ...], sample: IndexedSample) -> views.PictureView:
    """A picture of a dataset with its class and split in words."""
    url, record = thumbnail_address(dataset, revision, sample.index), sample.record
    label, split = classes[record.label], WORDS[record.split] if record.split else "Excluded"
    return views.PictureView(url=url, thumbnail_url=url, label=label, split=split, file=record.path)


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


def _thumbnails(dataset: Dataset, num_samples: int) -> tuple[str, ...]:
    shown = min(THUMBNAILS, num_samples)
    return tuple(
        thumbnail_address(dataset.name, dataset.revision, number * num_samples // shown) for number in range(shown)
    )


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


def _classes(dataset: Dataset, manifest: RevisionManifest) -> tuple[views.ClassRow, ...]:
    return tuple(
        views.ClassRow(
            name=name,
            num_training=manifest.counts["train"][index],
            num_validation=manifest.counts["val"][index],
            num_test=manifest.counts["test"][index],
            url=f"{address('datasets', dataset.name)}?{urlencode({'class': name})}#pictures",
        )
        for index, name in enumerate(manifest.classes)
    )


def _gallery(reader: RevisionReader, dataset: Dataset, filters: Mapping[str, str]) -> views.Gallery:
    manifest = reader.manifest
    split = next((known for known in SPLITS if known == filters.get("split")), None)
    label = filters.get("class", "")
    index = manifest.classes.index(label) if label in manifest.classes else None
    after = whole_number(filters.get("after", ""))
    first = whole_number(filters.get("first", "")) or 1
    found = _mixed(reader, split, first) if index is None else _of_class(reader, split, index, after)
    kept = {name: value for name, value in (("class", label if index is not None else ""), ("split", split)) if value}
    fitting = _fitting(manifest, split, index)
    url = address("datasets", dataset.name)
    has_more = bool(found) and first + len(found) <= fitting
    following = {**kept, "after": str(found[-1].index), "first": str(first + len(found))} if has_more else {}
    return views.Gallery(
        pictures=tuple(picture(dataset.name, dataset.revision, manifest.classes, each) for each in found),
        first=first,
        num_fitting=fitting,
        classes=tuple(Option(value=name, label=name) for name in manifest.classes),
        splits=tuple(Option(value=each, label=WORDS[each]) for each in SPLITS),
        chosen_class=kept.get("class", ""),
        chosen_split=kept.get("split", ""),
        is_small=max(manifest.width, manifest.height) < SMALL,
        previous_url=f"{url}?{urlencode(kept)}#pictures" if after is not None else "",
        next_url=f"{url}?{urlencode(following)}#pictures" if has_more else "",
    )


def _of_class(reader: RevisionReader, split: Split | None, index: int, after: int | None) -> list[IndexedSample]:
    return reader.page(split=split, label=index, after=-1 if after is None else after, limit=PAGE)


def _mixed(reader: RevisionReader, split: Split | None, first: int) -> list[IndexedSample]:
    """Pictures of all classes in an order that mixes them and never changes; `first` counts from 1."""
    indices = reader.indices(split)
    size = len(indices)
    stride = next(step for step in range(max(1, round(size * GOLDEN)), 2 * size + 3) if math.gcd(step, size) == 1)
    places = range(first - 1, min(first - 1 + PAGE, size))
    chosen = [int(indices[place * stride % size]) for place in places]
    return [IndexedSample(index, reader.sample(index)) for index in chosen]


def _fitting(manifest: RevisionManifest, split: Split | None, index: int | None) -> int:
    """How many pictures are of a split and a class."""
    splits = [split] if split else SPLITS
    return sum(manifest.split_size(each) if index is None else manifest.counts[each][index] for each in splits)


def _rejected(manifest: RevisionManifest) -> tuple[views.Rejected, ...]:
    return tuple(views.Rejected(file=each.path, reason=each.message) for each in manifest.rejected[:SHOWN_REJECTED])


def _revisions(services: Services, actor: Actor, dataset: Dataset) -> tuple[views.Revision, ...]:
    revision = services.datasets.revision(actor, dataset)
    if revision is None:
        return ()
    return (
        views.Revision(
            number=revision.number,
            id=revision.id,
            created_at=moment(revision.created_at),
            num_samples=dataset.num_samples,
            manifest_hash=revision.manifest,
            is_current=True,
        ),
    )


def _source(dataset: Dataset, manifest: RevisionManifest | None) -> tuple[views.Fact, ...]:
    source = dataset.source
    facts = []
    if "folder" in source:
        facts.append(views.Fact(term="Folder", value=str(source["folder"]), is_code=True))
    if "file" in source:
        facts.append(views.Fact(term="Archive", value=str(source["file"]), is_code=True))
    if "sample" in source:
        facts.append(views.Fact(term="Known set", value=SAMPLE_DATASETS[str(source["sample"])].title))
    facts.append(views.Fact(term="Kind", value="one folder a class"))
    if manifest is not None:
        facts.append(views.Fact(term="Files seen", value=f"{manifest.seen:,}"))
        facts.append(views.Fact(term="Seed of the split", value=str(dataset.spec.get("seed", ""))))
    return tuple(facts)


def _count(value: Json) -> int:
    return int(value) if isinstance(value, int | float) else 0

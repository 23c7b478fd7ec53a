"""The pictures of a dataset as its page shows them: a filter, and one page of what it finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.distribution import Bar
from tenfold.core.datasets.filtering import RANGED, VALUE, SampleFilter
from tenfold.core.datasets.marks import Marks
from tenfold.core.datasets.model import ONE_CLASS, RevisionManifest, Split
from tenfold.core.datasets.ports import IndexedSample, RevisionReader, SamplePage
from tenfold.core.errors import InvalidFields, NotFound, Problem
from tenfold.core.fields import Field, fields_of, format_number, parse_spec, spec_values
from tenfold.interfaces.api.present import label_text, pixel_revision, thumbnail_address
from tenfold.interfaces.web.formatting import data_size
from tenfold.interfaces.web.presenters.frame import address
from tenfold.interfaces.web.views import datasets as views
from tenfold.interfaces.web.views.forms import FieldView, Option, field_views

WORDS: dict[Split, str] = {"train": "training", "val": "validation", "test": "test"}
PAGE = 200
SMALL = 64  # pictures under this many pixels are enlarged unsmoothed
IN_BAR = ("label", "split", "finding", "group", "text", "sort", "model")
MIXED = {"sort": "mixed"}
CLASS = "class"  # what the address calls the field `label`


def gallery(
    reader: RevisionReader,
    dataset: Dataset,
    asked: Mapping[str, str],
    edit: views.EditForm | None,
    *,
    marks: Callable[[SampleFilter], Marks],
    judges: Sequence[tuple[str, bool]] = (),
    earlier: int = 0,
) -> views.Gallery:
    """The gallery that an address asks for; what is wrong in it is told beside its field and left out.

    `edit` is the form under it, `None` for who may not edit; `marks` gives what is known of a finding; `judges` are
    models that fit, and whether they have judged; `earlier` is the number of the dataset's revision where that is not
    the current one.
    """
    given = {("label" if name == CLASS else name): value for name, value in asked.items() if value}
    manifest = reader.manifest
    fields = _fields(manifest)
    typed = {field.name: given[field.name] for field in fields if field.name in given}
    wanted, known, problems = _parsed(typed, reader, marks)
    found = _page(reader, wanted, given.get("after", ""), known)
    values = {name: value for name, value in spec_values(wanted).items() if value is not None}
    options = {
        "label": [Option(value=name, label=name) for name in reader.classes],
        **{
            field.name: [Option(value=choice.value, label=choice.label) for choice in field.choices]
            for field in fields
            if field.name in {"split", "finding"}
        },
        "model": [
            Option(value=name, label=f"By {name}" + ("" if has_judged else ", not yet")) for name, has_judged in judges
        ],
    }
    asks = typed.get("model", "") if any(each.code == "dataset.not-judged" for each in problems) else ""
    fields_shown = field_views(fields, {**values, **typed}, problems, options=options)
    url, kept = address("datasets", dataset.name), _in_address(values)
    kept |= {"revision": str(earlier)} if earlier else {}
    return views.Gallery(
        pictures=tuple(
            replace(picture(dataset.name, dataset.revision, manifest, each), flag=_flag(wanted, known, reader, each))
            for each in found.items
        ),
        first=found.first + 1,
        num_fitting=found.total,
        bar=tuple(
            view for name in IN_BAR for view in fields_shown if view.name == name and (name != "model" or judges)
        ),
        ranges=_ranges(fields_shown),
        has_ranges=any(view.value for view in fields_shown if view.name not in IN_BAR),
        is_filtered=wanted.is_narrowing,
        is_small=max(manifest.width, manifest.height) < SMALL,
        previous_url=_url(url, {**kept, "after": found.before}) if found.before is not None else "",
        next_url=_url(url, {**kept, "after": found.after}) if found.after else "",
        classes=reader.classes,
        query=urlencode({**kept, **({"after": given["after"]} if found.first else {})}),
        revision=dataset.revision,
        earlier=earlier,
        edit=edit,
        judge=asks if edit is not None else "",
        judge_query=urlencode({**_in_address({**values, **typed}), **({"revision": str(earlier)} if earlier else {})}),
        can_relabel=manifest.label_kind in ONE_CLASS,
        has_groups=manifest.num_groups > 0,
    )


def asked_filter(
    reader: RevisionReader, asked: Mapping[str, str], *, marks: Callable[[SampleFilter], Marks]
) -> SampleFilter:
    """The filter of an address as the gallery understands it."""
    given = {("label" if name == CLASS else name): value for name, value in asked.items() if value}
    typed = {field.name: given[field.name] for field in _fields(reader.manifest) if field.name in given}
    return _parsed(typed, reader, marks)[0]


def histograms(reader: RevisionReader, dataset: Dataset) -> tuple[views.Histogram, ...]:
    """How numbers, where labels are such, sizes and light are spread over the pictures that have a split."""
    names = (VALUE, *RANGED) if reader.manifest.label_kind == "number" else RANGED
    shown = (_histogram(name, reader.distribution(name), dataset) for name in names)
    return tuple(histogram for histogram in shown if len(histogram.bars) > 1)


def _histogram(name: str, bars: tuple[Bar, ...], dataset: Dataset) -> views.Histogram:
    words = _VALUES[name]
    url = address("datasets", dataset.name)
    low, high = (words(bars[0].low), words(bars[-1].high)) if bars else ("", "")
    fullest = max(bars, key=lambda bar: bar.count, default=None)
    most = f", most from {words(fullest.low)} to {words(fullest.high)}" if fullest else ""
    label = next(field.label for field in fields_of(SampleFilter) if field.name == f"min_{name}")
    title = label.removesuffix(" from")
    return views.Histogram(
        title=title,
        says=f"{title} from {low} to {high}{most}",
        low=low,
        high=high,
        bars=tuple(
            views.HistogramBar(
                text=words(bar.low) if bar.low == bar.high else f"{words(bar.low)} to {words(bar.high)}",
                count=bar.count,
                url=_url(url, {f"min_{name}": _exact(bar.low), f"max_{name}": _exact(bar.high)}),
            )
            for bar in bars
        ),
    )


def _exact(value: float) -> str:
    """A number as people write it, unless that is another one."""
    text = format_number(value)
    return text if float(text) == value else repr(value)


def _pixels(value: float) -> str:
    return f"{value:,.0f} px"


def _share(value: float) -> str:
    return f"{value:.2f}"


_VALUES: dict[str, Callable[[float], str]] = {
    "width": _pixels,
    "height": _pixels,
    "bytes": data_size,
    "brightness": _share,
    "contrast": _share,
    VALUE: format_number,
}


def picture(dataset: str, revision: str, manifest: RevisionManifest, sample: IndexedSample) -> views.PictureView:
    """A picture of a dataset with its class and split in words."""
    url, record = thumbnail_address(dataset, pixel_revision(revision, manifest), sample.index), sample.record
    facts = f"{record.width} × {record.height}, {data_size(record.size_bytes)}"
    group = f"group {record.group}, " if record.group else ""
    weight = f", weight {format_number(record.weight)}" if record.weight != 1 else ""
    light = f", brightness {record.brightness:.2f}, contrast {record.contrast:.2f}"
    facts = data_size(record.size_bytes) if manifest.in_place else f"{facts}{light}"
    return views.PictureView(
        url=url,
        thumbnail_url=url,
        index=sample.index,
        label=label_text(manifest.classes, record),
        split=WORDS[record.split] if record.split else "excluded",
        file=record.path,
        facts=f"{group}{facts}{weight}",
    )


def _fields(manifest: RevisionManifest) -> tuple[Field, ...]:
    """The fields that ask for something that the pictures of a dataset have."""
    is_number = manifest.label_kind == "number"
    absent = {"label"} if is_number else {f"min_{VALUE}", f"max_{VALUE}"}
    absent |= set() if manifest.num_groups else {"group"}
    return tuple(field for field in fields_of(SampleFilter) if field.name not in absent)


def _flag(wanted: SampleFilter, marks: Marks, reader: RevisionReader, sample: IndexedSample) -> str:
    """What a picture of a doubtful class is taken for, as in `daisy? 94 %`; empty where nobody doubts."""
    if wanted.finding != "wrong-label" or marks.guesses is None or marks.sureness is None:
        return ""
    return f"{reader.classes[int(marks.guesses[sample.index])]}? {100 * float(marks.sureness[sample.index]):.0f} %"


def _parsed(
    typed: dict[str, str], reader: RevisionReader, marks: Callable[[SampleFilter], Marks]
) -> tuple[SampleFilter, Marks, list[Problem]]:
    """The filter without what is wrong in it, what is known for it, and what was wrong."""
    problems: list[Problem] = []
    values = dict(typed)
    if "label" in values and values["label"] not in reader.classes:
        problems.append(Problem("label", f"There is no class {values.pop('label')!r}.", "choice"))
    while True:
        try:
            wanted = parse_spec(SampleFilter, {**MIXED, **values})
            known = marks(wanted)
            reader.find(wanted, known)
            return wanted, known, problems
        except NotFound as error:
            problems.append(Problem("group", error.message, error.code))
            del values["group"]
        except InvalidFields as error:
            problems += error.problems
            wrong = {problem.field.removeprefix("min_") for problem in error.problems}
            if wrong & {"finding", "model"}:
                values.pop("sort", None)  # which would be by what is not known
            values = {name: value for name, value in values.items() if not wrong & {name, name.partition("_")[2]}}


def _page(reader: RevisionReader, wanted: SampleFilter, cursor: str, marks: Marks) -> SamplePage:
    try:
        return reader.page(wanted, cursor=cursor, limit=PAGE, marks=marks)
    except (InvalidFields, NotFound):
        return reader.page(wanted, limit=PAGE, marks=marks)


def _ranges(shown: tuple[FieldView, ...]) -> tuple[tuple[FieldView, FieldView], ...]:
    rest = [view for view in shown if view.name not in IN_BAR]
    return tuple(zip(rest[::2], rest[1::2], strict=True))


def _in_address(values: Mapping[str, object]) -> dict[str, str]:
    kept = {name: str(value) for name, value in values.items() if (name, value) not in MIXED.items()}
    return {(CLASS if name == "label" else name): value for name, value in kept.items()}


def _url(url: str, asked: Mapping[str, str]) -> str:
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{url}?{query}#pictures" if query else f"{url}#pictures"

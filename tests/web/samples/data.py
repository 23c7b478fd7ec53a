"""Sample pages of home and of datasets."""

from __future__ import annotations

from dataclasses import replace

from web.samples.things import BUILDING, DIGITS, FAILURE, MNIST, RUN_ROWS, RUNNING, SAMPLE, WAITING, minutes_ago, named

from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.health.spec import LabelSearch
from tenfold.core.errors import Problem
from tenfold.core.fields import Choice, Field, fields_of
from tenfold.interfaces.web.views import datasets, doctor, forms, home
from tenfold.interfaces.web.views.frame import Link


def home_page() -> home.HomePage:
    return home.HomePage(
        failures=(FAILURE,),
        running=RUNNING,
        waiting=WAITING,
        finished=RUN_ROWS[:2],
        datasets=(
            home.DatasetFact(subject=MNIST, state="ready", num_samples=70_000),
            home.DatasetFact(subject=Link(text="flowers", url="/datasets/flowers"), state="building", num_samples=0),
            home.DatasetFact(subject=Link(text="garden", url="/datasets/garden"), state="ready", num_samples=1380),
        ),
        num_runs=10_214,
        num_datasets=3,
        latest_model_url="/models/lenet-mnist-2",
    )


def calm_home_page() -> home.HomePage:
    return replace(home_page(), failures=(), running=(), waiting=(), finished=(), num_runs=0, latest_model_url="")


def empty_home_page() -> home.HomePage:
    return home.HomePage(samples=(SAMPLE,))


def datasets_page() -> datasets.DatasetsPage:
    mnist = datasets.DatasetRow(
        named=named("datasets", "mnist", used_by="9 runs", tags=("digits",)),
        state="ready",
        thumbnails=tuple(f"/sample/picture/{digit}.png" for digit in range(4)),
        num_samples=70_000,
        num_classes=10,
        split_text="48,000 · 12,000 · 10,000",
        num_rejected=0,
        num_bytes=54_880_000,
    )
    garden = replace(
        mnist,
        named=named("datasets", "garden", used_by="2 runs", note="mother's plants, from the phone"),
        num_samples=1377,
        num_classes=12,
        split_text="966 · 207 · 207",
        num_rejected=3,
        num_bytes=207_000_000,
    )
    flowers = replace(
        mnist,
        named=named("datasets", "flowers"),
        state="building",
        progress=BUILDING,
        num_classes=0,
        split_text="",
        num_bytes=0,
    )
    broken = replace(
        mnist,
        named=named("datasets", "scans"),
        state="failed",
        thumbnails=(),
        num_samples=0,
        num_classes=0,
        split_text="",
        num_bytes=0,
    )
    return datasets.DatasetsPage(rows=(flowers, mnist, garden, broken), next_url="/datasets?after=xyz")


DATASET_FIELDS = (
    Field(
        name="name",
        type="text",
        label="Name",
        help="What the dataset is called. Left empty, it is named after the folder.",
        nullable=True,
        level="essential",
        group="Dataset",
    ),
    Field(
        name="resize",
        type="choice",
        label="Fit by",
        help="How a picture of another shape comes to this size.",
        default="fill",
        choices=(Choice("fill", "Fill, cut what is over", "Keeps the shape of things."), Choice("squash", "Squash")),
        group="Dataset",
    ),
    Field(
        name="size",
        type="integer",
        label="Size",
        help="Pictures are kept as squares of this side.",
        default=None,
        nullable=True,
        minimum=8,
        maximum=1024,
        unit="pixels",
        group="Dataset",
    ),
    Field(
        name="test_share",
        type="number",
        label="For the test",
        help="The part that is kept out of training, to judge the model at the end.",
        default=10.0,
        minimum=0.0,
        maximum=80.0,
        unit="%",
        group="Split",
    ),
    Field(
        name="grey",
        type="boolean",
        label="Read as grey",
        help="One channel instead of three.",
        default=False,
        group="Split",
    ),
)


def new_dataset_page() -> datasets.NewDatasetPage:
    views = forms.field_views(DATASET_FIELDS, {})
    return datasets.NewDatasetPage(
        source="folder",
        folder="/home/anna/",
        roots=("/home/anna",),
        samples=(SAMPLE,),
        sample="",
        groups=forms.grouped(views),
    )


def refused_dataset_page() -> datasets.NewDatasetPage:
    problems = [Problem("test_share", "For the test is 90; allowed is 0 to 80.", "range")]
    views = forms.field_views(DATASET_FIELDS, {"test_share": "90", "size": "64"}, problems)
    return replace(
        new_dataset_page(),
        folder="/etc",
        groups=forms.grouped(views),
        source_problem="/etc is outside the folders that this server may read: /home/anna.",
    )


def pictures(number: int) -> tuple[datasets.PictureView, ...]:
    splits = ("training", "training", "validation", "test")
    return tuple(
        datasets.PictureView(
            url=f"/sample/picture/{index}.png",
            thumbnail_url=f"/sample/picture/{index}.png",
            label=DIGITS[index * 7 % 10],
            split=splits[index % 4],
            index=index,
            file=f"{DIGITS[index * 7 % 10]}/{index:05d}.png",
            facts="28 × 28, 0.3 kB, brightness 0.13, contrast 0.31",
        )
        for index in range(number)
    )


_LABELS = {"label": [forms.Option(value=label, label=label) for label in DIGITS]}
_SHOWN = {view.name: view for view in forms.field_views(fields_of(SampleFilter), {"sort": "mixed"}, options=_LABELS)}
_ABSENT = ("group", "min_value", "max_value")  # of datasets with groups or numbers
FILTER = tuple(_SHOWN.pop(name) for name in ("label", "split", "finding", "text", "sort", "model")) + tuple(
    view for name, view in _SHOWN.items() if name not in _ABSENT
)


def history(number: int) -> datasets.History:
    said = ("12 pictures from 4 to 9, 3 excluded", "1 moved from train to test", "")
    return datasets.History(
        revisions=tuple(
            datasets.Revision(
                number=each,
                id=f"rev_{each:016d}",
                created_at=minutes_ago(60 * (number - each + 1)),
                num_samples=70_000 - each,
                content="9f2c71ab02de55c9" * 4,
                is_current=each == number - 1,
                author="anna",
                summary=said[min(2, number - each)] if each > 1 else "",
                made_from=each - 1 if each < number else 1,
            )
            for each in range(number, 0, -1)
        ),
        total=number,
        undo_url="/datasets/mnist/revisions/rev_1/undo",
        redo_url="/datasets/mnist/revisions/rev_1/redo",
        next_url="/datasets/mnist?tab=revisions&cursor=x",
    )


def histogram(title: str, unit: str) -> datasets.Histogram:
    bars = tuple(
        datasets.HistogramBar(text=f"{20 * place} to {20 * place + 19} {unit}", count=7 * place, url="/datasets/mnist")
        for place in range(20)
    )
    return datasets.Histogram(
        title=title, says=f"{title} from 0 to 399", low=f"0 {unit}", high=f"399 {unit}", bars=bars
    )


def refused_edit_page() -> datasets.DatasetPage:
    page = dataset_page()
    assert page.gallery is not None
    said = "mnist was changed meanwhile: revision 3 is the current one, and this was asked for on revision 2."
    edit = datasets.EditForm(chosen=frozenset({1}), is_all=True, to_class="7", to_split="val", problem=said)
    return replace(page, gallery=replace(page.gallery, edit=edit, is_filtered=True, has_ranges=True))


DOCTOR = doctor.DoctorView(
    findings=(
        doctor.FindingView(
            sentence="6 pictures of test are in training, too",
            why="Test accuracy may read up to 1.6 points too high.",
            is_bad=True,
            fix_word="Move 6 to training",
            fix_url="/datasets/mnist/revisions/rev_0123456789abcdef/findings/leak/fix",
            show_word="Show 12",
            show_url="/datasets/mnist?finding=leak&sort=finding#pictures",
        ),
        doctor.FindingView(
            sentence="3 files were left out",
            why="7/1026.png: It ends after 12 of 31 kB. And 2 more. Mend the files, then add them.",
            show_word="Name them",
            show_url="/datasets/mnist?tab=rejected",
        ),
        doctor.FindingView(
            sentence="14 pictures are there twice, exactly, within a split",
            why="They weigh double in 0.02 % of all pictures: harmless, a little slower.",
            is_shown=True,
            fix_word="Keep one of each",
            fix_url="/datasets/mnist/revisions/rev_0123456789abcdef/findings/duplicate/fix",
            show_word="Show 28",
            show_url="/datasets/mnist?finding=duplicate&sort=finding#pictures",
        ),
    ),
    good="No tiny classes, unequal classes, blank pictures or outliers",
    judged="Labels of 12,000 pictures were judged by first, those that it had not learnt from, right in 98.4 %.",
    checked_at=minutes_ago(12),
    check_url="/datasets/mnist/check",
    models=("first", "lenet-mnist-2"),
    labels_url="/datasets/mnist/check/labels",
    label_fields=tuple(
        forms.field_views(
            fields_of(LabelSearch),
            {},
            options={"network": [forms.Option(value="lenet", label="LeNet")]},
        )
    ),
    number=8,
    next_number=10,
)


def unchecked_dataset_page() -> datasets.DatasetPage:
    unchecked = doctor.DoctorView(notice="Not checked yet.", problem="The checkup failed.", check_url="/datasets/mnist")
    return replace(dataset_page(), doctor=unchecked)


def checking_dataset_page() -> datasets.DatasetPage:
    how_far = home.Progress(kind="checkup", name="mnist", done=21_000, total=70_000, unit="pictures", seconds_left=9)
    return replace(dataset_page(), doctor=doctor.DoctorView(progress=how_far, stop_url="/datasets/mnist/check/stop"))


def dataset_page() -> datasets.DatasetPage:
    counts = (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
    return datasets.DatasetPage(
        named=named("datasets", "mnist", used_by="9 runs, 7 models", held_by="9 runs have learnt from it."),
        state="ready",
        task="classification",
        splits=(
            datasets.SplitFact(title="Training", num_samples=48_000, share=0.686),
            datasets.SplitFact(title="Validation", num_samples=12_000, share=0.171),
            datasets.SplitFact(title="Test", num_samples=10_000, share=0.143),
        ),
        picture_size="28 × 28",
        picture_about="grey, packed as they are",
        num_bytes=54_880_000,
        classes=tuple(
            datasets.ClassRow(
                name=label,
                num_training=round(number * 0.8),
                num_validation=round(number * 0.2),
                num_test=round(number / 6),
                url=f"/datasets/mnist?class={label}#pictures",
            )
            for label, number in zip(DIGITS, counts, strict=True)
        ),
        gallery=datasets.Gallery(
            pictures=pictures(60),
            first=1,
            num_fitting=70_000,
            bar=FILTER[:6],
            ranges=tuple(zip(FILTER[6::2], FILTER[7::2], strict=True)),
            is_small=True,
            next_url="/datasets/mnist?after=60#pictures",
            classes=DIGITS,
            revision="rev_0123456789abcdef",
            edit=datasets.EditForm(chosen=frozenset({3, 4})),
        ),
        doctor=DOCTOR,
        num_rejected=3,
        rejected_causes=("2 × It ends after 12 of 31 kB.", "1 × It is no picture."),
        rejected=(
            datasets.Rejected(file="7/1026.png", reason="It ends after 12 of 31 kB."),
            datasets.Rejected(file="notes.txt", reason="It is no picture."),
            datasets.Rejected(file="4/huge.png", reason="It has 200 million pixels; at most 100 million are read."),
        ),
        histograms=tuple(histogram(*about) for about in (("Width", "px"), ("Brightness", ""))),
        history=history(9),
        runs=RUN_ROWS,
        num_runs=9,
        source=(
            datasets.Fact(term="Folder", value="/home/anna/data/mnist", is_code=True),
            datasets.Fact(term="Kind", value="one folder a class"),
            datasets.Fact(term="Seed of the split", value="1"),
        ),
        train_url="/runs/new?dataset=mnist",
    )


def building_dataset_page() -> datasets.DatasetPage:
    return datasets.DatasetPage(
        named=named("datasets", "flowers"),
        state="building",
        task="classification",
        progress=BUILDING,
        train_url="/runs/new?dataset=flowers",
    )


def failed_dataset_page() -> datasets.DatasetPage:
    card = replace(
        FAILURE,
        subject=Link(text="scans", url=""),
        what="holds no usable dataset",
        sentences=("/home/anna/scans has one folder with pictures, “ok”. Classification needs at least two.",),
        code="dataset.one-class",
        actions=(home.Action(word="Choose another folder", url="/datasets/new", is_key=True),),
    )
    return datasets.DatasetPage(named=named("datasets", "scans"), state="failed", task="classification", failure=card)

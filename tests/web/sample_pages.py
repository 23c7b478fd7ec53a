"""Every page with figures that hang together: what the tests render, and what `sample_site.py` serves to look at."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tenfold.core.errors import Problem
from tenfold.core.fields import Choice, Field, Level, fields_of
from tenfold.core.training.spec import TrainingSpec
from tenfold.interfaces.web.views import datasets, forms, home, models, networks, runs, settings
from tenfold.interfaces.web.views.frame import Frame, Gauge, Link, NamedView, Page, Toast, Viewer

NOW = datetime(2026, 11, 21, 13, 40, tzinfo=UTC)
OWNER = Viewer(name="owner", role="owner", can_edit=True, can_own=True)
VIEWER = Viewer(name="guest", role="viewer", can_edit=False, can_own=False)
GAUGES = (
    Gauge(key="gpu-0", name="GPU 0", about="H200, 41 °C", percent=87.0, text="87 % · 18.2 of 141 GB"),
    Gauge(key="cpu", name="CPU", about="16 cores", percent=41.0, text="41 %"),
    Gauge(key="memory", name="Memory", about="", percent=38.0, text="49 of 128 GB", is_scarce=True),
    Gauge(
        key="disk",
        name="Disk",
        about="where Tenfold keeps things",
        percent=91.0,
        text="54 GB free of 1.0 TB",
        is_scarce=True,
    ),
)
FRAME = Frame(viewer=OWNER, gauges=GAUGES, num_running=2, num_waiting=2, version="0.1.0")
MNIST = Link(text="mnist", url="/datasets/mnist")
LENET = Link(text="LeNet", url="/networks/lenet")
DIGITS = tuple(str(digit) for digit in range(10))


def minutes_ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def named(kind: str, name: str, **about: object) -> NamedView:
    known: dict[str, object] = {"id": f"{kind[:3]}_0123456789abcdef", "owner": "owner", "created_at": minutes_ago(61)}
    return NamedView(kind=kind, name=name, **(known | about))  # type: ignore[arg-type]


def curve(points: int, end: float = 0.99) -> tuple[float, ...]:
    return tuple(end - 0.4 * math.exp(-index / 4) + 0.004 * math.sin(index * 2.1) for index in range(points))


TRAINING = home.Progress(
    kind="run", name="lenet-mnist-3", done=5317, total=12660, unit="steps", seconds_left=72.0, epoch=13, epochs=30
)
BUILDING = home.Progress(kind="dataset", name="flowers", done=2275, total=3670, unit="pictures", seconds_left=41.0)
RUNNING = (
    home.RunningRow(
        subject=Link(text="lenet-mnist-3", url="/runs/lenet-mnist-3"),
        about="mnist, revision 1 · LeNet",
        state="running",
        progress=TRAINING,
        curve=curve(13),
        accuracy=0.9912,
        num_judged=10_000,
        device="CPU",
    ),
    home.RunningRow(
        subject=Link(text="flowers", url="/datasets/flowers"),
        about="dataset · packing pictures",
        state="building",
        progress=BUILDING,
    ),
)
WAITING = (
    home.WaitingRow(
        job_id="job_0123456789abcdef",
        place=1,
        subject=Link(text="alexnet-flowers-1", url="/runs/alexnet-flowers-1"),
        kind="run",
        why="Dataset flowers is being built: 62 %.",
        owner="owner",
        queued_at=minutes_ago(4),
    ),
    home.WaitingRow(
        job_id="job_0123456789abcdeg",
        place=2,
        subject=Link(text="lenet-mnist-4", url="/runs/lenet-mnist-4"),
        kind="run",
        why="Waits for the CPU: lenet-mnist-3 has it for about 1 min 12 s.",
        owner="anna",
        queued_at=minutes_ago(2),
        can_edit=False,
    ),
)
RUN_ROWS = (
    home.RunRow(
        subject=Link(text="lenet-mnist-2", url="/runs/lenet-mnist-2"),
        state="finished",
        dataset=MNIST,
        network=LENET,
        started_at=minutes_ago(21),
        ended_at=minutes_ago(19),
        seconds=124.0,
        curve=curve(30),
        accuracy=0.9917,
        num_judged=10_000,
        model=Link(text="lenet-mnist-2", url="/models/lenet-mnist-2"),
        owner="owner",
    ),
    home.RunRow(
        subject=Link(text="alexnet-garden-1", url="/runs/alexnet-garden-1"),
        state="stopped",
        dataset=Link(text="garden", url="/datasets/garden"),
        network=Link(text="AlexNet", url="/networks/alexnet"),
        started_at=minutes_ago(170),
        ended_at=minutes_ago(139),
        seconds=1860.0,
        curve=curve(22, 0.87),
        accuracy=0.869,
        num_judged=138,
        model=Link(text="alexnet-garden-1", url="/models/alexnet-garden-1"),
        owner="anna",
        note="stopped by anna at epoch 22; best kept",
    ),
    home.RunRow(
        subject=Link(text="lenet-mnist-1", url="/runs/lenet-mnist-1"),
        state="failed",
        dataset=MNIST,
        network=None,
        started_at=minutes_ago(1700),
        ended_at=minutes_ago(1699),
        seconds=9.2,
        owner="owner",
    ),
)
FAILURE = home.Failure(
    subject=Link(text="lenet-mnist-1", url="/runs/lenet-mnist-1"),
    what="diverged",
    sentences=(
        "The loss became infinite by step 412. The learning rate was 0.8 there: try 0.08.",
        "The last good checkpoint is of step 400.",
    ),
    code="training.diverged",
    at=minutes_ago(3),
    retry_url="/runs/lenet-mnist-1/retry",
    change_url="/runs/new?like=lenet-mnist-1",
    dismiss_url="/runs/lenet-mnist-1/dismiss",
)
SAMPLE = home.Sample(
    name="mnist",
    title="MNIST",
    about="Handwritten digits, 28 × 28, in grey: the first thing every network learns.",
    num_samples=70_000,
    num_bytes=11_594_722,
    is_fetched=False,
    try_url="/runs/new?sample=mnist",
)


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
        max_upload_bytes=20_000_000_000,
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
            file=f"{DIGITS[index * 7 % 10]}/{index:05d}.png",
        )
        for index in range(number)
    )


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
            classes=tuple(forms.Option(value=label, label=label) for label in DIGITS),
            splits=tuple(forms.Option(value=split, label=split) for split in ("training", "validation", "test")),
            is_small=True,
            next_url="/datasets/mnist?after=60#pictures",
        ),
        num_rejected=3,
        rejected=(
            datasets.Rejected(file="7/1026.png", reason="It ends after 12 of 31 kB."),
            datasets.Rejected(file="notes.txt", reason="It is no picture."),
            datasets.Rejected(file="4/huge.png", reason="It has 200 million pixels; at most 100 million are read."),
        ),
        revisions=(
            datasets.Revision(
                number=1,
                id="rev_0123456789abcdef",
                created_at=minutes_ago(60),
                num_samples=70_000,
                manifest_hash="9f2c71ab02de55c9" * 4,
                is_current=True,
            ),
        ),
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
        change_url="/datasets/new?folder=/home/anna/scans",
        retry_url="",
    )
    return datasets.DatasetPage(named=named("datasets", "scans"), state="failed", task="classification", failure=card)


NETWORK_FIELDS = (
    Field(
        name="activation",
        type="choice",
        label="Activation",
        help="The function after each layer with weights.",
        default="relu",
        choices=(Choice("relu", "relu"), Choice("tanh", "tanh")),
        level="common",
    ),
    Field(name="bias", type="boolean", label="Bias", help="Whether layers add a learnt number.", default=True),
    Field(
        name="width",
        type="integer",
        label="Width",
        help="Filters of the first layer.",
        default=20,
        minimum=1,
        maximum=512,
    ),
)


def new_run_page(
    level: Level = "common", values: dict[str, object] | None = None, problems: tuple[Problem, ...] = ()
) -> runs.NewRunPage:
    typed: dict[str, object] = {"dataset": "mnist", "network": "lenet"} | (values or {})
    offered = {"dataset": [forms.Option(value="mnist", label="mnist"), forms.Option(value="flowers", label="flowers")]}
    views = forms.field_views(
        fields_of(TrainingSpec),
        typed,
        problems,
        options=offered,
        proposals={"name": "lenet-mnist-4"},
        check_url="/runs/new/check",
    )
    own = forms.field_views(NETWORK_FIELDS, typed, problems, prefix="parameters.", check_url="/runs/new/check")
    by_name = {view.name: view for view in views}
    shown = forms.at_level(views, level)
    return runs.NewRunPage(
        title="Train on mnist",
        level=level,
        tabs=forms.level_tabs(views, level),
        dataset=by_name["dataset"],
        name=by_name["name"],
        networks=(
            runs.NetworkChoice(
                name="lenet",
                title="LeNet",
                about="small and quick; suits digits",
                num_parameters=431_080,
                input_text="1 × 28 × 28",
                is_chosen=True,
            ),
            runs.NetworkChoice(
                name="alexnet",
                title="AlexNet",
                about="the network of 2012",
                num_parameters=61_100_840,
                input_text="3 × 224 × 224",
                is_chosen=False,
                why_not="needs pictures of at least 63 × 63; these are 28 × 28",
            ),
        ),
        network_problem="",
        groups=forms.grouped(shown, leave_out=("dataset", "network", "name")),
        parameters=() if level == "essential" else own,
        hidden=tuple(view for view in views if view not in shown and view.is_changed),
        changed=tuple(view for view in (*views, *own) if view.is_changed and view.name not in ("name", "dataset")),
        problems=tuple(view for view in (*views, *own) if view.problem),
        dataset_note="70,000 pictures in 10 classes, 28 × 28, grey.",
    )


def refused_run_page() -> runs.NewRunPage:
    problems = (Problem("rate", "“0,001” reads as two values, 0 and 001. Write 0.001.", "comma"),)
    return new_run_page("everything", {"rate": "0,001", "epochs": "30"}, problems)


CHARTS = (
    runs.Chart(
        title="Loss",
        about="cross-entropy; lower is better",
        lines=(
            runs.ChartLine(key="train_loss", label="training", hue=2, smooth=9),
            runs.ChartLine(key="val_loss", label="validation", hue=1, points=True),
        ),
        is_log=True,
    ),
    runs.Chart(
        title="Accuracy",
        about="% right",
        lines=(
            runs.ChartLine(key="train_accuracy", label="training", hue=2, smooth=9),
            runs.ChartLine(key="val_accuracy", label="validation", hue=1, points=True),
        ),
        unit="%",
    ),
    runs.Chart(
        title="Learning rate",
        about="one cycle",
        lines=(runs.ChartLine(key="rate", label="rate", hue=0),),
        height="short",
    ),
)


def run_page() -> runs.RunPage:
    return runs.RunPage(
        named=named("runs", "lenet-mnist-3", tags=("night", "first"), note="wider first layer"),
        state="running",
        dataset=MNIST,
        revision=1,
        network=LENET,
        progress=TRAINING,
        device="the CPU, 2 cores",
        phase="training",
        started_at=minutes_ago(1),
        val_accuracy=0.9912,
        best_accuracy=0.9918,
        best_epoch=11,
        val_loss=0.0272,
        train_loss=0.0088,
        num_judged=12_000,
        samples_per_second=13_200,
        seconds_per_epoch=4.1,
        rate=0.0021,
        schedule="one cycle",
        steps_per_epoch=422,
        metrics_url="/api/v1/runs/lenet-mnist-3/metrics",
        charts=CHARTS,
        epochs=tuple(
            runs.EpochRow(
                epoch=epoch,
                train_loss=0.3 * 0.75**epoch,
                val_loss=0.07 * 0.92**epoch + 0.01,
                train_accuracy=1 - 0.08 * 0.8**epoch,
                val_accuracy=1 - 0.03 * 0.9**epoch,
                rate=0.03,
                is_best=epoch == 11,
            )
            for epoch in range(1, 13)
        ),
        specification=(
            datasets.Fact(term="Epochs", value="30"),
            datasets.Fact(term="Batch size", value="64 pictures"),
            datasets.Fact(term="Optimizer", value="SGD with momentum"),
            datasets.Fact(term="Learning rate", value="0.03"),
            datasets.Fact(term="Seed", value="1"),
        ),
        changed=frozenset({"Epochs"}),
        log=tuple(
            runs.LogLine(at=minutes_ago(1), level=level, text=text)
            for level, text in (
                ("info", "Reads 48,000 pictures of mnist, revision 1."),
                ("info", "Builds lenet: 431,080 parameters."),
                ("warning", "The processor is shared with another program."),
                ("error", "A checkpoint could not be written: no room. Tried again and written."),
            )
        ),
        files=(datasets.Fact(term="Checkpoints", value="best and last, 10 MB"),),
    )


def finished_run_page() -> runs.RunPage:
    outcome = runs.Outcome(
        model=Link(text="lenet-mnist-3", url="/models/lenet-mnist-3"),
        download_url="/api/v1/models/lenet-mnist-3/download",
        accuracy=0.9917,
        low=0.9897,
        high=0.9933,
        num_judged=10_000,
        best_epoch=26,
        seconds=124.0,
    )
    progress = replace(TRAINING, done=12660, epoch=30, seconds_left=None, is_still=True)
    return replace(
        run_page(),
        state="finished",
        outcome=outcome,
        progress=progress,
        seconds=124.0,
        again_url="/runs/new?like=lenet-mnist-3",
    )


def waiting_run_page() -> runs.RunPage:
    return replace(
        run_page(),
        state="waiting",
        why_waiting=WAITING[1].why,
        progress=None,
        device="",
        started_at=None,
        val_accuracy=None,
        best_accuracy=None,
        val_loss=None,
        train_loss=None,
        samples_per_second=None,
        seconds_per_epoch=None,
        rate=None,
        epochs=(),
        log=(),
        files=(),
        metrics_url="/api/v1/runs/nothing-yet/metrics",
    )


def failed_run_page() -> runs.RunPage:
    return replace(run_page(), state="failed", failure=FAILURE, seconds=9.2, again_url="/runs/new?like=lenet-mnist-3")


def report() -> models.Report:
    errors = {(4, 9): 8, (9, 4): 6, (2, 7): 4, (3, 5): 3, (6, 0): 2, (7, 2): 5, (8, 3): 2, (5, 3): 4, (0, 6): 2}
    rights = (977, 1133, 1025, 1005, 971, 884, 952, 1019, 966, 1000)

    def cell(true: int, said: int) -> models.MatrixCell:
        number = rights[true] if true == said else errors.get((true, said), 0)
        what = f"{number} pictures of {true} " + ("known" if true == said else f"taken for {said}")
        return models.MatrixCell(
            number=number, heat=0 if true == said else min(8, number), is_right=true == said, says=what
        )

    return models.Report(
        split="test",
        num_judged=10_000,
        num_wrong=83,
        accuracy=0.9917,
        low=0.9897,
        high=0.9933,
        loss=0.0264,
        worst="8 of them 4 taken for 9",
        labels=DIGITS,
        matrix=tuple(
            models.MatrixRow(
                label=label, cells=tuple(cell(true, said) for said in range(10)), share_right=0.99 + true / 1500
            )
            for true, label in enumerate(DIGITS)
        ),
        largest_error=8,
        classes=tuple(
            models.ClassFigures(
                label=label, num_samples=1000, precision=0.992, recall=None if label == "9" else 0.991, f1=0.9915
            )
            for label in DIGITS
        ),
    )


def model_page() -> models.ModelPage:
    return models.ModelPage(
        tab="report",
        named=named("models", "lenet-mnist-2"),
        dataset=MNIST,
        revision=1,
        network=LENET,
        run=Link(text="lenet-mnist-2", url="/runs/lenet-mnist-2"),
        made_at=minutes_ago(19),
        epoch=26,
        epochs=30,
        report=report(),
        test=models.TestPart(
            post_url="/models/lenet-mnist-2/test",
            pictures=pictures(24),
            more_url="/models/lenet-mnist-2?tab=test&page=2",
            has_digits=True,
            max_upload_bytes=50_000_000,
        ),
        download_url="/api/v1/models/lenet-mnist-2/download",
        download_bytes=3_510_000,
        num_parameters=431_080,
        num_bytes=1_724_320,
        contents=(
            datasets.Fact(term="Weights", value="model.safetensors, model.onnx"),
            datasets.Fact(term="Network", value="network.network"),
            datasets.Fact(term="Preparation", value="preprocessing.json"),
            datasets.Fact(term="Also", value="labels, metrics, versions, licence, model card"),
        ),
        facts=(datasets.Fact(term="Trained with", value="PyTorch 2.13, seed 1"),),
    )


def test_model_page() -> models.ModelPage:
    page = model_page()
    guesses = tuple(
        models.Guess(label=label, probability=share)
        for label, share in (("7", 0.986), ("2", 0.009), ("9", 0.004), ("1", 0.0007), ("3", 0.0003))
    )
    result = models.TestResult(
        file="7/00017.png", guesses=guesses, seconds=0.00041, picture_url="/sample/picture/1.png", truth="7"
    )
    return replace(page, tab="test", test=replace(page.test, result=result))


def bare_test_model_page() -> models.ModelPage:
    return replace(model_page(), tab="test")


def models_page() -> models.ModelsPage:
    rows = tuple(
        models.ModelRow(
            named=named("models", name, note=note),
            dataset=MNIST,
            network=LENET,
            accuracy=accuracy,
            num_judged=10_000,
            num_bytes=1_724_320,
        )
        for name, accuracy, note in (
            ("lenet-mnist-2", 0.9917, ""),
            ("lenet-mnist-first-with-tanh", 0.9896, "tanh instead of relu"),
        )
    )
    return models.ModelsPage(rows=rows)


LENET_TEXT = """language 1
network lenet "LeNet, small and quick"

param activation = relu in [relu, tanh] "The function after each layer with weights"
param pool = 2 in 2..4 "Side of the pooling window"

input image = image(1, 28, 28)

conv1 = conv(20, 5)
max_pool(pool)
conv2 = conv(50, 5)
max_pool(pool)
flatten
fc1 = dense(500)
activation(activation)
fc2 = dense(classes)

output label
"""


def network_page() -> networks.NetworkPage:
    layers = (
        ("image", "input", "", "1 × 28 × 28", 0, 0),
        ("conv1", "conv", "20 filters of 5 × 5", "20 × 24 × 24", 520, 288_000),
        ("conv1_pool", "max_pool", "2 × 2", "20 × 12 × 12", 0, 0),
        ("conv2", "conv", "50 filters of 5 × 5", "50 × 8 × 8", 25_050, 1_600_000),
        ("conv2_pool", "max_pool", "2 × 2", "50 × 4 × 4", 0, 0),
        ("flatten", "flatten", "", "800", 0, 0),
        ("fc1", "dense", "", "500", 400_500, 400_000),
        ("fc2", "dense", "", "10", 5010, 5000),
    )
    return networks.NetworkPage(
        name="lenet",
        title="LeNet",
        about="Small and quick; suits digits. LeCun and others, 1998, as Caffe had it.",
        text=LENET_TEXT,
        input_text="1 × 28 × 28",
        layers=tuple(
            networks.LayerRow(
                name=name,
                kind=kind,
                about=about,
                shape=shape,
                num_parameters=weights,
                num_multiply_adds=adds,
                share=weights / 431_080,
            )
            for name, kind, about, shape, weights, adds in layers
        ),
        parameters=(
            networks.ParameterRow(
                name="activation",
                default="relu",
                allowed="relu, tanh",
                help="The function after each layer with weights",
            ),
            networks.ParameterRow(name="pool", default="2", allowed="2 to 4", help="Side of the pooling window"),
        ),
        num_parameters=431_080,
        num_multiply_adds=2_293_000,
        is_catalogue=True,
        used_by="9 runs",
        runs=RUN_ROWS[:1],
        train_url="/runs/new?network=lenet",
    )


def networks_page() -> networks.NetworksPage:
    lenet = networks.NetworkRow(
        name="lenet",
        url="/networks/lenet",
        title="LeNet",
        about="Small and quick; suits digits.",
        input_text="1 × 28 × 28",
        num_layers=8,
        num_parameters=431_080,
        num_multiply_adds=2_293_000,
        used_by="9 runs",
        is_catalogue=True,
        train_url="/runs/new?network=lenet",
    )
    alexnet = replace(
        lenet,
        name="alexnet",
        url="/networks/alexnet",
        title="AlexNet",
        about="Won ImageNet in 2012 and began what followed.",
        input_text="3 × 224 × 224",
        num_layers=22,
        num_parameters=61_100_840,
        num_multiply_adds=714_000_000,
        used_by="",
    )
    return networks.NetworksPage(rows=(lenet, alexnet))


def settings_page() -> settings.SettingsPage:
    return settings.SettingsPage(
        tab="you",
        name="owner",
        role="owner",
        has_password=False,
        min_password_length=10,
        tokens=(
            settings.TokenRow(
                id="tok_0123456789abcdef",
                name="ci",
                scope="write",
                created_at=minutes_ago(9000),
                used_at=minutes_ago(3),
                expires_at=None,
                is_revoked=False,
            ),
            settings.TokenRow(
                id="tok_0123456789abcdeg",
                name="old laptop",
                scope="read",
                created_at=minutes_ago(90_000),
                used_at=None,
                expires_at=NOW,
                is_revoked=True,
            ),
        ),
        scopes=(("read", "Read"), ("write", "Read and write")),
        people=(
            settings.PersonRow(
                id="usr_0123456789abcdef",
                name="owner",
                role="owner",
                can_run_code=True,
                is_disabled=False,
                has_password=True,
                created_at=minutes_ago(9000),
                seen_at=NOW,
                is_you=True,
            ),
            settings.PersonRow(
                id="usr_0123456789abcdeg",
                name="anna",
                role="editor",
                can_run_code=False,
                is_disabled=False,
                has_password=True,
                created_at=minutes_ago(8000),
                seen_at=minutes_ago(240),
                is_you=False,
            ),
            settings.PersonRow(
                id="usr_0123456789abcdeh",
                name="bert",
                role="viewer",
                can_run_code=False,
                is_disabled=True,
                has_password=False,
                created_at=minutes_ago(7000),
                seen_at=None,
                is_you=False,
            ),
        ),
        can_manage=True,
        about=(
            datasets.Fact(term="Version", value="0.1.0"),
            datasets.Fact(term="Keeps everything in", value="/home/anna/.tenfold", is_code=True),
            datasets.Fact(term="Listens on", value="127.0.0.1:5000", is_code=True),
        ),
    )


def refused_settings_page() -> settings.SettingsPage:
    problems = (("password", "The password has 4 characters; at least 10 are needed."),)
    return replace(settings_page(), has_password=True, sent="password", problems=problems)


def tokens_page() -> settings.SettingsPage:
    return replace(settings_page(), tab="tokens", new_secret="tenfold_4kq7r2m9x0c5v8b1n6z3w")


def people_page() -> settings.SettingsPage:
    return replace(settings_page(), tab="people")


def lone_people_page() -> settings.SettingsPage:
    why = "Set a password for yourself first: as long as there is one person, the printed link is enough; with two it is not."
    return replace(people_page(), people=settings_page().people[:1], why_no_people=why)


def sign_in_page() -> settings.SignInPage:
    return settings.SignInPage(next_url="/runs", name="anna", problem="This name and password do not belong together.")


def link_sign_in_page() -> settings.SignInPage:
    return settings.SignInPage(
        has_passwords=False, problem="This link was used already, or the server was started anew since."
    )


def not_found_page() -> settings.ErrorPage:
    return settings.ErrorPage(
        status=404,
        title="There is no run “lenet-mnist-9”",
        sentence="It may have been renamed or deleted. The nearest name is lenet-mnist-3.",
        code="not-found",
        what_next=(("Open lenet-mnist-3", "/runs/lenet-mnist-3"), ("All runs", "/runs")),
    )


def forbidden_page() -> settings.ErrorPage:
    return settings.ErrorPage(
        status=403,
        title="A viewer cannot start runs",
        sentence="You are signed in as guest, a viewer. An owner can make you an editor in Settings, under People.",
        code="forbidden",
        what_next=(("Home", "/"),),
    )


def broken_page() -> settings.ErrorPage:
    return settings.ErrorPage(
        status=500,
        title="Something went wrong inside Tenfold",
        sentence="Nothing that was saved is lost, and runs go on. The log of the server says more under the number below.",
        code="internal",
        what_next=(("Try again", "/runs"), ("Home", "/")),
        detail="error 7f3a-11c0",
    )


def trash_page() -> settings.TrashPage:
    rows = tuple(
        settings.TrashRow(
            id=f"run_{index}",
            kind=kind,
            name=name,
            deleted_at=minutes_ago(index * 900),
            kept_days=30 - index,
            num_bytes=size,
            restore_url=f"/trash/runs/run_{index}/restore",
        )
        for index, (kind, name, size) in enumerate(
            (("run", "lenet-mnist-0", 10_400_000), ("dataset", "old-flowers", 221_000_000))
        )
    )
    return settings.TrashPage(rows=rows, kept_days=30, num_bytes=231_400_000, can_empty=True)


def queue_page() -> settings.QueuePage:
    return settings.QueuePage(running=RUNNING, waiting=WAITING)


PAGES: dict[str, Callable[[], Page]] = {
    "home": home_page,
    "home-calm": calm_home_page,
    "home-empty": empty_home_page,
    "datasets": datasets_page,
    "datasets-empty": lambda: datasets.DatasetsPage(rows=()),
    "datasets-search": lambda: datasets.DatasetsPage(rows=(), search="nothing like this"),
    "dataset-new": new_dataset_page,
    "dataset-new-refused": refused_dataset_page,
    "dataset": dataset_page,
    "dataset-building": building_dataset_page,
    "dataset-failed": failed_dataset_page,
    "runs": lambda: runs.RunsPage(rows=RUN_ROWS, num_runs=10_214, next_url="/runs?after=xyz"),
    "runs-empty": lambda: runs.RunsPage(rows=(), num_runs=0),
    "run-new": new_run_page,
    "run-new-essential": lambda: new_run_page("essential", {"epochs": "30"}),
    "run-new-refused": refused_run_page,
    "run-new-without": lambda: replace(new_run_page(), has_datasets=False),
    "run": run_page,
    "run-waiting": waiting_run_page,
    "run-finished": finished_run_page,
    "run-failed": failed_run_page,
    "models": models_page,
    "models-empty": lambda: models.ModelsPage(rows=()),
    "model": model_page,
    "model-test": test_model_page,
    "model-test-bare": bare_test_model_page,
    "networks": networks_page,
    "network": network_page,
    "queue": queue_page,
    "queue-empty": lambda: settings.QueuePage(running=(), waiting=()),
    "settings": settings_page,
    "settings-refused": refused_settings_page,
    "settings-tokens": tokens_page,
    "settings-people": people_page,
    "settings-people-lone": lone_people_page,
    "sign-in": sign_in_page,
    "sign-in-link": link_sign_in_page,
    "error-404": not_found_page,
    "error-403": forbidden_page,
    "error-500": broken_page,
    "trash": trash_page,
    "trash-empty": lambda: settings.TrashPage(rows=(), kept_days=30, num_bytes=0, can_empty=False),
    "more": settings.MorePage,
}


def frame_for(name: str) -> Frame:
    """The frame around a sample page: nobody is signed in where the page asks for it."""
    if name.startswith("sign-in"):
        return replace(FRAME, viewer=None, gauges=(), num_running=0, num_waiting=0)
    if name == "runs":
        return replace(FRAME, toast=Toast(text="lenet-mnist-0 is in the trash.", undo_url="/trash/runs/run_0/restore"))
    if name == "error-403":
        return replace(FRAME, viewer=VIEWER)
    return FRAME

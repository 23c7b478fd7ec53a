"""Sample pages of runs."""

from __future__ import annotations

from dataclasses import replace

from web.samples.things import FAILURE, LENET, MNIST, TRAINING, WAITING, minutes_ago, named

from tenfold.core.errors import Problem
from tenfold.core.fields import Choice, Field, Level, fields_of
from tenfold.core.training.preflight.forecast import Forecast, MemoryParts
from tenfold.core.training.spec import TrainingSpec
from tenfold.interfaces.web.views import datasets, forms, home, runs
from tenfold.interfaces.web.views.frame import Link
from tenfold.interfaces.web.views.preflight import ForecastView

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
        name=replace(by_name["name"], proposal="lenet-mnist-4"),
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
        forecast=FORECAST,
    )


FORECAST = ForecastView(
    forecast=Forecast(
        verdict="fits",
        sentence="Fits in the CPU's memory, with 21.3 GB to spare.",
        device="cpu",
        memory_how="measured",
        memory_bytes=121_000_000,
        memory_high_bytes=133_000_000,
        memory_free_bytes=21_400_000_000,
        memory_total_bytes=24_000_000_000,
        parts=MemoryParts(
            weights=1_700_000,
            gradients=1_700_000,
            optimizer=1_700_000,
            activations=9_000_000,
            pictures=55_000_000,
            rest=51_900_000,
        ),
        largest_batch=65_536,
        free_batch=65_536,
        batch_size=64,
        disk_bytes=13_800_000,
        disk_free_bytes=540_000_000_000,
        time_how="measured",
        epoch_s=5.2,
        total_s=15.6,
    ),
    mark=("done", "good"),
    bar=5,
    bar_high=6,
    parts=(("weights", 1_700_000), ("activations", 9_000_000), ("pictures", 55_000_000)),
    warnings=("Line 12: self.steps changes while it runs and is not part of its state.",),
)


def refused_run_page() -> runs.NewRunPage:
    problems = (Problem("rate", "“0,001” reads as two values, 0 and 001. Write 0.001.", "comma"),)
    page = new_run_page("everything", {"rate": "0,001", "epochs": "30"}, problems)
    told = FORECAST.forecast
    assert told is not None
    sentence = "Batch 60,000 needs 38.1 GB; the CPU's memory has 24.0 GB. Batch 24,576 fits."
    sizes = {"memory_bytes": 38_100_000_000, "memory_high_bytes": 41_900_000_000, "batch_size": 60_000}
    nearest = {"largest_batch": 37_000, "free_batch": 24_576}
    refused = replace(told, verdict="never", sentence=sentence, total_s=None, time_how=None, **sizes, **nearest)
    return replace(page, forecast=replace(FORECAST, forecast=refused, mark=("fail", "bad"), bar=1000, bar_high=1000))


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
        can_copy=True,
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
        epochs_wanted=30,
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
        split="test",
    )
    progress = replace(TRAINING, done=12660, epoch=30, seconds_left=None, is_still=True)
    return replace(
        run_page(),
        state="finished",
        outcome=outcome,
        progress=progress,
        seconds=124.0,
        actions=(home.Action(word="Run again, changed", url="/runs/new?like=lenet-mnist-3"),),
    )


def waiting_run_page() -> runs.RunPage:
    return replace(
        run_page(),
        named=named("runs", "lenet-mnist-4"),
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
    return replace(
        run_page(),
        state="failed",
        failure=FAILURE,
        seconds=9.2,
        actions=(home.Action(word="Run again, changed", url="/runs/new?like=lenet-mnist-3"),),
    )

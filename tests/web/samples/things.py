"""Things that several sample pages show."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from tenfold.interfaces.web.views import home
from tenfold.interfaces.web.views.frame import Frame, Gauge, Link, NamedView, Viewer

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
FRAME = Frame(viewer=OWNER, gauges=GAUGES, num_running=2, num_waiting=2, version="0.1.0", place="0123abcd-5317")
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
        place=1,
        subject=Link(text="alexnet-flowers-1", url="/runs/alexnet-flowers-1"),
        kind="run",
        why="Dataset flowers is being built: 62 %.",
        owner="owner",
        queued_at=minutes_ago(4),
    ),
    home.WaitingRow(
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
    actions=(
        home.Action(word="Change and run again", url="/runs/new?like=lenet-mnist-1", is_key=True),
        home.Action(word="Resume", url="/runs/lenet-mnist-1/resume", is_post=True),
        home.Action(word="Delete", url="/runs/lenet-mnist-1/trash", is_post=True),
    ),
)
SAMPLE = home.Sample(
    name="mnist",
    title="MNIST",
    about="Handwritten digits, 28 × 28, in grey: the first thing every network learns.",
    num_samples=70_000,
    num_bytes=11_594_722,
    licence="Free use with attribution (CC BY-SA 3.0)",
    try_url="/datasets/samples/mnist/try",
)

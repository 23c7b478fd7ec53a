"""What the product's loop costs over a bare one: metrics, checkpoints, stop button, events, progress.

Both train the same network from the same first weights on the same packed pictures in the same order, with the same
precision, layout, threads, allocator and optimiser; the bare loop is what a careful engineer writes. The quality check:
both end with the same loss to the last digit that float32 gives.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROUNDS = 7
TRAINING_PICTURES = 64 * 840  # whole batches, about as many as MNIST has; every epoch ends with a checkpoint
TINY = """language 1
network tiny "for the loop's own cost"
param classes = 10 in 2..1000
input image = image(1, 28, 28)
avg_pool(14)
flatten
fc = dense(classes)
output logits
"""
ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "1000000000000"}


def measure() -> list[dict[str, Any]]:
    """Measures in a process of its own, so that both loops have the allocator that workers have."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.loop_tax"],
        env={**os.environ, **ALLOCATOR},
        check=True,
        capture_output=True,
        text=True,
    )
    lenet_bare, ratio, tiny_bare, extra_s, difference = map(float, done.stdout.split())
    share = 100 * (ratio - 1)
    extra = 1e6 * extra_s
    quality = f"last losses differ by {difference:.1e}"
    return [
        {
            "name": "loop_tax_lenet",
            "value": share,
            "unit": "% slower",
            "opponent": f"bare loop {1000 * lenet_bare:.2f} ms a step; {quality}",
            "goal": "<= 5",
            "holds": share <= 5,
        },
        {
            "name": "loop_tax_tiny",
            "value": extra,
            "unit": "us a step",
            "opponent": f"bare loop {1e6 * tiny_bare:.0f} us a step",
            "goal": "<= 150",
            "holds": extra <= 150,
        },
    ]


class Data:
    """Pictures in memory, as a revision has them."""

    def __init__(self, count: int) -> None:
        import numpy as np

        from tenfold.testing.pictures import SHAPES, draw_shape

        random = np.random.default_rng(1)
        kinds = random.integers(0, 3, count)
        self._images = np.stack([draw_shape(SHAPES[kind], 28, random) for kind in kinds])[..., None]
        self._labels = kinds.astype(np.int64)

    input_shape = (1, 28, 28)

    def pictures(self, split: str, places: Any) -> Any:
        return (self._images if split == "train" else self._images[:0])[places]

    def labels(self, split: str) -> Any:
        return self._labels if split == "train" else self._labels[:0]

    def weights(self, split: str) -> None:
        """All count alike."""


def plan_for(text: str, epochs: int) -> Any:
    from tenfold.core.networks.fitting import require_fit
    from tenfold.core.training.ports import BackendPlan
    from tenfold.core.training.spec import TrainingSpec
    from tenfold.tasks.classification.torch import ClassificationHead

    spec = TrainingSpec(dataset="d", epochs=epochs, batch_size=64)
    graph = require_fit(text, {"classes": 3}, (1, 28, 28))
    return BackendPlan(
        graph=graph, spec=spec, head=ClassificationHead(), device="cpu", threads=1, mean=(0.2,), std=(0.25,)
    )


def ours(plan: Any, data: Data) -> tuple[float, float]:
    """Seconds a step of the whole product: engine, backend, checkpoints and events on disk."""
    from tenfold.adapters.frameworks.torch.backend import TorchBackend
    from tenfold.adapters.storage.checkpoints import FolderCheckpoints
    from tenfold.adapters.storage.job_folders import LocalJobFolders, WorkerFolder
    from tenfold.core.ids import JobId
    from tenfold.core.training.engine import Engine, Surroundings

    with tempfile.TemporaryDirectory() as home:
        folders = LocalJobFolders(Path(home))
        job = JobId("job_0000000000000000")
        folders.create(job, {})
        folders.open_attempt(job, 1)
        folder = WorkerFolder(folders.path(job), 1)
        backend = TorchBackend(plan, data)
        around = Surroundings(
            backend=backend,
            checkpoints=FolderCheckpoints(Path(home) / "checkpoints"),
            events=folder,
            control=folder,
            clock=time.monotonic,
        )
        engine = Engine(plan.spec, num_training=len(data.labels("train")), num_validation=0, around=around)
        started = time.perf_counter()
        engine.run()
        seconds = time.perf_counter() - started
        rows = [envelope.event for envelope in folders.read_events(job, 0)[0]]
        last = next(row.values["train_loss"] for row in reversed(rows) if row.type == "metrics")
        folder.close()
    return seconds / engine.total_steps, last


def bare(plan: Any, data: Data) -> tuple[float, float]:
    """Seconds a step of the plain loop, and its mean loss over the last row's steps."""
    import numpy as np
    import torch

    from tenfold.adapters.frameworks.torch.builder import build_module
    from tenfold.core.training.sampling import epoch_order
    from tenfold.core.training.schedule import rate_at

    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.spec.seed)
    module = build_module(plan.graph, seed=plan.spec.seed).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        module.parameters(), lr=0.1, momentum=plan.spec.momentum, weight_decay=plan.spec.weight_decay, fused=True
    )
    labels = torch.from_numpy(data.labels("train"))
    images = data.pictures("train", np.arange(len(labels)))
    batch = plan.spec.batch_size
    steps = len(labels) // batch
    total = steps * plan.spec.epochs
    buffer = np.empty((batch, 28, 28, 1), np.uint8)
    row = max(1, total // 300)
    losses: list[torch.Tensor] = []
    started = time.perf_counter()
    for step in range(total):
        epoch, place = divmod(step, steps)
        if place == 0:
            order = epoch_order(plan.spec.seed, epoch, len(labels))
        chosen = order[place * batch : (place + 1) * batch]
        np.take(images, chosen, axis=0, out=buffer, mode="clip")
        inputs = torch.from_numpy(buffer).permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.channels_last)
        inputs.sub_(255 * 0.2).mul_(1 / (255 * 0.25))
        loss = torch.nn.functional.cross_entropy(module(inputs), labels[torch.from_numpy(chosen)])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        rate = rate_at(step, total, schedule=plan.spec.schedule, rate=plan.spec.rate, warm_up=plan.spec.warm_up)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        losses = [*losses[-row + 1 :], loss.detach()] if row > 1 else [loss.detach()]
    seconds = time.perf_counter() - started
    return seconds / total, float(torch.stack(losses).mean())


def paired(plan: Any, data: Data, *, ours_first: bool) -> tuple[tuple[float, float], tuple[float, float]]:
    """Seconds a step and last loss of the bare loop, then of ours."""
    if ours_first:
        product = ours(plan, data)
        return bare(plan, data), product
    return bare(plan, data), ours(plan, data)


def main() -> None:
    """Prints LeNet's bare seconds a step and our ratio, the tiny network's and what we add, the losses' difference.

    Each round runs both, the one that begins in turn, and is compared with itself: the machine's speed changes between
    rounds by more than what is measured.
    """
    from tenfold.adapters.formats.catalogue import read_catalogue

    lenet = next(entry.text for entry in read_catalogue() if entry.name == "lenet")
    figures = []
    difference = 0.0
    data = Data(TRAINING_PICTURES)
    for text, epochs in ((lenet, 1), (TINY, 4)):
        plan = plan_for(text, epochs)
        rounds = [paired(plan, data, ours_first=number % 2 == 1) for number in range(ROUNDS)]
        figures.append(statistics.median(plain for (plain, _), _ in rounds))
        if text is TINY:
            figures.append(statistics.median(product - plain for (plain, _), (product, _) in rounds))
        else:
            figures.append(statistics.median(product / plain for (plain, _), (product, _) in rounds))
            difference = abs(rounds[0][0][1] - rounds[0][1][1])
    print(*figures, difference)


if __name__ == "__main__":
    main()

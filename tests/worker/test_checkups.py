"""Checkups by real workers: one that is killed goes on, and runs on folds find labels that were flipped."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tenfold.adapters.formats.checkups.folder import CheckupFolder
from tenfold.adapters.sources.samples import SampleCache
from tenfold.core.datasets.dataset import Dataset
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.health.labels import doubts
from tenfold.core.events import Progressed
from tenfold.core.jobs.model import Job
from tenfold.core.repository import Query
from tenfold.services.checkups import Standing
from tenfold.testing.pictures import SHAPES, write_shapes

from .workstation import Workstation

CACHE = Path.home() / ".cache" / "tenfold-bench"


def over(workstation: Workstation, dataset: Dataset) -> Standing:
    """The checkup of a dataset when none waits or runs any more."""
    checkups = workstation.services.checkups
    return workstation.wait(
        lambda: checkups.standing(workstation.owner, dataset),
        lambda now: not now.is_open and now.state != "none",
    )


def job_of(workstation: Workstation, dataset: Dataset) -> Job:
    with workstation.services.database.read() as tx:
        return tx.jobs.page(Query(where={"kind": "check", "subject": dataset.revision})).items[0]


def folder_of(workstation: Workstation, dataset: Dataset) -> Path:
    return workstation.data / "artifacts" / "checkups" / job_of(workstation, dataset).id


def test_a_killed_checkup_goes_on_and_leaves_no_litter(workstation: Workstation, shapes: Dataset) -> None:
    whole = over(workstation, shapes)
    assert whole.state == "finished", whole.message
    before = (folder_of(workstation, shapes) / "descriptors.npy").read_bytes()
    shutil.rmtree(folder_of(workstation, shapes))  # nothing to begin with
    workstation.services.checkups._book._open.cache_clear()
    with workstation.services.database.write() as tx:
        tx.jobs.remove(job_of(workstation, shapes).id)
    workstation.services.checkups.check(workstation.owner, shapes.id)
    job = job_of(workstation, shapes)
    events = workstation.services.desk._folders.read_events
    workstation.wait(
        lambda: [each.event for each in events(job.id, 0)[0]],
        lambda told: any(isinstance(event, Progressed) for event in told) or len(told) > 3,
        pause_s=0.001,
    )
    workstation.services.desk._executor.kill(job.id)
    again = over(workstation, shapes)
    assert again.state == "finished", again.message
    assert (folder_of(workstation, shapes) / "descriptors.npy").read_bytes() == before
    assert again.report == whole.report
    home = workstation.data / "jobs" / job.id
    workstation.wait((home / "work").exists, lambda is_there: not is_there)
    assert [path for path in (home / "attempts").glob("*/result*")] == []


def test_runs_on_folds_find_flipped_labels(workstation: Workstation, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Six of a hundred shapes lie in the folder of another class, in every class and split."""
    folder = workstation.data.parent / "flipped"
    write_shapes(folder, per_class=150, seed=8)
    flipped = []
    for place, shape in enumerate(SHAPES):
        other = SHAPES[(place + 1) % 3]
        for number in range(0, 150, 16):
            flipped.append(f"{other}/of {shape} {number}.png")
            (folder / shape / f"{number:04d}.png").rename(folder / flipped[-1])
    dataset = workstation.dataset(folder)
    over(workstation, dataset)
    fields = {"folds": 3, "epochs": 12}
    workstation.services.checkups.find_wrong_labels(workstation.owner, dataset.id, fields)
    standing = over(workstation, dataset)
    assert standing.state == "finished", standing.message
    assert standing.report is not None
    judged = standing.report.judged
    assert (judged.num_folds, judged.num_unseen) == (3, dataset.num_samples)
    assert judged.accuracy > 0.8
    finding = standing.report.finding("wrong-label")
    assert finding is not None
    said = paths(workstation, dataset, finding="wrong-label", sort="finding")
    hits = set(said) & set(flipped)
    print(f"\nflipped {len(flipped)}, told {len(said)}, right {len(hits)}, accuracy {judged.accuracy:.3f}")
    assert len(hits) >= 0.8 * len(flipped)
    assert len(hits) >= 0.7 * len(said)
    doubtful = paths(workstation, dataset, sort="confidence")
    assert len(set(doubtful[: len(flipped)]) & set(flipped)) >= 0.8 * len(flipped)

    model = workstation.services.models.named.page(workstation.owner, Query()).items[0]
    workstation.services.checkups.check(workstation.owner, dataset.id, model=model.id)
    by_one = over(workstation, dataset)
    assert by_one.report is not None
    assert 0 < by_one.report.judged.num_unseen < dataset.num_samples
    assert by_one.report.judged.names == (model.name,)


def paths(workstation: Workstation, dataset: Dataset, **wanted: Any) -> list[str]:
    """The paths that a filter finds, in its order."""
    services = workstation.services
    asked = SampleFilter(**wanted)
    reader = services.datasets.reader(workstation.owner, dataset)
    found = reader.find(asked, services.checkups.marks(workstation.owner, dataset, asked))
    return [reader.sample(index).path for index in found.tolist()]


@pytest.mark.campaign
def test_campaign_label_errors(workstation: Workstation) -> None:
    """MNIST with 2 % of all labels flipped: at least 80 % of them are in the top 5 % of the ranking."""
    source = SampleCache(CACHE).fetch("mnist", report=print)
    folder = workstation.data.parent / "mnist"
    folder.mkdir()
    chance = np.random.default_rng(1)
    flipped: dict[str, set[int]] = {}
    for part in ("train", "t10k"):
        shutil.copy(source / f"{part}-images-idx3-ubyte", folder)
        content = (source / f"{part}-labels-idx1-ubyte").read_bytes()
        labels = np.frombuffer(content[8:], np.uint8).copy()
        chosen = chance.choice(len(labels), len(labels) // 50, replace=False)
        labels[chosen] = (labels[chosen] + chance.integers(1, 10, len(chosen))) % 10
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(content[:8] + labels.tobytes())
        flipped[part] = set(chosen.tolist())
    dataset = workstation.dataset(folder)
    assert dataset.state == "ready", dataset.message
    first = over(workstation, dataset)
    assert first.report is not None
    for finding in first.report.findings:
        print(f"{finding.code}: {finding.sentence}. {finding.why}")
    workstation.services.checkups.find_wrong_labels(workstation.owner, dataset.id, {"folds": 3, "epochs": 1})
    while workstation.services.checkups.standing(workstation.owner, dataset).reason:
        time.sleep(1)
    standing = over(workstation, dataset)
    assert standing.report is not None, standing.message
    reader = workstation.services.datasets.reader(workstation.owner, dataset)
    checkup = CheckupFolder(folder_of(workstation, dataset))
    said, labels = checkup.judged("probabilities"), reader.labels_at(np.arange(dataset.num_samples))
    assert said is not None
    ranking = doubts(said, labels).ranking
    wrong = {index for index in range(dataset.num_samples) if is_flipped(reader.sample(index).path, flipped)}
    assert len(wrong) == 1400
    top = len(set(ranking[: dataset.num_samples // 20].tolist()) & wrong) / len(wrong)
    told = checkup.samples("wrong-label").tolist()
    hits = len(set(told) & wrong)
    print(f"\nflipped {len(wrong)}; in the top 5 % {top:.2%}; accuracy {standing.report.judged.accuracy:.2%}")
    print(f"told {len(told)}: precision {hits / len(told):.2%}, recall {hits / len(wrong):.2%}")
    assert top >= 0.8


def is_flipped(path: str, flipped: dict[str, set[int]]) -> bool:
    """Whether a picture of an IDX file, as `t10k-images-idx3-ubyte/00017`, had its label flipped."""
    file, _, name = path.partition("/")
    return int(name.removesuffix(".pgm")) in flipped["t10k" if file.startswith(("t10k", "test")) else "train"]

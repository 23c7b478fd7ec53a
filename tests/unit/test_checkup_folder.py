"""A checkup's folder: resumed where it was, begun with what the last one knows, judged by models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tenfold.adapters.formats.checkups.folder import CheckPlaces, CheckupFolder, check_revision, judge_revision
from tenfold.adapters.formats.checkups.judging import OpenJudge
from tenfold.adapters.formats.importing.build import BuildPlaces, build_revision
from tenfold.adapters.formats.layouts.image_folder import ImageFolder
from tenfold.adapters.formats.revisions.reader import RevisionFolder, open_revision
from tenfold.adapters.imaging.pillow import PillowDecoder
from tenfold.core.datasets.health.judging import JudgeSpec
from tenfold.core.datasets.health.likeness import first_with_same_pixels
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import Damaged, NotFound
from tenfold.testing.pictures import SHAPES, write_shapes

FOLDS = [JudgeSpec(model=f"mod_{k}", name=f"k{k}", task="x", parameters={}, fold=k, folds=2) for k in (1, 2)]


@pytest.fixture(scope="module")
def revision(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("built")
    write_shapes(home / "shapes", per_class=40)
    places = BuildPlaces(work=folder(home / "work"), destination=folder(home / "revision"))
    build_revision(
        ImageFolder(home / "shapes"), DatasetSpec(), places, decoder=PillowDecoder(), report=lambda _d, _t: None
    )
    return home / "revision"


def folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


class Brightness:
    """Fulfils `PictureJudge`: takes what is bright for a ring, and counts how often it is asked."""

    classes = (*SHAPES, "moon")

    def __init__(self) -> None:
        self.num_seen = 0

    def judge(self, pictures: np.ndarray[Any, Any]) -> tuple[Any, Any]:
        self.num_seen += len(pictures)
        light = pictures.reshape(len(pictures), -1).mean(axis=1) / 255
        said = np.stack([1 - light, light * 0, light, light * 0], axis=1)
        return said.astype(np.float32), np.stack([light, 1 - light], axis=1).astype(np.float32)


class Examination:
    """Checkups of one revision, one after the other."""

    def __init__(self, home: Path, reader: RevisionFolder) -> None:
        self.home = home
        self.reader = reader
        self.judge = Brightness()

    def check(self, name: str, *, earlier: str = "", stop_after: int = 10**9, judged: bool = True) -> Any:
        told: list[int] = []
        return check_revision(
            self.reader,
            CheckPlaces(
                work=folder(self.home / f"{name} work"),
                destination=folder(self.home / name),
                earlier=self.home / earlier if earlier else None,
            ),
            judges=FOLDS if judged else (),
            open_judge=lambda spec: OpenJudge(spec, self.judge, self.reader),
            report=lambda done, _total: told.append(done),
            should_stop=lambda: len(told) >= stop_after,
        )


def test_every_sample_is_judged_by_whom_it_was_unseen(tmp_path: Path, revision: Path) -> None:
    examination = Examination(tmp_path, open_revision(revision))
    report = examination.check("first")
    assert report.judged.names == ("k1", "k2")
    assert (report.judged.num_folds, report.judged.num_unseen) == (2, 120)
    found = CheckupFolder(tmp_path / "first")
    confidence, guesses, sureness = (found.judged(name) for name in ("confidence", "guesses", "sureness"))
    labels = examination.reader.labels_at(np.arange(120))
    said = np.load(tmp_path / "first" / "probabilities.npy")
    assert said.shape == (120, 3)
    assert np.array_equal(confidence, said[np.arange(120), labels])
    assert np.array_equal(guesses, said.argmax(axis=1))
    assert np.array_equal(sureness, said.max(axis=1))
    test = len(examination.reader.indices("test"))
    assert examination.judge.num_seen == 120 + test + (120 - test) // 2


def test_the_next_checkup_takes_over_what_the_same_models_said(tmp_path: Path, revision: Path) -> None:
    examination = Examination(tmp_path, open_revision(revision))
    first = examination.check("first")
    before = examination.judge.num_seen
    assert examination.check("second", earlier="first") == first
    assert examination.judge.num_seen == before
    for name in ("probabilities", "descriptors", "confidence"):
        assert (tmp_path / "first" / f"{name}.npy").read_bytes() == (tmp_path / "second" / f"{name}.npy").read_bytes()


def test_a_checkup_that_was_stopped_goes_on_to_the_same_end(tmp_path: Path, revision: Path) -> None:
    whole, halved = (Examination(folder(tmp_path / name), open_revision(revision)) for name in ("whole", "halved"))
    expected = whole.check("first")
    assert halved.check("first", stop_after=1) is None
    assert not (tmp_path / "halved" / "first" / "findings.json").exists()
    assert halved.check("first", stop_after=1) is None
    assert halved.check("first") == expected


def test_without_judges_nobody_judged(tmp_path: Path, revision: Path) -> None:
    examination = Examination(tmp_path, open_revision(revision))
    report = examination.check("first", judged=False)
    assert "wrong-label" not in report.checked
    found = CheckupFolder(tmp_path / "first")
    assert found.judged("confidence") is None
    assert found.samples("wrong-label").tolist() == []
    assert found.samples("../../etc").tolist() == []


def test_a_damaged_checkup_says_so(tmp_path: Path, revision: Path) -> None:
    with pytest.raises(NotFound, match="is no checkup"):
        _ = CheckupFolder(tmp_path).report
    examination = Examination(tmp_path, open_revision(revision))
    examination.check("first")
    (tmp_path / "first" / "confidence.npy").unlink()
    with pytest.raises(Damaged, match=r"confidence.npy in first cannot be read"):
        CheckupFolder(tmp_path / "first").judged("confidence")
    (tmp_path / "first" / "findings.json").write_text("{}")
    with pytest.raises(Damaged, match="The findings cannot be read"):
        _ = CheckupFolder(tmp_path / "first").report


def test_equal_hashes_lead_to_the_first() -> None:
    hashes = np.random.default_rng(1).integers(0, 256, (50, 32), dtype=np.uint8)
    hashes[[20, 40]] = hashes[3]
    hashes[41] = hashes[3]
    hashes[41, 31] ^= 1
    found = first_with_same_pixels(hashes)
    assert found[[3, 20, 40]].tolist() == [3, 3, 3]
    assert (np.delete(found, [20, 40]) == np.delete(np.arange(50), [20, 40])).all()


def test_a_judgement_tells_confidence_and_finds_nothing(tmp_path: Path, revision: Path) -> None:
    reader, judge = open_revision(revision), Brightness()

    def judged(name: str, earlier: str = "") -> Any:
        work, made = folder(tmp_path / f"{name} work"), folder(tmp_path / name)
        return judge_revision(
            reader,
            CheckPlaces(work=work, destination=made, earlier=tmp_path / earlier if earlier else None),
            replace(FOLDS[0], fold=0, folds=0),
            open_judge=lambda spec: OpenJudge(spec, judge, reader),
            report=lambda _done, _total: None,
            should_stop=lambda: False,
        )

    told = judged("first")
    assert (told.findings, told.is_judgement, told.judged.names) == ((), True, ("k1",))
    assert told.judged.num_unseen == 120 - len(reader.indices("train"))
    assert CheckupFolder(tmp_path / "first").report == told
    confidence = CheckupFolder(tmp_path / "first").judged("confidence")
    said = np.load(tmp_path / "first" / "probabilities.npy")
    assert confidence is not None
    assert np.array_equal(confidence, said[np.arange(120), reader.labels_at(np.arange(120))])
    seen = judge.num_seen
    assert judged("second", "first") == told
    assert judge.num_seen == seen == 120

"""Pictures added to a dataset: old samples keep their places, new ones follow, and nothing is there twice."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tenfold.adapters.formats.importing.addition import THERE_ALREADY, AdditionPlaces, add_to_revision
from tenfold.adapters.formats.importing.build import BuildPlaces, build_revision
from tenfold.adapters.formats.layouts.image_folder import ImageFolder
from tenfold.adapters.formats.revisions.derived import derive_revision
from tenfold.adapters.formats.revisions.reader import RevisionFolder, open_revision
from tenfold.adapters.formats.revisions.writer import ContentHash
from tenfold.adapters.imaging.fast import FastDecoder
from tenfold.adapters.imaging.pillow import PillowDecoder
from tenfold.core.datasets.edits import Change, Edit
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.model import Difference
from tenfold.core.datasets.spec import DatasetSpec
from tenfold.core.errors import BadDataset
from tenfold.testing.picture_files import encode, make_photo, write_class_folders


def no_report(_done: int, _total: int) -> None:
    """Nobody asks."""


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    source = write_class_folders(tmp_path / "first", {"cat": 20, "dog": 30})
    places = BuildPlaces(work=made(tmp_path / "work"), destination=made(tmp_path / "rev_1"))
    build_revision(ImageFolder(source), DatasetSpec(), places, decoder=FastDecoder(), report=no_report)
    return tmp_path / "rev_1"


def add(source: Path, parent: Path, name: str = "rev_2", **about: Any) -> RevisionFolder | None:
    work = parent.with_name(f"{name}.work")
    work.mkdir(exist_ok=True)
    folder = parent.with_name(name)
    shutil.rmtree(folder, ignore_errors=True)
    places = AdditionPlaces(work=work, destination=made(folder), parent=parent)
    spec = DatasetSpec()
    about = {"decoder": FastDecoder(), "report": no_report, **about}
    return open_revision(folder) if add_to_revision(ImageFolder(source), places, spec, **about) else None


@pytest.fixture
def more(tmp_path: Path) -> Path:
    """Ten of the class that comes last by name, twelve of one that is new, two that are there already, one torn."""
    folder = tmp_path / "more"
    for label, name, count in ((7, "dog", 10), (8, "bird", 12)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            picture = make_photo(20, 16, seed=100 * label + number)
            (folder / name / f"new {number}.png").write_bytes(encode(picture))
    for number in range(2):
        shutil.copy(tmp_path / "first" / "cat" / f"{number:04d}.png", folder / "bird" / f"again {number}.png")
    (folder / "dog" / "a torn one.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    return folder


def test_new_samples_stand_behind_the_old_ones(parent: Path, more: Path) -> None:
    old, new = open_revision(parent), add(more, parent)
    assert new is not None
    new.verify()
    assert new.classes == ("cat", "dog", "bird")
    assert new.manifest.differences == (Difference("added", 22),)
    assert (new.manifest.num_samples, new.manifest.parent) == (72, "rev_1")
    assert new.manifest.skipped_by_reason == {THERE_ALREADY: 2}
    assert [file.path for file in new.rejected()] == ["dog/a torn one.png"]
    manifest = new.manifest
    assert manifest.seen == manifest.num_samples + manifest.num_rejected + sum(manifest.skipped_by_reason.values())
    for index in range(50):
        assert new.sample(index) == old.sample(index)
        assert new.thumbnail(index) == old.thumbnail(index)
    assert (new.mean, new.std, new.input_shape) == (old.mean, old.std, old.input_shape)
    assert {new.sample(index).label for index in range(50, 72)} == {1, 2}
    assert sum(new.manifest.counts[split][2] for split in ("train", "val", "test")) == 12
    assert new.manifest.counts["val"][2] == new.manifest.counts["test"][2] == 1


def test_new_pictures_are_packed_as_the_dataset_is(parent: Path, more: Path) -> None:
    new = add(more, parent)
    assert new is not None
    for split in ("train", "val", "test"):
        indices = new.indices(split)
        pictures = new.pictures(split, np.arange(len(indices)))
        for place, index in enumerate(indices.tolist()):
            if index >= 50:
                content = (more / new.sample(index).path).read_bytes()
                expected = PillowDecoder().decode(content, new.manifest.preprocessing)
                assert np.abs(pictures[place].astype(int) - expected).max() <= 1


def test_the_content_hash_is_that_of_all_rows(parent: Path, more: Path) -> None:
    new = add(more, parent)
    assert new is not None
    whole = ContentHash(new.classes, new.manifest.preprocessing.shape)
    state = new.assigned()
    whole.add(new.pixel_hashes(np.arange(72)), {"labels": state.labels, "splits": state.splits})
    assert whole.hexdigest() == new.manifest.content


def test_an_edited_dataset_is_added_to_and_edited_again(parent: Path, more: Path) -> None:
    edited = made(parent.with_name("rev_2"))
    derive_revision(parent, edited, Edit(Change(action="exclude"), (0, 1)))
    new = add(more, edited, "rev_3")
    assert new is not None
    assert new.find(SampleFilter(split="excluded")).tolist() == [0, 1]
    again = made(parent.with_name("rev_4"))
    birds = SampleFilter(label="bird")
    derive_revision(parent.with_name("rev_3"), again, Edit(Change(action="move", to_split="test"), birds))
    last = open_revision(again)
    assert [store.revision for store in last.manifest.pixels] == ["rev_1", "rev_3"]
    index = int(last.find(birds)[0])
    assert last.thumbnail(index) == new.thumbnail(index)
    places = np.arange(len(last.indices("test")))
    assert last.pictures("test", places).shape == (len(places), 12, 12, 3)


def test_what_was_deleted_can_be_added_again(parent: Path, tmp_path: Path) -> None:
    edited = made(parent.with_name("rev_2"))
    derive_revision(parent, edited, Edit(Change(action="delete"), (0, 1, 2)))
    derive_revision(edited, made(parent.with_name("rev_3")), Edit(Change(action="exclude"), (3,)))
    new = add(tmp_path / "first", parent.with_name("rev_3"), "rev_4")
    assert new is not None
    assert new.manifest.differences == (Difference("added", 3),)
    assert new.manifest.skipped_by_reason == {THERE_ALREADY: 47}
    assert (new.manifest.num_samples, new.manifest.num_excluded, new.manifest.num_deleted) == (49, 1, 3)
    old = open_revision(parent)
    assert {new.sample(index).sha256 for index in range(50, 53)} == {old.sample(index).sha256 for index in range(3)}
    assert new.indices().tolist() == list(range(3, 53))


def test_what_is_there_already_adds_nothing(parent: Path, tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match="All 50 pictures are in the dataset already") as error:
        add(tmp_path / "first", parent)
    assert error.value.code == "dataset.nothing-new"


def test_a_file_that_is_offered_again_is_left_out_once_and_no_more_once_it_is_mended(parent: Path, more: Path) -> None:
    torn = more / "dog" / "a torn one.png"
    assert add(more, parent) is not None
    (more / "dog" / "later.png").write_bytes(encode(make_photo(20, 16, seed=9000)))
    again = add(more, parent.with_name("rev_2"), "rev_3")
    assert again is not None
    assert [file.path for file in again.rejected()] == ["dog/a torn one.png"]
    torn.write_bytes(encode(make_photo(20, 16, seed=9001)))
    (more / "dog" / "still no picture.png").write_bytes(b"no")
    mended = add(more, parent.with_name("rev_3"), "rev_4")
    assert mended is not None
    assert [file.path for file in mended.rejected()] == ["dog/still no picture.png"]
    for manifest in (again.manifest, mended.manifest):
        assert manifest.num_rejected == sum(manifest.rejected_by_code.values()) == 1
        assert manifest.seen == manifest.num_samples + 1 + sum(manifest.skipped_by_reason.values())


def test_one_class_alone_can_be_added(parent: Path, tmp_path: Path) -> None:
    (tmp_path / "one" / "cat").mkdir(parents=True)
    (tmp_path / "one" / "cat" / "x.png").write_bytes(encode(make_photo(30, 30, seed=5)))
    new = add(tmp_path / "one", parent)
    assert new is not None
    assert (new.sample(50).split, new.sample(50).label) == ("train", 0)


def test_a_stopped_addition_goes_on_where_it_was(parent: Path, more: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenfold.adapters.formats.importing.addition.BATCH_BYTES", 1)
    asked = iter([False, False, False, False, False])
    assert add(more, parent, should_stop=lambda: next(asked, True)) is None
    seen: list[int] = []
    new = add(more, parent, report=lambda done, _total: seen.append(done))
    assert new is not None
    assert max(seen[:1]) >= 0
    assert new.manifest.num_samples == 72

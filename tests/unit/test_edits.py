"""What an edit does to classes and splits, and what a revision that is made of another one shares with it."""

from __future__ import annotations

import errno
import shutil
import tempfile
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenfold.adapters.formats.revisions import derived as derived_revision
from tenfold.adapters.formats.revisions.derived import derive_revision
from tenfold.adapters.formats.revisions.reader import RevisionFolder, open_revision
from tenfold.adapters.formats.revisions.writer import ContentHash
from tenfold.core.datasets.edits import (
    MAX_DIFFERENCES,
    Assigned,
    Change,
    Edit,
    apply_change,
    checked_indices,
    differences,
)
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.datasets.model import DELETED, SPLITS, Difference, manifest_from_json, tell_differences
from tenfold.core.errors import BadDataset, Damaged, Invalid, InvalidFields, NotFound
from tenfold.core.fields import parse_spec
from tenfold.testing.revisions import CLASSES, write_revision

NUM = 300


def assigned(labels: list[int], splits: list[int], classes: tuple[str, ...] = ("cat", "dog")) -> Assigned:
    return Assigned(classes, np.array(labels, np.int32), np.array(splits, np.int8))


def changed(change: dict[str, Any], before: Assigned, chosen: list[int]) -> tuple[list[int], list[int], str]:
    after = apply_change(parse_spec(Change, change), before, np.array(chosen, np.int64))
    return after.labels.tolist(), after.splits.tolist(), tell_differences(differences(before, after))


SPLITS_BEFORE = [0, 0, 1, 0, 2, -3]
LABELS_BEFORE = [0, 0, 0, 1, 1, 1]
AS_CAT = {"action": "relabel", "label": "cat"}
AS_DOG, AS_COW = {"action": "relabel", "label": "dog"}, {"action": "relabel", "label": "cow"}
BEFORE = assigned(LABELS_BEFORE, SPLITS_BEFORE)
TO_VAL, TO_TRAIN = {"action": "move", "to_split": "val"}, {"action": "move", "to_split": "train"}


@pytest.mark.parametrize(
    ("change", "chosen", "labels", "splits", "told"),
    [
        (AS_DOG, [0, 2], [1, 0, 1, 1, 1, 1], SPLITS_BEFORE, "2 pictures from cat to dog"),
        (AS_COW, [0], [2, 0, 0, 1, 1, 1], SPLITS_BEFORE, "1 picture from cat to cow"),
        (TO_VAL, [0, 2], LABELS_BEFORE, [1, 0, 1, 0, 2, -3], "1 moved from train to val"),
        (TO_TRAIN, [5, 4], LABELS_BEFORE, [0, 0, 1, 0, 0, 0], "1 moved from test to train, 1 restored"),
        ({"action": "exclude"}, [1, 2, 4, 5], LABELS_BEFORE, [0, -1, -2, 0, -3, -3], "3 excluded"),
        ({"action": "restore"}, [0, 5], LABELS_BEFORE, [0, 0, 1, 0, 2, 2], "1 restored"),
        ({"action": "delete"}, [1, 2, 5], LABELS_BEFORE, [0, -4, -4, 0, 2, -4], "3 deleted"),
    ],
)
def test_a_change_does_what_it_says_and_tells_it(
    change: dict[str, Any], chosen: list[int], labels: list[int], splits: list[int], told: str
) -> None:
    assert changed(change, BEFORE, chosen) == (labels, splits, told)
    assert BEFORE.splits.tolist() == SPLITS_BEFORE


@pytest.mark.parametrize(
    ("change", "chosen", "words"),
    [
        ({"action": "relabel", "label": "cat"}, [0], "The picture is of the class cat already"),
        ({"action": "move", "to_split": "train"}, [0, 1], "All 2 pictures are in train already"),
        ({"action": "exclude"}, [5], "The picture is excluded already"),
        ({"action": "restore"}, [0, 1], "All 2 pictures are in a split already"),
        ({"action": "exclude"}, [], "No picture fits"),
    ],
)
def test_what_changes_nothing_is_refused(change: dict[str, Any], chosen: list[int], words: str) -> None:
    with pytest.raises(Invalid, match=words) as error:
        changed(change, BEFORE, chosen)
    assert error.value.code == "edit.nothing"


def test_a_dataset_that_could_not_be_trained_on_is_not_made() -> None:
    with pytest.raises(BadDataset, match="No picture would be left for training"):
        changed({"action": "exclude"}, BEFORE, [0, 1, 3])
    with pytest.raises(BadDataset, match="No picture would be left for training"):
        changed({"action": "delete"}, BEFORE, [0, 1, 3])
    with pytest.raises(BadDataset, match="One class only would be left for training, 'cat'"):
        changed({"action": "relabel", "label": "cat"}, BEFORE, [3, 4])
    with pytest.raises(BadDataset, match="One class only would be left for training, 'dog'"):
        changed({"action": "exclude"}, BEFORE, [0, 1])
    lone = assigned([0, 0, 1], [0, 0, 1])  # it was so before: its pictures can still be changed
    assert changed({"action": "exclude"}, lone, [0])[1] == [-1, 0, 1]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"action": "relabel"}, "label", "Name the class for relabel"),
        ({"action": "move"}, "to_split", "Name the split for move"),
        ({"action": "exclude", "label": "dog"}, "label", "exclude takes no class"),
        ({"action": "relabel", "label": "x", "to_split": "val"}, "to_split", "relabel takes no split"),
        ({"action": "paint"}, "action", "allowed is one of relabel, move, exclude, restore, delete"),
        ({}, "action", "Change is needed"),
        ({"action": "relabel", "label": "a/b"}, "label", "has “/” in it"),
        ({"action": "relabel", "label": "a\nb"}, "label", r"U\+000A"),
        ({"action": "relabel", "label": ".."}, "label", "is no class"),
        ({"action": "relabel", "label": ".. "}, "label", "is no class"),
        ({"action": "relabel", "label": "  "}, "label", "is no class"),
        ({"action": "relabel", "label": "x" * 201}, "label", "1 to 200 characters"),
    ],
)
def test_what_is_missing_or_too_much_is_named(change: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidFields, match=words) as error:
        parse_spec(Change, change)
    assert [problem.field for problem in error.value.problems] == [field]


def test_blanks_and_composed_letters_make_no_other_class() -> None:
    assert changed({"action": "relabel", "label": " cat "}, BEFORE, [4])[0] == changed(AS_CAT, BEFORE, [4])[0]
    new = apply_change(parse_spec(Change, {"action": "relabel", "label": " Cafe\u0301 "}), BEFORE, np.array([3]))
    assert new.classes[-1] == "Caf\u00e9"


@pytest.mark.parametrize("name", ["Cat", "CAT"])
def test_a_class_that_looks_like_another_is_not_made(name: str) -> None:
    with pytest.raises(InvalidFields, match="There is a class 'cat' already"):
        changed({"action": "relabel", "label": name}, BEFORE, [3])


def test_indices_are_those_of_the_dataset() -> None:
    splits = np.array([0, 1, DELETED, -1, 2], np.int8)
    assert checked_indices([4, 1, 3, 4], splits).tolist() == [1, 3, 4]
    for strange, words in ((-1, "There is no sample -1; the dataset has 5"), (5, "no sample 5"), (2, "2 was deleted")):
        with pytest.raises(NotFound, match=words) as error:
            checked_indices([0, strange], splits)
        assert error.value.code == "sample.not-found"


def test_a_group_moves_without_what_was_deleted_of_it() -> None:
    before = Assigned(
        ("cat", "dog"),
        np.array([0, 0, 0, 1, 0], np.int32),
        np.array([0, DELETED, -1, 0, 0], np.int8),
        groups=np.array([0, 0, 0, -1, -1], np.int32),
    )
    moved = apply_change(Change(action="move", to_split="val"), before, np.array([0]))
    assert moved.splits.tolist() == [1, DELETED, -2, 0, 0]


def test_many_kinds_of_differences_are_summed_up() -> None:
    size = MAX_DIFFERENCES + 20
    classes = tuple(f"c{number}" for number in range(size))
    before = assigned(list(range(size)), [0] * size, classes)
    after = assigned([(number + 1) % size for number in range(size)], [0] * size, classes)
    found = differences(before, after)
    assert len(found) == MAX_DIFFERENCES + 1
    assert found[-1] == Difference("class", 20)
    assert found[-1].text == "20 pictures between other classes"
    assert differences(before, assigned([0] * (size + 7), [0] * (size + 7), classes))[-1].text == "7 added"


LABELS = st.lists(st.integers(0, 1), min_size=6, max_size=6)
CODES = st.lists(st.integers(-3, 2), min_size=6, max_size=6)


@given(labels=LABELS, splits=CODES, chosen=st.sets(st.integers(0, 5), min_size=1))
def test_what_is_excluded_comes_back_where_it_was(labels: list[int], splits: list[int], chosen: set[int]) -> None:
    base = assigned([*labels, 0, 1], [*splits, 0, 0])
    there = [index for index in chosen if splits[index] >= 0]
    if there:
        excluded = apply_change(Change(action="exclude"), base, np.array(there))
        back = apply_change(Change(action="restore"), excluded, np.array(there))
        assert back.splits.tolist() == base.splits.tolist()


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    write_revision(tmp_path / "rev_1", NUM)
    return tmp_path / "rev_1"


def derived(parent: Path, name: str, change: Change, chosen: Any) -> Path:
    folder = parent.with_name(name)
    folder.mkdir(exist_ok=True)
    derive_revision(parent, folder, Edit(change, chosen))
    return folder


def test_only_the_changed_columns_are_written_and_all_else_is_shared(parent: Path) -> None:
    cats = SampleFilter(label="cat", split="train")
    folder = derived(parent, "rev_2", Change(action="relabel", label="cow"), cats)
    old, new = open_revision(parent), open_revision(folder)
    new.verify()
    moved = old.find(cats).tolist()
    assert new.manifest.differences == (Difference("class", len(moved), "cat", "cow"),)
    assert (new.manifest.parent, new.classes) == ("rev_1", (*CLASSES, "cow"))
    assert new.find(SampleFilter(label="cow")).tolist() == moved
    assert manifest_from_json(new.manifest.to_json()) == new.manifest
    own = sorted(file.name for file in folder.iterdir() if file.stat().st_nlink == 1)
    assert own == ["labels.npy", "manifest.json"]
    assert not (folder / "pixels.npy").exists()
    assert new.manifest.pixels[0].revision == "rev_1"
    assert (new.mean, new.std) == (old.mean, old.std)
    assert new.manifest.notes[-1].startswith("Mean and deviation are those of the first revision")
    for index in (0, moved[0], NUM - 1):
        assert new.thumbnail(index) == old.thumbnail(index)
        assert new.sample(index).path == old.sample(index).path


def test_a_chain_of_edits_keeps_its_pixels_counts_and_hash(parent: Path) -> None:
    second = derived(parent, "rev_2", Change(action="exclude"), tuple(range(40)))
    third = derived(second, "rev_3", Change(action="move", to_split="test"), tuple(range(35, 60)))
    reader = open_revision(third)
    assert (reader.manifest.parent, reader.manifest.pixels[0].revision) == ("rev_2", "rev_1")
    assert reader.manifest.num_excluded == 35
    assert reader.manifest.num_samples + reader.manifest.num_excluded == NUM == reader.manifest.seen
    whole = ContentHash(reader.classes, reader.manifest.preprocessing.shape)
    state = reader.assigned()
    whole.add(reader.pixel_hashes(np.arange(NUM)), {"labels": state.labels, "splits": state.splits})
    assert reader.manifest.content == whole.hexdigest()
    places = np.arange(5)
    indices = reader.indices("test")[places]
    np.testing.assert_array_equal(reader.pictures("test", places), np.load(parent / "pixels.npy")[indices])


def test_an_edit_that_is_taken_back_by_another_has_the_same_hash(parent: Path) -> None:
    there = derived(parent, "rev_2", Change(action="exclude"), (1, 2, 3))
    back = derived(there, "rev_3", Change(action="restore"), SampleFilter(split="excluded"))
    assert open_revision(back).manifest.content == open_revision(parent).manifest.content
    assert open_revision(there).manifest.content != open_revision(parent).manifest.content


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["exclude", "restore", "delete", "delete", "move", "relabel"]),
        st.sets(st.integers(0, 39), min_size=1, max_size=12),
        st.sampled_from(SPLITS),
        st.sampled_from([*CLASSES, "new"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, deadline=None)
@given(edits=EDITS)
def test_what_was_deleted_is_met_nowhere_and_earlier_revisions_keep_it(edits: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as home:
        last = Path(home) / "rev_0"
        write_revision(last, 40)
        states = [(last, open_revision(last).assigned(), frozenset[int]())]
        for number, (action, chosen, split, label) in enumerate(edits, 1):
            gone = states[-1][2]
            more = {"move": {"to_split": split}, "relabel": {"label": label}}.get(action, {})
            change = parse_spec(Change, {"action": action, **more})
            try:
                last = derived(states[-1][0], f"rev_{number}", change, tuple(chosen))
            except NotFound:
                assert chosen & gone
                continue
            except (Invalid, BadDataset):
                continue
            assert not chosen & gone
            states.append((last, open_revision(last).assigned(), gone | (chosen if action == "delete" else set())))
        for folder, state, gone in states:
            _check_that_none_is_met(open_revision(folder), state, gone)


def _check_that_none_is_met(reader: RevisionFolder, state: Assigned, gone: frozenset[int]) -> None:
    met = {split: reader.find(SampleFilter(split=split)).tolist() for split in (*SPLITS, "excluded")}
    assert sorted(chain.from_iterable(met.values())) == reader.indices().tolist() == sorted({*range(40)} - gone)
    in_split = {*range(40)} - gone - {*met["excluded"]}
    for wanted in (SampleFilter(), SampleFilter(sort="-split"), SampleFilter(text="png"), SampleFilter(min_width=0)):
        assert {*reader.find(wanted).tolist()} == in_split
    by_label = [index for label in reader.classes for index in reader.find(SampleFilter(label=label)).tolist()]
    assert sorted(by_label) == sorted(in_split)
    assert sum(bar.count for bar in reader.distribution("brightness")) == len(in_split) == reader.manifest.num_samples
    assert (reader.manifest.num_excluded, reader.manifest.num_deleted) == (len(met["excluded"]), len(gone))
    for index in gone:
        for look in (reader.sample, reader.thumbnail):
            with pytest.raises(NotFound, match="was deleted") as error:
                look(index)
            assert error.value.code == "sample.not-found"
    rows = np.array(sorted(in_split), np.int64)
    whole = ContentHash(reader.classes, reader.manifest.preprocessing.shape)
    whole.add(reader.pixel_hashes(rows), {"labels": state.labels[rows], "splits": state.splits[rows]})
    assert reader.manifest.content == whole.hexdigest()


def test_where_files_cannot_be_linked_they_are_copied(parent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(_source: Path, _target: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(derived_revision.os, "link", no_links)
    folder = derived(parent, "rev_2", Change(action="exclude"), (1,))
    open_revision(folder).verify()
    assert all(file.stat().st_nlink == 1 for file in folder.iterdir())


def test_a_parent_without_its_files_is_damaged(parent: Path) -> None:
    copy = shutil.copytree(parent, parent.with_name("rev_9"))
    (copy / "rejected.utf8").unlink()
    with pytest.raises(Damaged, match=r"rejected\.utf8"):
        derived(copy, "rev_2", Change(action="exclude"), (1,))

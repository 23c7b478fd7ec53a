"""Editing datasets: new revisions, who may make them, undo and redo, and what stays as it was."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import numpy as np
import pytest

from tenfold.core.datasets.dataset import Dataset, Revision, revision_facts
from tenfold.core.datasets.edits import Change, Edit
from tenfold.core.datasets.filtering import SampleFilter
from tenfold.core.errors import BadDataset, Changed, Conflict, Forbidden, Invalid, NotFound
from tenfold.services.trash import DAY_S, TrashService

from .bench import Bench

RINGS = Edit(Change(action="relabel", label="bar"), SampleFilter(label="ring", split="train"))
OUT = Edit(Change(action="exclude"), (0,))


def now(bench: Bench, name: str = "shapes") -> Dataset:
    return bench.datasets.named.get(bench.owner, name)


def edit(bench: Bench, what: Edit = OUT) -> Revision:
    return bench.revisions.edit(bench.owner, "shapes", what, on=now(bench).revision)


def folders(bench: Bench) -> list[str]:
    return sorted(path.name for path in (bench.data / "artifacts" / "revisions").iterdir())


def test_an_edit_makes_the_next_revision_and_tells_who_and_what(bench: Bench) -> None:
    before = bench.ready()
    made = edit(bench, RINGS)
    after = now(bench)
    assert (after.revision, made.number, made.parent, made.author) == (made.id, 2, before.revision, bench.owner.user)
    assert made.summary == "4 pictures from ring to bar"
    assert after.changed_at > before.changed_at
    manifest = bench.datasets.revision_reader(made.id).manifest
    assert made.facts["shape"] == [manifest.channels, manifest.height, manifest.width]
    assert made.facts.items() >= revision_facts(manifest).items()
    reader = bench.datasets.reader(bench.viewer, after)
    assert len(reader.find(SampleFilter(label="bar", split="train"))) == 8
    first = bench.datasets.revision_reader(before.revision)
    assert len(first.find(SampleFilter(label="bar", split="train"))) == 4
    assert reader.thumbnail(3) == first.thumbnail(3)
    history = bench.revisions.history(bench.viewer, after)
    assert [(each.number, each.summary) for each in history.items] == [(2, made.summary), (1, "")]
    assert 0 < made.size_bytes < history.items[1].size_bytes
    bench.artifacts.verify("revisions", made.id)


def test_an_exclusion_changes_the_count(bench: Bench) -> None:
    bench.ready()
    edit(bench)
    assert (now(bench).num_samples, now(bench).num_classes) == (17, 3)
    bench.revisions.undo(bench.owner, "shapes", on=now(bench).revision)
    assert now(bench).num_samples == 18


def test_undo_and_redo_walk_between_what_is_there(bench: Bench) -> None:
    first = bench.ready().revision
    second, third = edit(bench).id, edit(bench, RINGS).id
    assert bench.revisions.undo(bench.owner, "shapes", on=third).id == second
    assert bench.revisions.undo(bench.owner, "shapes", on=second).id == first
    with pytest.raises(Conflict, match="Revision 1 of shapes is the first: there is nothing to undo"):
        bench.revisions.undo(bench.owner, "shapes", on=first)
    back, on = bench.revisions.neighbours(bench.viewer, now(bench))
    assert (back, on and on.id) == (None, second)
    assert bench.revisions.redo(bench.owner, "shapes", on=first).id == second
    assert bench.revisions.redo(bench.owner, "shapes", on=second).id == third
    with pytest.raises(Conflict, match="Revision 3 of shapes is the last: nothing was undone"):
        bench.revisions.redo(bench.owner, "shapes", on=third)
    bench.revisions.undo(bench.owner, "shapes", on=third)
    other = edit(bench, Edit(Change(action="move", to_split="test"), (1,)))
    assert (other.number, other.parent) == (4, second)
    bench.revisions.undo(bench.owner, "shapes", on=other.id)
    assert bench.revisions.redo(bench.owner, "shapes", on=second).id == other.id
    assert len(folders(bench)) == 4


def test_what_was_asked_for_on_another_revision_is_refused(bench: Bench) -> None:
    first = bench.ready()
    edit(bench)
    before = folders(bench)
    for call in (
        lambda: bench.revisions.edit(bench.owner, "shapes", RINGS, on=first.revision),
        lambda: bench.revisions.undo(bench.owner, "shapes", on=first.revision),
        lambda: bench.revisions.redo(bench.owner, "shapes", on=first.revision),
    ):
        with pytest.raises(Changed, match="shapes was changed meanwhile: revision 2 is the current one") as error:
            call()
        assert "this was asked for on revision 1. Load it again" in error.value.message
    with pytest.raises(Changed, match="asked for on another"):
        bench.revisions.undo(bench.owner, "shapes", on="rev_nothing")
    assert folders(bench) == before


def test_of_two_edits_at_once_the_second_is_refused_and_leaves_nothing(bench: Bench) -> None:
    """The other edit is committed while this one writes its columns."""
    first = bench.ready()
    derive = bench.revisions._derive

    def overtaken(parent, destination, what, marks):  # type: ignore[no-untyped-def]
        bench.revisions._derive = derive
        bench.revisions.edit(bench.owner, "shapes", OUT, on=first.revision)
        return derive(parent, destination, what, marks)

    bench.revisions._derive = overtaken
    with pytest.raises(Changed):
        bench.revisions.edit(bench.owner, "shapes", RINGS, on=first.revision)
    assert len(folders(bench)) == 2
    assert bench.revisions.history(bench.owner, now(bench)).total == 2


@pytest.mark.parametrize(
    ("what", "error"),
    [
        (Edit(Change(action="exclude"), (99,)), NotFound),
        (Edit(Change(action="restore"), (1,)), Invalid),
        (Edit(Change(action="exclude"), SampleFilter(label="moon")), NotFound),
        (Edit(Change(action="exclude"), SampleFilter()), BadDataset),
    ],
)
def test_an_edit_that_cannot_be_made_changes_nothing(bench: Bench, what: Edit, error: type[Exception]) -> None:
    first = bench.ready()
    with pytest.raises(error):
        edit(bench, what)
    assert (now(bench), folders(bench)) == (first, [first.revision])


def test_owners_and_nobody_else_edit(bench: Bench) -> None:
    dataset = bench.ready(actor=bench.editor)
    for actor in (bench.viewer, bench.person("editor", name="other"), bench.person("owner", name="o", scope="read")):
        for call in (bench.revisions.undo, bench.revisions.redo):
            with pytest.raises(Forbidden):
                call(actor, "shapes", on=dataset.revision)
        with pytest.raises(Forbidden):
            bench.revisions.edit(actor, "shapes", OUT, on=dataset.revision)
    assert bench.revisions.edit(bench.editor, "shapes", OUT, on=dataset.revision).author == bench.editor.user


def test_what_is_built_or_in_the_trash_is_not_edited(bench: Bench) -> None:
    building = bench.import_shapes()
    with pytest.raises(Conflict, match="shapes is building; it can be edited once it is ready"):
        edit(bench)
    bench.build(building)
    trashed = bench.datasets.named.trash(bench.owner, "shapes")
    with pytest.raises(Conflict, match="shapes is in the trash"):
        bench.revisions.edit(bench.owner, trashed.id, OUT, on=trashed.revision)


def test_a_run_keeps_the_revision_that_it_was_started_on(bench: Bench) -> None:
    first = bench.ready().revision
    run = bench.start(name="before")
    before = bench.datasets.revision_reader(run.revision)
    pictures = before.pictures("train", np.arange(5)).copy()
    edit(bench, RINGS)
    assert bench.runs.named.get(bench.owner, "before").revision == first
    told = bench.folders.path(run.job) / "spec.json"
    assert f"artifacts/revisions/{first}" in told.read_text("utf-8")
    labels = before.labels("train").tolist()
    assert bench.datasets.revision_reader(first).labels("train").tolist() == labels
    np.testing.assert_array_equal(before.pictures("train", np.arange(5)), pictures)
    assert bench.start(name="after").revision == now(bench).revision != first


def test_a_model_of_any_revision_holds_the_dataset_and_all_its_pixels(bench: Bench) -> None:
    first = bench.ready().revision
    second = edit(bench, RINGS).id
    bench.trained("late")
    dataset = now(bench)
    assert bench.datasets.named.used_by(bench.owner, dataset) == ["the run late", "the model late"]
    bench.runs.named.trash(bench.owner, "late")
    model = bench.models.named.trash(bench.owner, "late")
    bench.datasets.named.trash(bench.owner, "shapes")
    bench.models.named.restore(bench.owner, model.id)
    bench.clock.now += 31 * DAY_S
    trash = TrashService(
        bench.database,
        artifacts=bench.artifacts,
        folders=bench.folders,
        uploads=bench.uploads,
        secrets=bench.secrets,
        clock=bench.clock,
    )
    trash.empty()
    assert folders(bench) == sorted([first, second])
    bench.open_desk()
    assert bench.datasets.revision_reader(second).thumbnail(0).startswith(b"\x89PNG")
    bench.models.named.trash(bench.owner, model.id)
    bench.clock.now += 31 * DAY_S
    trash.empty()
    assert folders(bench) == []


def test_what_a_killed_edit_left_goes_after_a_day_and_nothing_else(bench: Bench) -> None:
    dataset = bench.ready()
    revisions = bench.data / "artifacts" / "revisions"
    lost = ("rev_0000000000000001", "rev_0000000000000002.part", "rev_0000000000000003")
    for name in lost:
        (revisions / name).mkdir()
    bench.clock.now = time.time() + DAY_S / 2
    old = time.time() - DAY_S
    for name in (*lost[:2], dataset.revision):
        os.utime(revisions / name, (old, old))
    TrashService(
        bench.database,
        artifacts=bench.artifacts,
        folders=bench.folders,
        uploads=bench.uploads,
        secrets=bench.secrets,
        clock=bench.clock,
    ).empty()
    assert folders(bench) == sorted([dataset.revision, lost[2]])


def test_hundreds_of_revisions_are_counted_and_walked(bench: Bench) -> None:
    first = bench.ready()
    with bench.database.write() as tx:
        original = tx.revisions.get(first.revision)
        for number in range(2, 700):
            facts = {**original.facts, "parent": f"rev_{number - 1:016d}" if number > 2 else first.revision}
            tx.revisions.add(replace(original, id=f"rev_{number:016d}", number=number, facts=facts))
    assert bench.revisions.redo(bench.owner, "shapes", on=first.revision).number == 2
    history = bench.revisions.history(bench.owner, first, limit=500)
    assert (len(history.items), history.total, history.items[0].number) == (500, 699, 699)
    rest = bench.revisions.history(bench.owner, first, cursor=history.cursor)
    assert rest.items[-1].number == 1

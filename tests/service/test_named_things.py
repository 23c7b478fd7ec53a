"""Finding, renaming, noting, tagging, trashing and restoring: what holds for everything with a name."""

from __future__ import annotations

import pytest

from tenfold.core.accounts.policy import Actor
from tenfold.core.entities import Named
from tenfold.core.errors import Forbidden, InUse, InvalidFields, NameTaken, NotFound
from tenfold.core.repository import Query
from tenfold.services.named import MAX_NOTE, MAX_TAGS, NamedThings

from .bench import Bench

KINDS = ("datasets", "runs", "models")


class Shelf:
    """One kind of thing, with two of them that belong to the editor."""

    def __init__(self, bench: Bench, kind: str) -> None:
        self.bench = bench
        self.things: NamedThings[Named] = getattr(bench, kind).named
        self.word = kind.removesuffix("s")
        if kind == "datasets":
            bench.ready("one", actor=bench.editor)
            bench.ready("two", actor=bench.editor)
        else:
            bench.ready()
            bench.trained("one", actor=bench.editor)
            bench.trained("two", actor=bench.editor)

    @property
    def editor(self) -> Actor:
        return self.bench.editor


@pytest.fixture(params=KINDS)
def shelf(bench: Bench, request: pytest.FixtureRequest) -> Shelf:
    return Shelf(bench, request.param)


def test_a_name_stands_wherever_an_id_may(shelf: Shelf) -> None:
    by_name = shelf.things.get(shelf.editor, "one")
    assert shelf.things.get(shelf.editor, by_name.id) == by_name
    with pytest.raises(NotFound) as error:
        shelf.things.get(shelf.editor, "three")
    assert error.value.code == f"{shelf.word}.not-found"


def test_an_old_name_leads_on_until_it_is_taken_again(shelf: Shelf) -> None:
    one = shelf.things.rename(shelf.editor, "one", "renamed")
    assert shelf.things.get(shelf.editor, "one").id == one.id
    again = shelf.things.rename(shelf.editor, "renamed", "renamed twice")
    assert shelf.things.get(shelf.editor, "one").id == again.id
    assert shelf.things.get(shelf.editor, "renamed").id == again.id
    two = shelf.things.rename(shelf.editor, "two", "one")
    assert shelf.things.get(shelf.editor, "one").id == two.id
    assert shelf.things.get(shelf.editor, "renamed").id == one.id


def test_a_thing_may_take_its_old_name_back(shelf: Shelf) -> None:
    one = shelf.things.rename(shelf.editor, "one", "other")
    shelf.things.rename(shelf.editor, "other", "one")
    assert shelf.things.get(shelf.editor, "other").id == one.id
    assert shelf.things.get(shelf.editor, "one").name == "one"


def test_renaming_to_itself_changes_nothing(shelf: Shelf) -> None:
    before = shelf.things.get(shelf.editor, "one")
    assert shelf.things.rename(shelf.editor, "one", " one ") == before


def test_a_taken_name_is_refused(shelf: Shelf) -> None:
    with pytest.raises(NameTaken) as error:
        shelf.things.rename(shelf.editor, "one", "two")
    assert error.value.values["name"] == "two"
    assert shelf.things.get(shelf.editor, "one").name == "one"


def test_names_are_compared_in_one_unicode_form(shelf: Shelf) -> None:
    shelf.things.rename(shelf.editor, "one", "u\u0308ber")
    assert shelf.things.get(shelf.editor, "\u00fcber").name == "\u00fcber"
    with pytest.raises(NameTaken):
        shelf.things.rename(shelf.editor, "two", "\u00fcber")


def test_note_and_tags_are_set_apart(shelf: Shelf) -> None:
    shelf.things.annotate(shelf.editor, "one", note="why", tags=["b", "a", "b"])
    noted = shelf.things.annotate(shelf.editor, "one", tags=["c"])
    assert (noted.note, noted.tags) == ("why", ("c",))
    assert shelf.things.annotate(shelf.editor, "one", note="").tags == ("c",)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"note": "x" * (MAX_NOTE + 1)}, "note"),
        ({"note": "bell\x07"}, "note"),
        ({"tags": [f"t{number}" for number in range(MAX_TAGS + 1)]}, "tags"),
        ({"tags": ["a/b"]}, "tags"),
        ({"tags": [""]}, "tags"),
    ],
)
def test_notes_and_tags_have_limits(shelf: Shelf, change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidFields) as error:
        shelf.things.annotate(shelf.editor, "one", **change)  # type: ignore[arg-type]
    assert [problem.field for problem in error.value.problems] == [field]
    assert shelf.things.get(shelf.editor, "one").tags == ()


def test_search_looks_at_name_note_and_tags(shelf: Shelf) -> None:
    shelf.things.annotate(shelf.editor, "one", note="with Dropout", tags=["garden"])
    for search in ("DROPOUT", "garden", "one", "dropout one"):
        assert [thing.name for thing in shelf.things.page(shelf.editor, Query(search=search)).items] == ["one"], search
    assert shelf.things.page(shelf.editor, Query(search="garden two")).total == 0


def test_the_trash_hides_a_thing_and_frees_its_name(shelf: Shelf) -> None:
    one = shelf.things.trash(shelf.editor, "one")
    with pytest.raises(NotFound):
        shelf.things.get(shelf.editor, "one")
    assert shelf.things.get(shelf.editor, one.id).trashed_at is not None
    assert [thing.id for thing in shelf.things.page(shelf.editor, Query(trashed=True)).items] == [one.id]
    assert shelf.things.rename(shelf.editor, "two", "one").name == "one"
    back = shelf.things.restore(shelf.editor, one.id)
    assert (back.name, back.trashed_at) == ("one-2", None)


def test_trash_and_restore_may_come_twice(shelf: Shelf) -> None:
    one = shelf.things.trash(shelf.editor, "one")
    assert shelf.things.trash(shelf.editor, one.id) == one
    back = shelf.things.restore(shelf.editor, one.id)
    assert shelf.things.restore(shelf.editor, one.id) == back
    assert back.name == "one"


def test_an_old_name_leads_to_nothing_in_the_trash(shelf: Shelf) -> None:
    one = shelf.things.rename(shelf.editor, "one", "renamed")
    shelf.things.trash(shelf.editor, "renamed")
    with pytest.raises(NotFound):
        shelf.things.get(shelf.editor, "one")
    shelf.things.restore(shelf.editor, one.id)
    assert shelf.things.get(shelf.editor, "one").id == one.id


@pytest.mark.parametrize("act", ["rename", "annotate", "trash", "restore"])
def test_only_its_owner_and_the_owner_of_the_machine_change_a_thing(shelf: Shelf, act: str) -> None:
    arguments = {"rename": ("new name",), "annotate": (), "trash": (), "restore": ()}[act]
    one = shelf.things.get(shelf.editor, "one")
    stranger = shelf.bench.person("editor", name="stranger")
    scoped = Actor(user=one.owner, name="editor", role="editor", scope="read")
    for actor in (stranger, shelf.bench.viewer, scoped):
        with pytest.raises(Forbidden):
            getattr(shelf.things, act)(actor, one.id, *arguments)
    assert shelf.things.get(shelf.editor, one.id) == one
    getattr(shelf.things, act)(shelf.bench.owner, one.id, *arguments)


def test_pages_follow_each_other_without_gaps(shelf: Shelf) -> None:
    first = shelf.things.page(shelf.editor, Query(limit=1, sort="name", descending=False))
    second = shelf.things.page(shelf.editor, Query(limit=1, sort="name", descending=False, cursor=first.cursor))
    names = [thing.name for thing in (*first.items, *second.items)]
    assert names == sorted(names)[:2]
    assert first.total == second.total == 2
    assert second.cursor == ""


def test_a_free_name_counts_on(bench: Bench) -> None:
    bench.import_shapes("garden")
    bench.import_shapes("garden-2")
    with bench.database.read() as tx:
        assert bench.datasets.named.free_name(tx, "garden") == "garden-3"
        assert bench.datasets.named.free_name(tx, "garden-2") == "garden-3"
        assert bench.datasets.named.free_name(tx, "a/b\n@c") == "a-b--c"
        assert bench.datasets.named.free_name(tx, "new") == "new-1"
        assert bench.datasets.named.free_name(tx, "") == "unnamed"


def test_what_depends_on_a_thing_is_named_and_counted(bench: Bench) -> None:
    dataset = bench.ready()
    for number in range(7):
        bench.start(name=f"r{number}")
    with pytest.raises(InUse, match=r"shapes is used by .*and 2 more") as error:
        bench.datasets.named.trash(bench.owner, "shapes")
    assert len(error.value.values["used_by"]) == 7  # type: ignore[arg-type]
    assert len(bench.datasets.named.used_by(bench.viewer, dataset)) == 7


def test_a_taken_name_is_refused_with_a_free_one(shelf: Shelf) -> None:
    shelf.things.rename(shelf.bench.owner, "two", "photos-2019")
    with pytest.raises(NameTaken, match="'photos-2019-2' is free") as error:
        shelf.things.rename(shelf.editor, "one", "photos-2019")
    assert error.value.values["free"] == "photos-2019-2"


def test_a_name_is_found_in_any_form(shelf: Shelf) -> None:
    one = shelf.things.rename(shelf.editor, "one", "blu\u0308te")
    assert shelf.things.get(shelf.editor, "blüte").id == one.id
    assert shelf.things.get(shelf.editor, "blu\u0308te").id == one.id
    assert shelf.things.page(shelf.editor, Query(search="blu\u0308")).total == 1
    shelf.things.rename(shelf.editor, "blu\u0308te", "other")
    assert shelf.things.get(shelf.editor, "blu\u0308te").id == one.id


def test_a_change_of_several_things_is_whole_or_nothing(shelf: Shelf) -> None:
    before = shelf.things.get(shelf.editor, "one")
    with pytest.raises(NameTaken):
        shelf.things.change(shelf.editor, "one", name="two", note="new", tags=["a"])
    assert shelf.things.get(shelf.editor, "one") == before
    with pytest.raises(InvalidFields) as error:
        shelf.things.change(shelf.editor, "one", name="a/b", note="\x00", tags=["@"])
    assert [problem.field for problem in error.value.problems] == ["name", "note", "tags"]
    assert shelf.things.get(shelf.editor, "one") == before
    after = shelf.things.change(shelf.editor, "one", name="three", note="new", tags=["b", "a"])
    assert (after.name, after.note, after.tags, after.version) == ("three", "new", ("a", "b"), before.version + 1)
    assert shelf.things.change(shelf.editor, "three") == after

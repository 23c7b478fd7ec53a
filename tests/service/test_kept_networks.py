"""Networks that people keep: versions of a text, drafts, copies, and the runs that train them."""

from __future__ import annotations

import pytest

from tenfold.core.errors import (
    BadNetwork,
    Changed,
    Conflict,
    Forbidden,
    InUse,
    Invalid,
    InvalidFields,
    NameTaken,
    NotFound,
)
from tenfold.core.networks.limits import MAX_TEXT_BYTES
from tenfold.core.networks.network import Network
from tenfold.core.networks.operation import Operation
from tenfold.core.repository import Query
from tenfold.services.network_copies import NetworkCopies
from tenfold.testing.training import ManualClock

from .bench import Bench

TEXT = """language 1
network small "A first try"
param classes = 10 in 2..1000
input image = image(1, 28, 28)
conv1 = conv(8, 5)
relu
flatten
fc = dense(classes)
output logits
"""
BETTER = TEXT.replace("conv(8, 5)", "conv(8, 3)")
BROKEN = TEXT.replace("conv(8, 5)", "convv(8, 5)")


@pytest.fixture
def copies(bench: Bench) -> NetworkCopies:
    return NetworkCopies(bench.networks, bench.models, bench.runs.named)


def kept(bench: Bench, text: str = TEXT, *, name: str | None = "mine") -> Network:
    return bench.networks.create(bench.owner, name, text)


def save(bench: Bench, network: Network, text: str) -> Network:
    bench.networks.save(bench.owner, network.id, text, on=network.current)
    return bench.networks.named.get(bench.owner, network.id)


# create


def test_a_text_becomes_the_first_version_of_a_network(bench: Bench) -> None:
    network = kept(bench, name=None)
    assert (network.name, network.title, network.number, network.state) == ("small", "A first try", 1, "ready")
    found = bench.networks.find(bench.viewer, "small")
    assert (found.text, found.is_catalogue, found.version and found.version.number) == (TEXT, False, 1)
    assert network.num_parameters == bench.networks.meaning(TEXT).graph.parameters  # type: ignore[union-attr]
    assert kept(bench, name=None).name == "small-2"


def test_a_form_ends_lines_in_its_own_way(bench: Bench) -> None:
    network = kept(bench, TEXT.replace("\n", "\r\n"))
    assert bench.networks.find(bench.owner, network.id).text == TEXT


def test_a_name_of_the_catalogue_is_taken(bench: Bench) -> None:
    with pytest.raises(NameTaken, match="'lenet-2' is free"):
        kept(bench, name="lenet")
    network = kept(bench)
    with pytest.raises(NameTaken):
        bench.networks.named.rename(bench.owner, network.id, "vgg16")
    assert kept(bench, TEXT.replace("network small", "network lenet"), name=None).name == "lenet-2"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "required"),
        (" \n\t\n", "required"),
        ("# " + "ü" * (MAX_TEXT_BYTES // 2), "length"),
        (TEXT + "\x00", "character"),
        (TEXT + "\ud800", "character"),
        (None, "type"),
    ],
    ids=["empty", "blank", "large", "null", "half", "none"],
)
def test_what_is_no_text_is_not_kept(bench: Bench, text: str, code: str) -> None:
    with pytest.raises(InvalidFields) as error:
        kept(bench, text)
    assert [(each.field, each.code) for each in error.value.problems] == [("text", code)]
    with bench.database.read() as tx:
        assert tx.networks.count() == tx.network_versions.count() == 0


def test_a_text_that_takes_too_long_is_not_kept(bench: Bench) -> None:
    clock = ManualClock(tick_s=0.3)
    bench.networks._worked = clock
    with pytest.raises(BadNetwork, match="takes too long"):
        kept(bench, TEXT + "# long\n" * 5000)


# versions


def test_saving_makes_a_version_that_says_what_is_otherwise(bench: Bench) -> None:
    first = kept(bench)
    version = bench.networks.save(bench.editor_of(first), "mine", BETTER, on=first.current)
    assert (version.number, version.parent, version.summary) == (
        2,
        first.current,
        "1 line changed; conv1 kernel 5 to 3",
    )
    now = bench.networks.named.get(bench.owner, "mine")
    assert (now.current, now.number) == (version.id, 2)
    assert bench.networks.find(bench.viewer, "mine").text == BETTER
    assert bench.networks.find(bench.viewer, "mine@1").text == TEXT
    listed = bench.networks.history(bench.viewer, now, Query(sort="number"))
    assert [each.number for each in listed.items] == [2, 1]


def test_an_older_version_is_not_overwritten_unseen(bench: Bench) -> None:
    first = kept(bench)
    save(bench, first, BETTER)
    with pytest.raises(Changed, match="version 2 is current"):
        bench.networks.save(bench.owner, "mine", TEXT, on=first.current)
    with pytest.raises(Changed):
        bench.networks.save(bench.owner, "mine", TEXT, on="ver_0000000000000000")
    assert bench.networks.named.get(bench.owner, "mine").number == 2


def test_nothing_is_kept_where_nothing_changes(bench: Bench) -> None:
    first = kept(bench)
    with pytest.raises(Invalid, match="nothing would change") as error:
        bench.networks.save(bench.owner, "mine", TEXT.replace("\n", "\r\n"), on=first.current)
    assert error.value.code == "network.nothing"


def test_a_draft_says_so_and_is_mended_by_the_next_version(bench: Bench) -> None:
    draft = save(bench, kept(bench), BROKEN)
    assert (draft.state, draft.num_parameters) == ("draft", None)
    assert bench.networks.at(bench.owner, draft, 2).summary == "1 line changed; a draft"
    mended = save(bench, draft, BETTER)
    assert mended.state == "ready"
    assert bench.networks.at(bench.owner, mended, 3).summary == "1 line changed"


@pytest.mark.parametrize("name", ["mine@0", "mine@2", "mine@x", "mine@", "mine@²", "mine@1@1"])
def test_a_version_that_is_not_there_is_told(bench: Bench, name: str) -> None:
    kept(bench)
    with pytest.raises(NotFound) as error:
        bench.networks.find(bench.owner, name)
    assert error.value.code == "network.version-not-found"


@pytest.mark.parametrize("name", ["lenet@1", "nothing", "nothing@1"])
def test_the_catalogue_has_no_versions(bench: Bench, name: str) -> None:
    with pytest.raises(NotFound, match=f"There is no network '{name}'; there are alexnet"):
        bench.networks.find(bench.owner, name)


# who may


def test_others_look_and_do_not_change(bench: Bench) -> None:
    network = kept(bench)
    assert bench.networks.find(bench.viewer, "mine").text == TEXT
    with pytest.raises(Forbidden):
        bench.networks.save(bench.editor, "mine", BETTER, on=network.current)
    with pytest.raises(Forbidden):
        bench.networks.create(bench.viewer, "theirs", TEXT)
    with pytest.raises(Forbidden):
        bench.networks.named.trash(bench.editor, "mine")


def test_the_catalogue_stays_as_it_is(bench: Bench) -> None:
    for change in (
        lambda: bench.networks.save(bench.owner, "lenet", TEXT, on="x"),
        lambda: bench.networks.named.rename(bench.owner, "lenet", "mine"),
        lambda: bench.networks.named.trash(bench.owner, "lenet"),
    ):
        with pytest.raises(Conflict, match="lenet ships with Tenfold and cannot be changed: change a copy"):
            change()


# lists


def test_the_list_goes_from_what_is_kept_to_the_catalogue(bench: Bench) -> None:
    for number in range(3):
        kept(bench, name=f"mine{number}")
    names: list[str] = []
    cursor = ""
    while True:
        page = bench.networks.page(bench.viewer, Query(limit=4, cursor=cursor))
        assert len(page.items) <= 4
        names += [each.name for each in page.items]
        cursor = page.cursor
        if not cursor:
            break
    shipped = [entry.name for entry in bench.networks.entries(bench.viewer)]
    assert names == ["mine2", "mine1", "mine0", *shipped]
    assert page.total == len(names)


def test_words_find_both(bench: Bench) -> None:
    kept(bench, name="my resnet")
    page = bench.networks.page(bench.viewer, Query(search="RESNET"))
    assert [each.name for each in page.items] == ["my resnet", "resnet18", "resnet34", "resnet50"]
    bench.networks.named.trash(bench.owner, "my resnet")
    trashed = bench.networks.page(bench.viewer, Query(trashed=True))
    assert ([each.name for each in trashed.items], trashed.total) == (["my resnet"], 1)


@pytest.mark.parametrize("cursor", ["catalogue-x", "catalogue-", "catalogue", "%%"])
def test_a_strange_cursor_is_refused(bench: Bench, cursor: str) -> None:
    with pytest.raises(InvalidFields):
        bench.networks.page(bench.viewer, Query(cursor=cursor))


# runs


def test_a_run_keeps_the_version_it_trains(bench: Bench) -> None:
    bench.ready()
    first = kept(bench)
    run = bench.start(network="mine")
    assert (run.network, run.network_id, run.network_version, run.network_text) == ("mine", first.id, 1, TEXT)
    assert run.name == "mine-shapes"
    save(bench, first, BETTER)
    assert bench.start(network="mine").network_text == BETTER
    assert bench.start(network=f"{first.id}@1").network_text == TEXT
    versions = bench.networks.history(bench.viewer, first, Query()).items
    by_number = bench.networks.runs_of(bench.viewer, versions)
    assert {number: len(runs) for number, runs in by_number.items()} == {1: 2, 2: 1}
    assert bench.start().network_version is None


def test_a_draft_is_not_trained(bench: Bench) -> None:
    bench.import_shapes()  # still being built, so that nothing else looks at the text
    kept(bench, BROKEN)
    with pytest.raises(BadNetwork, match=r"mine is a draft.*\n5:9 There is no layer or block `convv`") as error:
        bench.start(network="mine")
    assert error.value.code == "network.draft"
    assert error.value.values["problems"][0]["line"] == 5  # type: ignore[index]


def test_a_network_in_the_trash_is_not_trained(bench: Bench) -> None:
    bench.ready()
    network = kept(bench)
    bench.networks.named.trash(bench.owner, "mine")
    with pytest.raises(InvalidFields, match="mine is in the trash") as error:
        bench.start(network=network.id)
    assert error.value.problems[0].code == "network.in-trash"


def test_what_is_trained_is_not_trashed(bench: Bench) -> None:
    bench.ready()
    kept(bench)
    run = bench.start(network="mine", name="first")
    with pytest.raises(InUse, match="mine is used by the run first"):
        bench.networks.named.trash(bench.owner, "mine")
    bench.runs.stop(bench.owner, run.id)
    bench.end(run.job)
    bench.runs.named.trash(bench.owner, run.id)
    assert bench.networks.named.trash(bench.owner, "mine").trashed_at is not None


# copies


def test_copies_say_where_they_came_from(bench: Bench, copies: NetworkCopies) -> None:
    bench.ready()
    network = save(bench, kept(bench), BETTER)
    run = bench.trained("first")
    made = {source: copies.copy_of(bench.editor, source) for source in ("lenet", "mine", "mine@1", "run:first")}
    assert [each.name for each in made.values()] == ["lenet-2", "mine-2", "mine-3", "first"]
    assert made["lenet"].origin == "catalogue:lenet"
    assert made["mine"].origin == f"network:{network.id}@2"
    assert bench.networks.find(bench.owner, made["mine@1"].id).text == TEXT
    assert made["run:first"].origin == f"run:{run.id}"
    bench.networks.named.rename(bench.owner, "mine", "yours")
    assert copies.origin_name(bench.viewer, made["mine"]) == "network:yours@2"
    assert copies.origin_name(bench.viewer, made["lenet"]) == "catalogue:lenet"
    assert copies.origin_name(bench.viewer, network) == ""


def test_a_model_brings_the_text_that_lies_with_it(bench: Bench, copies: NetworkCopies) -> None:
    bench.ready()
    run = bench.start(name="first")
    bench.end(run.job, bench.publish_model(run, **{"network.network": TEXT}))
    copy = copies.copy_of(bench.editor, "model:first", name="again")
    assert (bench.networks.find(bench.owner, "again").text, copy.origin) == (
        TEXT,
        f"model:{run.id.replace('run', 'mod')}",
    )


@pytest.mark.parametrize("source", ["model:nothing", "run:nothing", "catalogue:mine", "nothing", "file:/etc/passwd"])
def test_what_is_not_there_is_not_copied(bench: Bench, copies: NetworkCopies, source: str) -> None:
    kept(bench)
    with pytest.raises(NotFound):
        copies.copy_of(bench.owner, source)


# edits


def edited(bench: Bench, text: str = TEXT, **values: object) -> str:
    return bench.networks.edit(text, Operation(**values)).text  # type: ignore[arg-type]


def test_operations_change_the_text_alone(bench: Bench) -> None:
    assert edited(bench, action="set", layer="conv1", argument="kernel", value="3") == BETTER
    assert edited(bench, action="set", line=5, argument="kernel", value="3") == BETTER
    assert "conv1 = conv(8, 5) when false\n" in edited(bench, action="switch-off", layer="conv1")
    assert "conv1 = conv(8, 5)\nconv2 = conv(4, 3)\n" in edited(
        bench, action="insert", layer="conv1", value="conv(4, 3)"
    )
    assert "relu" not in edited(bench, action="remove", line=6)
    assert "relu\nconv1 = " in edited(bench, action="move-up", line=6)
    renamed = edited(bench, action="rename", layer="fc", name="head")
    assert "head = dense(classes)" in renamed
    assert "renamed fc to head" in renamed
    assert "param width = 8" in edited(bench, action="make-parameter", layer="conv1", argument="out", name="width")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"action": "remove", "line": 99}, "There is no line 99: the text has 10"),
        ({"action": "remove", "layer": "conv9"}, "There is no layer `conv9`"),
        ({"action": "remove", "layer": "conv1.weight"}, "`conv1` is no block"),
        ({"action": "remove", "line": 4}, "line 4 is none"),
        ({"action": "set", "layer": "conv1", "argument": "kernal", "value": "3"}, "`conv` has no `kernal`"),
    ],
)
def test_an_operation_that_does_not_fit_says_why(bench: Bench, values: dict[str, object], words: str) -> None:
    with pytest.raises(Conflict, match=words) as error:
        edited(bench, **values)
    assert error.value.code == "network.edit-refused"


def test_formatting_keeps_the_meaning_and_names_what_it_cannot_read(bench: Bench) -> None:
    assert bench.networks.format(TEXT.replace("conv1 = conv", "conv1=conv").replace("language 1\n", "")) == TEXT
    with pytest.raises(BadNetwork, match="5:13 This bracket is never closed") as error:
        bench.networks.format(TEXT.replace("conv(8, 5)", "conv(8, 5"))
    assert error.value.values["problems"]

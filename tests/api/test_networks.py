"""Networks over REST and by the client: kept with their versions, checked, formatted, edited."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator
from processor import without_blowing_up
from starlette.testclient import TestClient

from tenfold.client import Client, ConflictError, InvalidError, NotFoundError
from tenfold.core.networks.limits import MAX_TEXT_BYTES

from .conftest import Site

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


def test_a_network_goes_from_text_to_version_to_trash(client: Client) -> None:
    made = client.networks.create(TEXT, name="journey")
    assert (made.name, made.state, made.number, made.title, made.text) == ("journey", "ready", 1, "A first try", TEXT)
    assert made.parameters["properties"]["classes"]["maximum"] == 1000
    version = client.networks.save("journey", BETTER, on=made.current)
    assert (version.name, version.state, version.summary) == (
        "journey@2",
        "current",
        "1 line changed; conv1 kernel 5 to 3",
    )
    assert client.networks.get("journey@1").text == TEXT
    assert client.networks.get("journey").summary == version.summary
    assert [each.state for each in client.networks.versions("journey")] == ["current", "earlier"]
    with pytest.raises(ConflictError, match="version 2 is current") as error:
        client.networks.save("journey", TEXT, on=made.current)
    assert error.value.code == "changed"
    client.networks.rename("journey", "arrived")
    assert client.networks.get("journey").name == "arrived"
    trashed = client.networks.trash("arrived")
    assert trashed.trashed_at is not None
    assert client.networks.restore(trashed.id).trashed_at is None


def test_the_list_has_own_ones_and_the_catalogue(client: Client) -> None:
    client.networks.copy("lenet", name="listed")
    names = [each.name for each in client.networks.list()]
    assert names.index("listed") < names.index("alexnet")
    (lenet,) = [each for each in client.networks.list(search="lenet caffe") if each.name == "lenet"]
    assert (lenet.name, lenet.num_parameters, lenet.owner) == ("lenet", 431_080, "")
    copy = client.networks.get("listed")
    assert (copy.origin, copy.is_catalogue, copy.num_parameters) == ("catalogue:lenet", False, 431_080)
    assert "doi:10.1109" in client.networks.get("lenet").paper


def test_two_versions_are_compared(client: Client) -> None:
    made = client.networks.create(TEXT, name="compared")
    with pytest.raises(ConflictError, match="say what to compare it with"):
        client.networks.difference("compared")
    client.networks.save("compared", TEXT.replace("conv(8, 5)", "conv(8, 3)"), on=made.current)
    newest = client.networks.difference("compared")
    assert (newest.name, newest.against) == ("compared", "compared@1")
    assert [line.text.strip() for line in newest.lines if not line.old and not line.left_out] == ["conv1 = conv(8, 3)"]
    assert newest.unfit[0] == "conv1.weight"
    assert newest.layers[0].what == "changed"
    assert newest.layers[0].old is not None
    assert client.networks.difference("compared@1", against="@2").against == "compared@2"
    assert client.networks.difference("compared", against="lenet").loaded is not None
    copied = client.networks.copy("compared@1")
    assert client.networks.difference(copied.name).lines[0].left_out > 0
    with pytest.raises(NotFoundError):
        client.networks.difference("compared", against="@7")
    client.networks.save("compared", BROKEN)
    assert client.networks.difference("compared").loaded is None


def test_a_draft_names_its_mistakes_by_line(client: Client) -> None:
    draft = client.networks.create(BROKEN, name="draft")
    assert (draft.state, draft.num_parameters) == ("draft", None)
    (problem,) = draft.problems
    assert (problem.line, problem.column, problem.code) == (5, 9, "network.unknown-layer")
    assert problem.fixes[0].edits[0].text == "conv"


def test_a_run_of_a_draft_is_refused_with_its_lines(client: Client, owner: TestClient, site: Site) -> None:
    dataset = client.datasets.import_folder(site.home / "shapes", name="refused")
    client.networks.create(BROKEN, name="untrainable")
    body = {"dataset": dataset.name, "network": "untrainable"}
    refused = owner.post("/api/v1/runs", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "network.draft")
    assert [(each["field"], each["line"], each["column"]) for each in refused.json()["errors"]] == [("text", 5, 9)]
    client.datasets.wait("refused")


def test_a_run_says_which_version_it_trains(client: Client, site: Site) -> None:
    client.datasets.import_folder(site.home / "shapes", name="trained")
    client.networks.create(TEXT, name="versioned")
    run = client.runs.start(dataset="trained", network="versioned", name="of-version")
    assert (run.network, run.network_version) == ("versioned", 1)
    client.runs.stop(run.name)
    client.runs.wait(run.name)
    client.networks.save("versioned", BETTER)
    newer, first = client.networks.versions("versioned")
    assert ([each.name for each in first.runs], newer.runs) == (["of-version"], [])
    with pytest.raises(ConflictError, match="used by the run of-version"):
        client.networks.trash("versioned")
    assert client.networks.get("versioned").used_by == ["the run of-version"]
    assert client.networks.copy("run:of-version").text == TEXT


def test_texts_are_checked_and_nothing_is_kept(client: Client) -> None:
    look = client.networks.check(TEXT, parameters={"classes": 3}, input_shape=[3, 32, 32])
    assert (look.name, look.problems, look.outputs) == ("small", [], ["logits"])
    assert (look.layers[0].path, look.layers[0].shape) == ("conv1", [8, 28, 28])
    assert look.layers[-1].shape == [3]
    assert look.num_parameters == sum(each.num_parameters for each in look.layers)
    assert [each.line for each in client.networks.check(BROKEN).problems] == [5]
    assert "does not fit" not in str(client.networks.check(TEXT, input_shape=[1, 2, 2]).problems)
    assert client.networks.check(TEXT, input_shape=[1, 2, 2]).problems[0].line == 5
    with pytest.raises(InvalidError, match="no parameter 'width'"):
        client.networks.check(TEXT, parameters={"width": 3})
    with pytest.raises(NotFoundError):
        client.networks.get("small")


def test_texts_are_formatted_or_told_by_line(client: Client) -> None:
    assert client.networks.format(TEXT.replace("conv1 = ", "conv1=")) == TEXT
    with pytest.raises(InvalidError, match="5:13 This bracket is never closed") as error:
        client.networks.format(TEXT.replace("conv(8, 5)", "conv(8, 5"))
    assert [(each.line, each.column) for each in error.value.problem.errors] == [(5, 13)]


def test_the_language_is_published_and_texts_are_told_as_its_statements(client: Client) -> None:
    language, validator = client.networks.language(), Draft202012Validator(client.networks.statement_schema())
    assert language.number == 1
    assert [each.name for each in language.layers["conv"].arguments][:2] == ["out", "kernel"]
    for text in (TEXT, BROKEN, TEXT.replace("conv(8, 5)", "conv(8, 5")):
        found = client.networks.statements(text)
        assert found.text == text
        validator.validate(found.model_dump())
    assert found.problems[0]["line"] == 5
    with pytest.raises(InvalidError, match="Python"):
        client.networks.statements("# language python 1\nimport torch\n")


def test_texts_are_edited(client: Client) -> None:
    after = client.networks.edit(TEXT, action="rename", layer="conv1", name="stem")
    assert "stem = conv(8, 5)" in after.text
    assert [(each.old, each.new) for each in after.renames] == [("conv1", "stem")]
    assert after.problems == []
    assert client.networks.edit(BROKEN, action="remove", line=5).problems == []
    with pytest.raises(ConflictError, match="called `conv1` already"):
        client.networks.edit(TEXT, action="rename", layer="conv1", name="conv1")
    with pytest.raises(InvalidError) as error:
        client.networks.edit(TEXT, action="set", layer="conv1", line=3, name="x")
    assert [each.field for each in error.value.problem.errors] == ["line", "argument", "value", "name"]


@pytest.mark.parametrize(
    "body",
    [{}, {"text": TEXT, "copy_of": "lenet"}, {"text": 3}, {"text": TEXT, "unknown": 1}, {"name": "x"}, {"text": ""}],
)
def test_a_network_is_made_of_a_text_or_a_source(owner: TestClient, body: dict[str, object]) -> None:
    answer = owner.post("/api/v1/networks", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"]


HUGE = "# no more than comments\n" * (10_000_000 // 24)
TOO_LONG = {
    "comments": HUGE,
    "one line": "a" * 10_000_000,
    "brackets": "(" * 10_000_000,
    "characters": "\u00fc" * 5_000_000,
}


@pytest.mark.parametrize("path", ["check", "format", "edit", "", "keep/versions"])
@pytest.mark.parametrize("text", TOO_LONG.values(), ids=TOO_LONG)
def test_a_text_of_ten_megabytes_is_told_by_its_line_without_blowing_up(
    owner: TestClient, client: Client, path: str, text: str
) -> None:
    if path == "keep/versions" and "keep" not in [each.name for each in client.networks.list()]:
        client.networks.create(TEXT, name="keep")
    body: dict[str, dict[str, object]] = {
        "check": {},
        "format": {},
        "edit": {"action": "remove", "line": 1},
        "": {},
        "keep/versions": {"on": "x"},
    }
    with without_blowing_up():
        answer = owner.post(f"/api/v1/networks/{path}".rstrip("/"), json={"text": text, **body[path]})
    found = answer.json()
    problems = found["problems" if path == "check" else "errors"]
    assert f"at most {MAX_TEXT_BYTES}" in problems[0]["message"].replace(",", "")
    assert problems[0].get("line", 1) == 1
    assert "line" in str(problems[0])

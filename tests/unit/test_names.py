"""What a name may be, and which one is proposed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis.strategies import sets, text

from tenfold.bootstrap.owner import owner_name
from tenfold.core.errors import InvalidFields
from tenfold.core.names import RESERVED, check_name, clean_name, lookup_form, propose_name


@given(text())
def test_any_wish_becomes_an_allowed_name(wish: str) -> None:
    name = clean_name(wish)
    assert check_name(name) == name
    assert check_name(propose_name(wish, lambda each: each == name)) != name


@given(text(), sets(text("ab-123", max_size=6)))
def test_what_is_proposed_is_free(wish: str, taken: set[str]) -> None:
    assert propose_name(wish, taken.__contains__) not in taken


@pytest.mark.parametrize(
    ("wish", "taken", "proposed"),
    [
        ("photos-2019", {"photos-2019"}, "photos-2019-2"),
        ("photos-2019", {"photos", "photos-2018", "photos-2019"}, "photos-2019-2"),
        ("lenet-5", {"lenet-5"}, "lenet-5-2"),
        ("resnet-50", {"resnet", "resnet-50"}, "resnet-50-2"),
        ("garden", {"garden"}, "garden-2"),
        ("garden-2", {"garden", "garden-2"}, "garden-3"),
        ("garden-3", {"garden-2", "garden-3"}, "garden-4"),
        ("garden", {"garden", "garden-2", "garden-3"}, "garden-4"),
        ("new", set(), "new-1"),
        ("", set(), "unnamed"),
        ("run_0000000000000000", set(), "run_0000000000000000-1"),
    ],
)
def test_a_number_is_put_behind_or_counted_on(wish: str, taken: set[str], proposed: str) -> None:
    assert propose_name(wish, taken.__contains__) == proposed


def test_among_thousands_few_are_asked_about() -> None:
    taken = {"run", *(f"run-{number}" for number in range(2, 50_000))}
    asked: list[str] = []

    def is_taken(name: str) -> bool:
        asked.append(name)
        return name in taken

    assert propose_name("run", is_taken) == "run-50000"
    assert len(asked) < 50


@pytest.mark.parametrize(
    "name",
    ["می\u200cخواهم", "क्\u200dष", "ශ්\u200dරී", "👩\u200d🔬", "👩🏽\u200d🔬", "日本", "a b", "naïve", "Å", "½ of it"],
)
def test_names_in_any_script_are_kept(name: str) -> None:
    assert check_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    "name",
    [
        "a\u200cb",
        "\u200dab",
        "می\u200c",
        "a\u2028b",
        "a\u2029",
        "\u2028a",
        "a\x00b",
        "a\x85",
        "\x1fa",
        "a\u202eb",
        "a\ufeff",
        "\ud800",
        "a/b",
        "eva@corp",
        "-a",
        ".",
        "tok_0000000000000000",
        *RESERVED,
    ],
)
def test_what_no_name_may_be_is_refused(name: str) -> None:
    with pytest.raises(InvalidFields) as error:
        check_name(name)
    assert [problem.field for problem in error.value.problems] == ["name"]


def test_a_decomposed_name_is_looked_up_as_it_is_stored() -> None:
    assert lookup_form(" A\u030angstro\u0308m ") == check_name("Ångström")


@pytest.mark.parametrize(
    ("account", "name"),
    [
        ("eva@corp", "eva-corp"),
        ("new", "new-1"),
        ("CORP\\eva", "CORP\\eva"),
        ("-", "owner"),
        ("@", "owner"),
        (" ", "owner"),
    ],
)
def test_the_owner_is_called_as_the_account_may_be(monkeypatch: pytest.MonkeyPatch, account: str, name: str) -> None:
    with monkeypatch.context() as system:
        system.setenv("LOGNAME", account)
        assert owner_name() == name
    assert check_name(name) == name

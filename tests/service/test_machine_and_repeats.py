"""A look at the machine, and requests that come twice."""

from __future__ import annotations

import pytest

from tenfold.core.errors import Conflict, InvalidFields
from tenfold.services.repeats import MAX_KEY, Request

from .bench import Bench


def test_the_machine_can_be_seen_by_whoever_may_read(bench: Bench) -> None:
    facts = bench.machine.look(bench.person("viewer", scope="read"))
    assert facts.cpu_cores >= 1
    assert 0 <= facts.cpu_busy <= 1
    assert 0 < facts.memory_used_bytes < facts.memory_total_bytes
    assert 0 < facts.disk_free_bytes <= facts.disk_total_bytes


def test_without_a_key_every_request_counts(bench: Bench) -> None:
    request = Request(bench.owner, "", {"a": 1})
    with bench.database.write() as tx:
        request.remember(tx, "first", 1.0)
        assert request.earlier_result(tx) is None
        assert tx.answers.count() == 0


def test_a_key_is_ones_own_and_for_one_body(bench: Bench) -> None:
    with bench.database.write() as tx:
        Request(bench.owner, "k", {"a": 1, "b": 2}).remember(tx, "first", 1.0)
        assert Request(bench.owner, "k", {"b": 2, "a": 1}).earlier_result(tx) == "first"
        assert Request(bench.editor, "k", {"a": 1, "b": 2}).earlier_result(tx) is None
        with pytest.raises(Conflict, match="use a new one"):
            Request(bench.owner, "k", {"a": 1}).earlier_result(tx)


def test_a_key_has_a_limit(bench: Bench) -> None:
    with bench.database.read() as tx:
        assert Request(bench.owner, "k" * MAX_KEY, {}).earlier_result(tx) is None
        with pytest.raises(InvalidFields) as error:
            Request(bench.owner, "k" * (MAX_KEY + 1), {}).earlier_result(tx)
    assert error.value.problems[0].field == "Idempotency-Key"


def test_no_key_is_stored_as_it_came(bench: Bench) -> None:
    with bench.database.write() as tx:
        Request(bench.owner, "a secret word", {}).remember(tx, "first", 1.0)
    assert "a secret word" not in repr(bench.database._tables)

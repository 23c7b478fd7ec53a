"""Errands: what is asked is done once, given up when nobody waits, and never outlives the server."""

from __future__ import annotations

import pytest

from tenfold.adapters.storage.job_folders import WorkerFolder
from tenfold.core.errors import NotFound, Unavailable
from tenfold.core.events import Ended, Event, Json, Probed
from tenfold.core.ids import JobId
from tenfold.core.networks.custom import HEADER
from tenfold.services.accounts import AccountService
from tenfold.services.code_guard import CodeGuard
from tenfold.services.errands import LONGEST_S, MOST_REMEMBERED, REFUSED, Errands, Standing

from .bench import Bench

READ = Probed(batch=4, memory_bytes=1000, step_s=0.5)


def ask(bench: Bench, number: int, *, asker: str = "ada", kind: str = "probe") -> Standing:
    spec: dict[str, Json] = {"kind": kind, "number": number}
    return bench.errands.ask(spec, slot="cpu", asker=asker)


def tell(bench: Bench, job_id: JobId, *events: Event, dies: bool = True) -> None:
    """The errand's process tells events and ends."""
    worker = WorkerFolder(bench.folders.path(job_id), 1)
    for event in events:
        worker.emit(event)
    worker.close()
    if dies:
        bench.processes.alive.discard(job_id)


def test_the_same_question_is_worked_on_once_and_its_answer_remembered(bench: Bench) -> None:
    first = ask(bench, 1)
    assert (first.state, ask(bench, 1).id, ask(bench, 1, asker="bob").id) == ("running", first.id, first.id)
    tell(bench, first.id, READ, Ended(outcome="finished"))

    again = ask(bench, 1)

    assert (again.id, again.state, again.events) == (first.id, "finished", (READ,))
    assert len(bench.processes.started) == 1


def test_another_question_of_the_same_asker_gives_up_the_first(bench: Bench) -> None:
    first, second = ask(bench, 1), ask(bench, 2)

    assert bench.processes.killed == [first.id]
    assert not bench.folders.path(first.id).exists()
    assert second.state == "running"
    with pytest.raises(NotFound, match="ask anew"):
        bench.errands.look(first.id)


def test_what_somebody_else_waits_for_goes_on(bench: Bench) -> None:
    shared = ask(bench, 1)
    ask(bench, 1, asker="bob")

    waiting = ask(bench, 2)

    assert bench.processes.killed == []
    assert (waiting.state, bench.errands.look(shared.id).state) == ("waiting", "running")


def test_the_next_of_a_kind_begins_when_the_one_that_runs_is_over(bench: Bench) -> None:
    first, second = ask(bench, 1), ask(bench, 2, asker="bob")
    other = ask(bench, 3, asker="bob", kind="inside")
    assert (second.state, other.state) == ("waiting", "running")

    tell(bench, first.id, Ended(outcome="finished"))

    assert bench.errands.look(second.id).state == "running"


def test_a_process_that_dies_without_a_word_is_told(bench: Bench) -> None:
    bench.processes.words = "The process was killed (SIGKILL)."
    errand = ask(bench, 1)
    tell(bench, errand.id, READ)

    seen = bench.errands.look(errand.id)

    assert (seen.state, seen.code, seen.events) == ("failed", "errand.died", (READ,))
    assert "SIGKILL" in seen.message


def test_one_that_takes_too_long_is_killed(bench: Bench) -> None:
    errand = ask(bench, 1)
    bench.monotonic.now += LONGEST_S + 1

    seen = bench.errands.look(errand.id)

    assert (seen.state, seen.code) == ("failed", "errand.slow")
    assert bench.processes.killed == [errand.id]


def test_what_failed_is_told_again_and_tried_again_later(bench: Bench) -> None:
    bench.processes.refuses = Unavailable("No process could be started.")
    failed = ask(bench, 1)
    assert (failed.state, ask(bench, 1).id) == ("failed", failed.id)
    bench.processes.refuses = None

    bench.monotonic.now += 200

    assert ask(bench, 1).state == "running"


def test_a_line_that_is_no_event_ends_the_errand(bench: Bench) -> None:
    errand = ask(bench, 1)
    with (bench.folders.path(errand.id) / "events.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"seq": 1, "attempt": 1, "time": 0, "type": "probed", "batch": "four"}\n')

    seen = bench.errands.look(errand.id)

    assert (seen.state, seen.code) == ("failed", "job.unreadable")
    assert bench.processes.killed == [errand.id]


def test_the_oldest_are_forgotten_with_their_folders(bench: Bench) -> None:
    ids = []
    for number in range(MOST_REMEMBERED + 3):
        errand = ask(bench, number)
        tell(bench, errand.id, Ended(outcome="finished"))
        bench.errands.look(errand.id)
        ids.append(errand.id)

    assert [bench.folders.path(job_id).exists() for job_id in ids].count(True) == MOST_REMEMBERED
    assert not bench.folders.path(ids[0]).exists()


def test_nothing_of_it_outlives_the_server(bench: Bench) -> None:
    left = ask(bench, 1)
    life = Errands(bench.folders, bench.processes, monotonic=bench.monotonic, why_not=CodeGuard(bench.database))

    life.open()

    assert bench.processes.killed == [left.id]
    assert not bench.folders.path(left.id).exists()
    closed = ask(bench, 2)
    bench.errands.close()
    assert closed.id in bench.processes.killed
    life.close()


def ask_python(bench: Bench, asker: str, number: int = 0) -> Standing:
    spec: dict[str, Json] = {"kind": "inspect", "network_text": f"{HEADER}\n", "number": number}
    return bench.errands.ask(spec, slot="cpu", asker=asker)


LOCKED_OUT = {
    "refused": (AccountService.set_run_code, False, "cora may not run own Python code on this machine any more"),
    "disabled": (AccountService.set_disabled, True, "the account of cora is disabled"),
}


@pytest.mark.parametrize("how", LOCKED_OUT)
def test_python_of_who_may_run_it_no_more_is_ended_though_nobody_looks(bench: Bench, how: str) -> None:
    change, value, says = LOCKED_OUT[how]
    cora, bob = (bench.coder(name).user for name in ("cora", "bob"))
    running, waiting = ask_python(bench, cora, 1), ask_python(bench, bob, 2)
    assert (running.state, waiting.state) == ("running", "waiting")

    change(bench.accounts, bench.owner, "cora", value)
    bench.errands.tick()

    assert bench.processes.killed == [running.id]
    told = bench.errands.look(running.id)
    assert (told.state, told.code, says in told.message) == ("failed", REFUSED, True)
    assert ask_python(bench, bob, 2).state == "running"
    assert ask_python(bench, cora, 1).state == "failed"
    tell(bench, waiting.id, Ended(outcome="finished"))
    assert ask_python(bench, bob, 1).state == "running"


def test_python_that_waits_for_who_may_run_it_no_more_does_not_begin(bench: Bench) -> None:
    cora = bench.coder("cora")
    first = ask_python(bench, bench.owner.user, 1)
    waiting = ask_python(bench, cora.user, 2)
    bench.accounts.set_disabled(bench.owner, "cora", True)
    tell(bench, first.id, Ended(outcome="finished"))
    assert bench.errands.look(waiting.id).state == "failed"
    assert bench.processes.started == [(first.id, 1, "cpu")]


def test_what_others_asked_for_too_goes_on(bench: Bench) -> None:
    cora = bench.coder("cora")
    shared = ask_python(bench, cora.user)
    ask_python(bench, bench.owner.user)
    bench.accounts.set_disabled(bench.owner, "cora", True)
    assert bench.errands.look(shared.id).state == "running"

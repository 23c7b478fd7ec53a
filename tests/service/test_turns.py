"""Who comes next where a few are worked on at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tenfold.core.errors import Busy
from tenfold.services.turns import Turns


class Guest:
    """A request that stays inside until it is let go."""

    def __init__(self, turns: Turns, about: str, threads: ThreadPoolExecutor) -> None:
        self.inside, self.let_go = threading.Event(), threading.Event()
        self.done: Future[None] = threads.submit(self._stay, turns, about)

    def _stay(self, turns: Turns, about: str) -> None:
        with turns.turn(about):
            self.inside.set()
            assert self.let_go.wait(60)

    def go(self) -> None:
        self.let_go.set()
        self.done.result()


Come = Callable[..., Guest]


@pytest.fixture
def come() -> Iterator[Come]:
    """Lets a request come; all go in the end."""
    guests: list[Guest] = []
    with ThreadPoolExecutor(16) as threads:

        def make(turns: Turns, about: str = "", *, is_let_in: bool) -> Guest:
            waiting = turns.num_waiting
            guests.append(Guest(turns, about, threads))
            if is_let_in:
                assert guests[-1].inside.wait(60)
            else:
                until(lambda: turns.num_waiting == waiting + 1)
            return guests[-1]

        yield make
        for guest in guests:
            guest.let_go.set()


def until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        threading.Event().wait(0.005)


def test_they_are_let_in_in_the_order_they_came(come: Come) -> None:
    turns = Turns(4)
    guests = [come(turns, is_let_in=True), *(come(turns, is_let_in=False) for _ in range(4))]
    for number, guest in enumerate(guests):
        assert guest.inside.wait(60)
        assert not any(later.inside.is_set() for later in guests[number + 1 :])
        guest.go()


def test_one_about_something_else_passes_those_that_wait_for_the_same(come: Come) -> None:
    turns = Turns(2, at_once=2)
    slow = come(turns, "slow", is_let_in=True)
    behind = [come(turns, "slow", is_let_in=False) for _ in range(2)]
    with pytest.raises(Busy), turns.turn("slow"):
        pass
    other = come(turns, "other", is_let_in=True)
    assert not any(each.inside.is_set() for each in behind)
    slow.go()
    assert behind[0].inside.wait(60)
    other.go()
    assert not behind[1].inside.is_set()


def test_no_more_are_inside_than_may_be(come: Come) -> None:
    turns = Turns(2, at_once=2)
    first = come(turns, "first", is_let_in=True)
    come(turns, "second", is_let_in=True)
    third = come(turns, "third", is_let_in=False)
    first.go()
    assert third.inside.wait(60)


def test_none_waits_longer_than_it_may(come: Come) -> None:
    turns = Turns(4, patience_s=0.05)
    first = come(turns, is_let_in=True)
    with (
        pytest.raises(Busy, match=r"longer than the 0.05 s that a request waits. Try again in a moment") as error,
        turns.turn(),
    ):
        pass
    assert error.value.retry_after_s > 0
    assert turns.num_waiting == 0
    first.go()
    with turns.turn():
        pass

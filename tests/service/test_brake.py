"""Guessing passwords gets slower and slower."""

from __future__ import annotations

import pytest

from tenfold.core.errors import Busy, Forbidden, Unauthenticated
from tenfold.services.brake import FREE_TRIES, LONGEST_S, MOST_KEYS, Brake
from tenfold.testing.training import ManualClock

from .bench import Bench

PASSWORD = "correct horse battery"


def wait_of(brake: Brake, *keys: str) -> int:
    with pytest.raises(Busy) as error:
        brake.begin(keys)
    return error.value.retry_after_s


def test_waits_double_up_to_five_minutes() -> None:
    clock = ManualClock()
    brake = Brake(clock)
    waits = []
    for number in range(20):
        brake.begin(["a"])
        if number >= FREE_TRIES - 1:
            waits.append(wait_of(brake, "a"))
            clock.now += waits[-1]
    assert waits[:5] == [1, 2, 4, 8, 16]
    assert waits[-1] == LONGEST_S
    brake.begin(["b"])
    brake.release(["a"])
    brake.begin(["a"])
    brake.begin(["a"])


def test_a_refused_try_makes_the_wait_no_longer() -> None:
    clock = ManualClock()
    brake = Brake(clock)
    for _ in range(FREE_TRIES):
        brake.begin(["a", "b"])
    for _ in range(50):
        assert wait_of(brake, "a") == 1
    assert wait_of(brake, "c", "b") == 1
    clock.now += 1
    brake.begin(["a"])


def test_what_is_counted_has_a_bound() -> None:
    clock = ManualClock(tick_s=0.001)
    brake = Brake(clock)
    for number in range(3 * MOST_KEYS):
        brake.begin([str(number)])
    assert len(brake._tries) <= MOST_KEYS


def test_signing_in_is_braked_by_account_and_by_address(bench: Bench) -> None:
    accounts = bench.accounts
    accounts.set_password(bench.owner, "ada", PASSWORD)
    accounts.add_user(bench.owner, "kim", role="viewer", password=PASSWORD)
    for _ in range(FREE_TRIES):
        with pytest.raises(Unauthenticated):
            accounts.sign_in("ada", "wrong", address="192.0.2.1")
    for name, address in (("ada", "192.0.2.2"), ("kim", "192.0.2.1")):
        with pytest.raises(Busy) as error:
            accounts.sign_in(name, PASSWORD, address=address)
        assert (error.value.code, error.value.retry_after_s) == ("sign-in.too-often", 1)
    assert accounts.sign_in("kim", PASSWORD, address="192.0.2.2")
    bench.clock.now += 1
    assert accounts.sign_in("ada", PASSWORD, address="192.0.2.1")
    for _ in range(FREE_TRIES):
        with pytest.raises(Unauthenticated):
            accounts.sign_in("ada", "wrong", address="192.0.2.1")


def test_the_current_password_is_not_guessed_either(bench: Bench) -> None:
    bench.accounts.set_password(bench.owner, "ada", PASSWORD)
    for _ in range(FREE_TRIES):
        with pytest.raises(Forbidden):
            bench.accounts.set_password(bench.owner, "ada", "another password", current="wrong")
    with pytest.raises(Busy):
        bench.accounts.set_password(bench.owner, "ada", "another password", current=PASSWORD)

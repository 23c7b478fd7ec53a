"""People, sessions, links and tokens."""

from __future__ import annotations

import pytest

from tenfold.adapters.passwords.argon2id import Argon2Hasher
from tenfold.core.accounts.policy import Actor
from tenfold.core.errors import Conflict, Forbidden, InvalidFields, NameTaken, NotFound, Unauthenticated
from tenfold.core.repository import Query
from tenfold.services.accounts import LINK_S, MAX_PASSWORD, SESSION_S, AccountService

from .bench import Bench

PASSWORD = "correct horse battery"


@pytest.fixture
def accounts(bench: Bench) -> AccountService:
    return bench.accounts


@pytest.fixture
def owner(bench: Bench) -> Actor:
    """The owner, with a password."""
    bench.accounts.set_password(bench.owner, "ada", PASSWORD)
    return bench.owner


def code_of(error: pytest.ExceptionInfo[Unauthenticated]) -> str:
    return error.value.code


def test_the_first_owner_is_made_once(accounts: AccountService, bench: Bench) -> None:
    again = accounts.ensure_owner("somebody else")
    assert (again.id, again.name, again.role, again.run_code) == (bench.owner.user, "ada", "owner", True)
    assert not accounts.owner_has_password()


def test_a_link_signs_in_once(accounts: AccountService, bench: Bench) -> None:
    link = accounts.make_link(bench.owner.user)
    session = accounts.follow_link(link)
    assert accounts.actor_of_session(session) == bench.owner
    with pytest.raises(Unauthenticated) as error:
        accounts.follow_link(link)
    assert code_of(error) == "link.used"


def test_a_link_is_no_session_and_a_session_no_link(accounts: AccountService, bench: Bench) -> None:
    link = accounts.make_link(bench.owner.user)
    with pytest.raises(Unauthenticated):
        accounts.actor_of_session(link)
    session = accounts.follow_link(link)
    with pytest.raises(Unauthenticated):
        accounts.follow_link(session)


def test_a_link_grows_old(accounts: AccountService, bench: Bench) -> None:
    link = accounts.make_link(bench.owner.user)
    bench.clock.now += LINK_S + 1
    with pytest.raises(Unauthenticated):
        accounts.follow_link(link)


def test_a_session_grows_old_and_ends_when_one_signs_out(accounts: AccountService, bench: Bench, owner: Actor) -> None:
    session, other = accounts.sign_in("ada", PASSWORD), accounts.sign_in("ada", PASSWORD)
    accounts.sign_out(other)
    accounts.sign_out(other)
    with pytest.raises(Unauthenticated):
        accounts.actor_of_session(other)
    bench.clock.now += SESSION_S - 1
    assert accounts.actor_of_session(session).name == "ada"
    bench.clock.now += 2
    with pytest.raises(Unauthenticated):
        accounts.actor_of_session(session)


@pytest.mark.parametrize(("name", "password"), [("ada", "wrong"), ("nobody", PASSWORD), ("ada", "")])
def test_wrong_names_and_passwords_are_answered_alike(
    accounts: AccountService, owner: Actor, name: str, password: str
) -> None:
    with pytest.raises(Unauthenticated, match="Name and password do not belong together") as error:
        accounts.sign_in(name, password)
    assert code_of(error) == "sign-in"


def test_without_a_password_nobody_signs_in_by_one(accounts: AccountService) -> None:
    for password in ("", "x", "hash of "):
        with pytest.raises(Unauthenticated):
            accounts.sign_in("ada", password)


def test_no_secret_is_stored(accounts: AccountService, bench: Bench, owner: Actor) -> None:
    secrets = [
        accounts.make_link(owner.user),
        accounts.sign_in("ada", PASSWORD),
        accounts.create_token(owner, "ci", "read")[1],
    ]
    stored = repr(bench.database._tables)
    assert all(secret not in stored for secret in secrets)


def test_a_second_account_needs_a_password_of_the_owner_first(accounts: AccountService, bench: Bench) -> None:
    with pytest.raises(Conflict) as error:
        accounts.add_user(bench.owner, "kim", role="viewer", password=PASSWORD)
    assert error.value.code == "password.first"


def test_an_account_is_added_and_signs_in(accounts: AccountService, owner: Actor) -> None:
    kim = accounts.add_user(owner, "kim", role="editor", password=PASSWORD, run_code=True)
    actor = accounts.actor_of_session(accounts.sign_in("kim", PASSWORD))
    assert (actor.user, actor.role, actor.scope, actor.run_code) == (kim.id, "editor", "admin", True)
    assert accounts.me(actor) == kim
    with pytest.raises(NameTaken):
        accounts.add_user(owner, "kim", role="viewer", password=PASSWORD)


@pytest.mark.parametrize(
    ("name", "role", "password", "field"),
    [
        ("kim", "king", PASSWORD, "role"),
        ("kim", "viewer", "short", "password"),
        ("kim", "viewer", "x" * (MAX_PASSWORD + 1), "password"),
        ("kim", "viewer", "PassWord", "password"),
        ("a/b", "viewer", PASSWORD, "name"),
        ("", "viewer", PASSWORD, "name"),
    ],
)
def test_what_an_account_may_not_have(
    accounts: AccountService, owner: Actor, name: str, role: str, password: str, field: str
) -> None:
    with pytest.raises(InvalidFields) as error:
        accounts.add_user(owner, name, role=role, password=password)
    assert [problem.field for problem in error.value.problems] == [field]
    assert accounts.users(owner, Query()).total == 1


def test_only_the_owner_manages_people(accounts: AccountService, bench: Bench, owner: Actor) -> None:
    for actor in (bench.editor, bench.viewer, bench.person("owner", name="scoped", scope="write")):
        with pytest.raises(Forbidden):
            accounts.users(actor, Query())
        with pytest.raises(Forbidden):
            accounts.add_user(actor, "eve", role="owner", password=PASSWORD)
        with pytest.raises(Forbidden):
            accounts.set_disabled(actor, "ada", True)
        with pytest.raises(Forbidden):
            accounts.set_password(actor, "ada", "another password")
    assert accounts.sign_in("ada", PASSWORD)


def test_a_disabled_account_is_out_at_once(accounts: AccountService, owner: Actor) -> None:
    kim = accounts.add_user(owner, "kim", role="editor", password=PASSWORD)
    session = accounts.sign_in("kim", PASSWORD)
    _, token = accounts.create_token(accounts.actor_of_user(kim.id), "ci", "write")
    link = accounts.make_link(kim.id)
    assert accounts.set_disabled(owner, "kim", True).disabled
    for act in (
        lambda: accounts.actor_of_session(session),
        lambda: accounts.actor_of_token(token),
        lambda: accounts.follow_link(link),
        lambda: accounts.sign_in("kim", PASSWORD),
        lambda: accounts.actor_of_user(kim.id),
    ):
        with pytest.raises(Unauthenticated):
            act()
    accounts.set_disabled(owner, kim.id, False)
    assert accounts.sign_in("kim", PASSWORD)
    assert accounts.actor_of_token(token).name == "kim"


def test_the_last_owner_stays(accounts: AccountService, owner: Actor) -> None:
    with pytest.raises(Conflict) as error:
        accounts.set_disabled(owner, "ada", True)
    assert error.value.code == "user.last-owner"
    accounts.add_user(owner, "bob", role="owner", password=PASSWORD)
    assert accounts.set_disabled(owner, "ada", True).disabled
    bob = accounts.actor_of_session(accounts.sign_in("bob", PASSWORD))
    with pytest.raises(Conflict):
        accounts.set_disabled(bob, "bob", True)
    assert accounts.ensure_owner("x").name == "bob"


def test_a_new_password_ends_all_sessions(accounts: AccountService, owner: Actor) -> None:
    session = accounts.sign_in("ada", PASSWORD)
    accounts.set_password(owner, "ada", "another password", current=PASSWORD)
    with pytest.raises(Unauthenticated):
        accounts.actor_of_session(session)
    assert accounts.sign_in("ada", "another password")
    assert accounts.actor_of_session(accounts.open_session(owner.user)) == owner


def test_a_wrong_current_password_changes_nothing(accounts: AccountService, owner: Actor) -> None:
    session = accounts.sign_in("ada", PASSWORD)
    for wrong in ("", "wrong"):
        with pytest.raises(Forbidden) as error:
            accounts.set_password(owner, "ada", "another password", current=wrong)
        assert error.value.code == "password.current"
    assert accounts.actor_of_session(session) == owner


def test_a_password_that_is_refused_keeps_the_sessions(accounts: AccountService, owner: Actor) -> None:
    session = accounts.sign_in("ada", PASSWORD)
    with pytest.raises(InvalidFields):
        accounts.set_password(owner, "ada", "short", current=PASSWORD)
    assert accounts.actor_of_session(session) == owner


def test_an_unknown_person_is_named(accounts: AccountService, owner: Actor) -> None:
    with pytest.raises(NotFound) as error:
        accounts.set_disabled(owner, "nobody", True)
    assert error.value.code == "user.not-found"


@pytest.mark.parametrize("scope", ["read", "write", "admin"])
def test_a_token_acts_with_its_scope(accounts: AccountService, owner: Actor, scope: str) -> None:
    token, secret = accounts.create_token(owner, "ci", scope)
    assert secret.startswith("tfd_")
    actor = accounts.actor_of_token(secret)
    assert (actor.user, actor.scope) == (owner.user, scope)
    if scope != "admin":
        with pytest.raises(Forbidden) as error:
            accounts.create_token(actor, "more", "admin")
        assert error.value.code == "scope"
    assert token.secret_sha256 not in secret


def test_a_token_remembers_when_it_was_used_about(accounts: AccountService, bench: Bench, owner: Actor) -> None:
    token, secret = accounts.create_token(owner, "ci", "read")

    def used_at() -> float | None:
        return accounts.tokens(owner, Query()).items[0].used_at

    assert used_at() is None
    accounts.actor_of_token(secret)
    first = used_at()
    accounts.actor_of_token(secret)
    assert used_at() == first
    bench.clock.now += 61
    accounts.actor_of_token(secret)
    assert used_at() != first
    assert accounts.revoke_token(owner, token.id).version == 3


def test_tokens_are_ones_own(accounts: AccountService, owner: Actor) -> None:
    kim = accounts.actor_of_user(accounts.add_user(owner, "kim", role="viewer", password=PASSWORD).id)
    token, secret = accounts.create_token(kim, "mine", "read")
    assert accounts.tokens(owner, Query()).total == 0
    with pytest.raises(NotFound):
        accounts.revoke_token(owner, token.id)
    revoked = accounts.revoke_token(kim, token.id)
    assert accounts.revoke_token(kim, token.id) == revoked
    for wrong in (secret, "tfd_unknown", ""):
        with pytest.raises(Unauthenticated) as error:
            accounts.actor_of_token(wrong)
        assert code_of(error) == "token"


def test_an_unknown_scope_is_named(accounts: AccountService, owner: Actor) -> None:
    with pytest.raises(InvalidFields, match="scope is 'all'; allowed is read, write, admin"):
        accounts.create_token(owner, "ci", "all")


def test_argon2_matches_its_own_hashes_only() -> None:
    hasher = Argon2Hasher()
    first, second = hasher.hash(PASSWORD), hasher.hash(PASSWORD)
    assert first != second
    assert first.startswith("$argon2id$")
    assert hasher.matches(first, PASSWORD)
    assert not hasher.matches(first, PASSWORD + " ")
    for damaged in ("", "x", first[:-5]):
        assert not hasher.matches(damaged, PASSWORD)


def test_a_token_is_revoked_by_its_name(accounts: AccountService, owner: Actor) -> None:
    first, secret = accounts.create_token(owner, "bau-über", "read")
    assert accounts.revoke_token(owner, "bau-u\u0308ber").id == first.id
    with pytest.raises(Unauthenticated):
        accounts.actor_of_token(secret)
    with pytest.raises(NotFound):
        accounts.revoke_token(owner, "bau-über")
    second, third = (accounts.create_token(owner, "bau-über", "read")[0] for _ in range(2))
    with pytest.raises(Conflict, match=second.id):
        accounts.revoke_token(owner, "bau-über")
    assert accounts.revoke_token(owner, third.id).revoked_at
    assert accounts.revoke_token(owner, "bau-über").id == second.id


def test_a_taken_name_is_refused_with_a_free_one_and_found_in_any_form(accounts: AccountService, owner: Actor) -> None:
    accounts.add_user(owner, "zoe\u0308", role="viewer", password=PASSWORD)
    with pytest.raises(NameTaken, match="'zoë-2' is free"):
        accounts.add_user(owner, "zoë", role="viewer", password=PASSWORD)
    assert accounts.sign_in("zoe\u0308", PASSWORD)
    assert accounts.set_disabled(owner, "zoe\u0308", True).name == "zoë"

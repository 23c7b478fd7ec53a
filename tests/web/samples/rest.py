"""Sample pages of settings, signing in, errors, trash and queue."""

from __future__ import annotations

from dataclasses import replace

from web.samples.things import RUNNING, WAITING, minutes_ago

from tenfold.interfaces.web.views import datasets, settings


def settings_page() -> settings.SettingsPage:
    return settings.SettingsPage(
        tab="you",
        name="owner",
        role="owner",
        has_password=False,
        min_password_length=10,
        tokens=(
            settings.TokenRow(
                id="tok_0123456789abcdef",
                name="ci",
                scope="write",
                created_at=minutes_ago(9000),
                used_at=minutes_ago(3),
                is_revoked=False,
            ),
            settings.TokenRow(
                id="tok_0123456789abcdeg",
                name="old laptop",
                scope="read",
                created_at=minutes_ago(90_000),
                used_at=None,
                is_revoked=True,
            ),
        ),
        scopes=(("read", "Read"), ("write", "Read and write")),
        people=(
            settings.PersonRow(
                id="usr_0123456789abcdef",
                name="owner",
                role="owner",
                can_run_code=True,
                is_disabled=False,
                has_password=True,
                created_at=minutes_ago(9000),
                is_you=True,
            ),
            settings.PersonRow(
                id="usr_0123456789abcdeg",
                name="anna",
                role="editor",
                can_run_code=True,
                is_disabled=False,
                has_password=True,
                created_at=minutes_ago(8000),
                is_you=False,
            ),
            settings.PersonRow(
                id="usr_0123456789abcdeh",
                name="bert",
                role="viewer",
                can_run_code=False,
                is_disabled=True,
                has_password=False,
                created_at=minutes_ago(7000),
                is_you=False,
            ),
        ),
        can_manage=True,
        about=(
            datasets.Fact(term="Version", value="0.1.0"),
            datasets.Fact(term="Keeps everything in", value="/home/anna/.tenfold", is_code=True),
            datasets.Fact(term="Listens on", value="127.0.0.1:5000", is_code=True),
        ),
    )


def refused_settings_page() -> settings.SettingsPage:
    problems = (("password", "The password has 4 characters; at least 10 are needed."),)
    return replace(settings_page(), has_password=True, sent="password", problems=problems)


def tokens_page() -> settings.SettingsPage:
    return replace(settings_page(), tab="tokens", new_secret="tenfold_4kq7r2m9x0c5v8b1n6z3w")


def people_page() -> settings.SettingsPage:
    return replace(settings_page(), tab="people")


def lone_people_page() -> settings.SettingsPage:
    why = "Set a password for yourself first: with a second person the printed link is no longer enough."
    return replace(people_page(), people=settings_page().people[:1], why_no_people=why)


def sign_in_page() -> settings.SignInPage:
    return settings.SignInPage(next_url="/runs", name="anna", problem="This name and password do not belong together.")


def link_sign_in_page() -> settings.SignInPage:
    return settings.SignInPage(
        has_passwords=False, problem="This link was used already, or the server was started anew since."
    )


def not_found_page() -> settings.ErrorPage:
    return settings.ErrorPage(
        status=404,
        title="There is no run “lenet-mnist-9”",
        sentence="It may have been renamed or deleted. The nearest name is lenet-mnist-3.",
        code="not-found",
        what_next=(("Open lenet-mnist-3", "/runs/lenet-mnist-3"), ("All runs", "/runs")),
    )


def forbidden_page() -> settings.ErrorPage:
    return settings.ErrorPage(
        status=403,
        title="A viewer cannot start runs",
        sentence="You are signed in as guest, a viewer. An owner can make you an editor in Settings, under People.",
        code="forbidden",
        what_next=(("Home", "/"),),
    )


def broken_page() -> settings.ErrorPage:
    return settings.ErrorPage(
        status=500,
        title="Something went wrong inside Tenfold",
        sentence="What was saved is not lost, and runs go on. The server's log says more under the number below.",
        code="internal",
        what_next=(("Try again", "/runs"), ("Home", "/")),
        detail="error 7f3a-11c0",
    )


def trash_page() -> settings.TrashPage:
    rows = tuple(
        settings.TrashRow(
            id=f"run_{index}",
            kind=kind,
            name=name,
            deleted_at=minutes_ago(index * 900),
            kept_days=30 - index,
            restore_url=f"/trash/runs/run_{index}/restore",
        )
        for index, (kind, name, size) in enumerate(
            (("run", "lenet-mnist-0", 10_400_000), ("dataset", "old-flowers", 221_000_000))
        )
    )
    return settings.TrashPage(rows=rows, kept_days=30)


NEXT_START = "A process is kept warm for the next run, in 412 MB of memory until nobody needs it."


def queue_page() -> settings.QueuePage:
    return settings.QueuePage(running=RUNNING, waiting=WAITING, next_start=NEXT_START)

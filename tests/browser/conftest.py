"""A real Chromium, in which no request may leave this machine and nothing may be written to the console."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect, sync_playwright

PATIENCE_MS = 60_000  # machines that run tests are shared and slow at times
expect.set_options(timeout=PATIENCE_MS)

LEFT = ("htmx:afterRequest", "htmx:sendAbort", "htmx:sendError")
"""What htmx writes when a page is left while a part of it is fetched; an answer that is an error is another line."""


@pytest.fixture(scope="package")  # the loop of Playwright stays in this thread until it is closed
def browser() -> Iterator[Browser]:
    path = os.environ.get("TENFOLD_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the console said and what was asked of other machines; a test that provokes some removes them."""
    return []


@pytest.fixture
def context(browser: Browser, complaints: list[str]) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1280, "height": 900})
    made.set_default_timeout(PATIENCE_MS)
    made.route("**/*", lambda route: stay_here(route, complaints))
    yield made
    made.close()
    assert complaints == []


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Page:
    opened = context.new_page()

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(LEFT):
            complaints.append(message.text)

    opened.on("console", hear)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    return opened


def stay_here(route: Route, complaints: list[str]) -> None:
    if route.request.url.startswith(("http://127.0.0.1:", "blob:", "data:")):
        route.continue_()
    else:
        complaints.append(f"asked for {route.request.url}")
        route.abort()

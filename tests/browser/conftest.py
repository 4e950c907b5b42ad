"""One instance and one Chromium for all browser tests of a worker; a fresh context, examined, for each person."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.examination import DESKTOP, Examiner
from tests.browser.visitor import Visitor
from tests.walkthrough.instance import Instance, instance

# Nothing can leave this machine.
ARGUMENTS = ("--no-sandbox", "--host-resolver-rules=MAP localhost 127.0.0.1,MAP * ~NOTFOUND,EXCLUDE 127.0.0.1")

PATIENCE = 8_000.0
"""Milliseconds to wait for something on a page, on a busy machine."""

Visit = Callable[..., Visitor]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder: it needs Chromium, and one worker runs it all, so that the stack starts once."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.needs("chromium"))
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="package")
def running() -> Iterator[Instance]:
    """The whole product, private to these tests."""
    with instance() as started:
        yield started


@pytest.fixture(scope="package")
def browser(chromium_path: str) -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def sessions() -> dict[str, Any]:
    """Storage states by role: each of the cast signs in once."""
    return {}


@pytest.fixture
def visit(browser: Browser, running: Instance, sessions: dict[str, Any]) -> Iterator[Visit]:
    """Return a function that brings somebody in; at the end, whatever was wrong on their pages fails the test.

    role: one of the demo's cast, signed in; nobody in particular if empty. Further options: those of a context.
    """
    examiners: list[Examiner] = []
    with ExitStack() as stack:

        def bring(role: str = "", **options: Any) -> Visitor:
            if role and role not in sessions:
                context = browser.new_context(base_url=running.url)
                Visitor(context.new_page(), Examiner(context, running.url)).sign_in(*running.logins[role])
                sessions[role] = context.storage_state()
                context.close()
            context = browser.new_context(
                base_url=running.url,
                viewport=DESKTOP,
                reduced_motion="reduce",
                storage_state=sessions.get(role),
                permissions=["clipboard-read", "clipboard-write"],
                **options,
            )
            context.set_default_timeout(PATIENCE)
            stack.callback(context.close)
            examiners.append(Examiner(context, running.url))
            return Visitor(context.new_page(), examiners[-1])

        yield bring
    problems = [problem for examiner in examiners for problem in examiner.problems]
    assert not problems, "\n".join(problems)

"""One instance and one Chromium for all browser tests of a worker; pages of their own, examined, for each person."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from tests.browser.examination import DESKTOP, Examiner
from tests.browser.visitor import Visitor
from tests.walkthrough.instance import Instance, instance
from tests.walkthrough.walk import Walk

# Nothing can leave this machine, and nothing is painted by a graphics card's stand-in.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--host-resolver-rules=MAP localhost 127.0.0.1,MAP * ~NOTFOUND,EXCLUDE 127.0.0.1",
)

PATIENCE = 30_000.0
"""Milliseconds to wait for something on a page, on a busy machine. What comes sooner costs nothing more."""

Visit = Callable[..., Visitor]
Once = Callable[[Callable[[], AbstractContextManager[Any]]], Any]
Register = Callable[[str, str, str], str]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder: it needs Chromium. Which process runs it: see tests/distribution.py."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.needs("chromium"))


@pytest.fixture(scope="package")
def running(once: Once) -> Instance:
    """The whole product, private to the browser tests of one process."""
    started: Instance = once(instance)
    return started


@pytest.fixture(scope="package")
def walk(running: Instance, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """What Example Mobility and a reviewer do over HTTP, for tests that begin later in the journey."""
    walk = Walk(running, tmp_path_factory.mktemp("walk"))
    walk.partner.sign_in(*running.logins["Example Mobility Owner"])
    walk.reviewer.sign_in(*running.logins["Reviewer"])
    return walk


@pytest.fixture(scope="package")
def register(walk: Walk) -> Register:
    """Return a function that describes an application of Example Mobility's and has it approved, over HTTP.

    It takes programme, name and MZP, and returns the application's path.
    """
    return walk.register


@pytest.fixture(scope="package")
def browser(chromium_path: str) -> Iterator[Browser]:
    """Debian's Chromium."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def sessions() -> dict[str, Any]:
    """Storage states by role: each of the cast signs in once."""
    return {}


@pytest.fixture(scope="package")
def contexts() -> dict[str, tuple[BrowserContext, Examiner]]:
    """Browsers by role, for those whose browser has nothing out of the ordinary: each is opened once."""
    return {}


@pytest.fixture
def visit(
    browser: Browser,
    running: Instance,
    sessions: dict[str, Any],
    contexts: dict[str, tuple[BrowserContext, Examiner]],
) -> Iterator[Visit]:
    """Return a function that brings somebody in; at the end, whatever was wrong on their pages fails the test.

    role: one of the demo's cast, signed in; nobody in particular if empty. Further options: those of a context.
    """
    examiners: list[Examiner] = []
    with ExitStack() as stack:

        def bring(role: str = "", **options: Any) -> Visitor:
            if role and role not in sessions:
                context = browser.new_context(base_url=running.url)
                context.set_default_timeout(PATIENCE)
                Visitor(context.new_page(), Examiner(context, running.url)).sign_in(*running.logins[role])
                sessions[role] = context.storage_state()
                context.close()
            if role in contexts and not options:
                context, examiner = contexts[role]
                return enter(context, examiner)
            context = browser.new_context(
                base_url=running.url,
                viewport=DESKTOP,
                reduced_motion="reduce",
                storage_state=sessions.get(role),
                permissions=["clipboard-read", "clipboard-write"],
                **options,
            )
            context.set_default_timeout(PATIENCE)
            examiner = Examiner(context, running.url)
            if role and not options:
                contexts[role] = context, examiner
            else:
                stack.callback(context.close)
            return enter(context, examiner)

        def enter(context: BrowserContext, examiner: Examiner) -> Visitor:
            if examiner not in examiners:
                examiner.problems.clear()
                examiners.append(examiner)
            page = context.new_page()
            stack.callback(page.close)
            return Visitor(page, examiner)

        yield bring
    problems = [problem for examiner in examiners for problem in examiner.problems]
    assert not problems, "\n".join(problems)

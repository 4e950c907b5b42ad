"""The browser's fixtures; the instance is that of tests/browser, where one process runs both."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import PATIENCE, browser, contexts, register, running, sessions, visit, walk
from tests.walkthrough.instance import Instance

__all__ = ["browser", "contexts", "register", "running", "sessions", "visit", "walk"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder: it needs Chromium. Which process runs it: see tests/distribution.py."""
    for item in items:
        if "tests/browser_key/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.needs("chromium", "openssl"))


@pytest.fixture(scope="module")
def page(browser: Browser, running: Instance) -> Iterator[Page]:
    """A page of the portal, under its content security policy, in which scripts of ours can be called."""
    context = browser.new_context(base_url=running.url)
    context.set_default_timeout(PATIENCE)
    opened = context.new_page()
    opened.goto("/accounts/login/")
    yield opened
    context.close()

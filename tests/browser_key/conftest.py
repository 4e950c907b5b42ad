"""The browser's fixtures, with an instance of their own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import browser, running, sessions, visit
from tests.walkthrough.instance import Instance

__all__ = ["browser", "running", "sessions", "visit"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder: it needs Chromium, and one worker runs it all, so that the stack starts once."""
    for item in items:
        if "tests/browser_key/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.needs("chromium", "openssl"))
            item.add_marker(pytest.mark.xdist_group("browser_key"))


@pytest.fixture
def page(browser: Browser, running: Instance) -> Iterator[Page]:
    """A page of the portal, under its content security policy, in which scripts of ours can be called."""
    context = browser.new_context(base_url=running.url)
    opened = context.new_page()
    opened.goto("/accounts/login/")
    yield opened
    context.close()

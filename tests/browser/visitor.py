"""People in front of Chromium: what they open, fill in, press and read."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.browser.examination import Examiner

RUN_LIMIT = 60_000.0
"""Milliseconds that a validation, or the making of a key, may take on a busy machine."""


class Visitor:
    """Somebody with a browser of their own, whose every page can be examined."""

    def __init__(self, page: Page, examiner: Examiner) -> None:
        self.page, self.examiner = page, examiner

    @property
    def path(self) -> str:
        """Where the visitor is, without the host."""
        return urlsplit(self.page.url).path

    def open(self, path: str) -> "Visitor":
        """Open a page."""
        self.page.goto(path)
        return self

    def look(self, name: str) -> "Visitor":
        """Examine the page."""
        self.examiner.look(self.page, name)
        return self

    def fill(self, values: Mapping[str, str]) -> "Visitor":
        """Fill in text fields and choose from lists, by label."""
        for label, value in values.items():
            field = self.page.get_by_label(label).filter(visible=True)
            if field.evaluate("field => field.localName") == "select":
                field.select_option(value)
            else:
                field.fill(value)
        return self

    def choose(self, *labels: str) -> "Visitor":
        """Tick boxes and choose options, by label."""
        for label in labels:
            self.page.get_by_label(label).check()
        return self

    def give(self, label: str, name: str, content: bytes) -> "Visitor":
        """Give a file to a file field."""
        self.page.get_by_label(label).set_input_files(
            {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        )
        return self

    def press(self, name: str, within: Locator | None = None) -> "Visitor":
        """Press a button that sends a form, and wait for the next page."""
        button = (within or self.page).get_by_role("button", name=name, exact=True)
        with self.page.expect_navigation():
            button.click()
        return self

    def follow(self, name: str | re.Pattern[str]) -> "Visitor":
        """Click a link in the page's content, and wait for the next page."""
        link = self.page.get_by_role("main").get_by_role("link", name=name).first
        with self.page.expect_navigation():
            link.click()
        return self

    def sees(self, *texts: str | re.Pattern[str]) -> "Visitor":
        """Expect texts in the page's content."""
        for text in texts:
            expect(self.page.get_by_role("main")).to_contain_text(text)
        return self

    def heading(self, text: str | re.Pattern[str]) -> "Visitor":
        """Expect the page's heading."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(text)
        return self

    def sees_problem(self, *texts: str) -> "Visitor":
        """Expect an error summary that holds the focus and says these things."""
        summary = self.page.get_by_role("alert", name="There is a problem")
        for text in texts:
            expect(summary).to_contain_text(text)
        expect(summary).to_be_focused()
        return self

    def sign_in(self, email: str, password: str) -> "Visitor":
        """Sign in."""
        self.open("/accounts/login/")
        return self.fill({"E-mail address": email, "Password": password}).press("Sign in")

    def download(self, name: str | re.Pattern[str], role: str = "link") -> bytes:
        """Click what gives a file, and return the file."""
        with self.page.expect_download() as waiting:
            self.page.get_by_role("main").get_by_role(role, name=name).click()  # type: ignore[arg-type]
        return Path(waiting.value.path()).read_bytes()

    def wait_for_key(self) -> "Visitor":
        """Wait until a key that was asked for is made, and the page has gone on to its CSR."""
        expect(self.page.get_by_role("main")).to_contain_text("made and sealed", timeout=RUN_LIMIT)
        return self.heading("Certificate request")

    def wait_for_run(self, result: str) -> "Visitor":
        """Wait until the run's page shows its result: Passed or Failed."""
        expect(self.page.locator(".run__head .tag")).to_have_text(result, timeout=RUN_LIMIT)
        return self

"""People in front of their browsers: pages, links and forms, over HTTP."""

import io
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import mechanicalsoup

Files = Mapping[str, tuple[str, bytes]]


class Surprise(Exception):
    """A page was not what the person expected."""


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, base_url: str, name: str) -> None:
        self.base_url, self.name = base_url, name
        self.browser = mechanicalsoup.Browser(soup_config={"features": "lxml"})
        self.browser.session.trust_env = False
        self.page: Any = None
        self.url = ""
        self.seen: list[tuple[str, bytes]] = []
        """Every page that was shown, with its address."""

    def open(self, path: str) -> str:
        """Open a page and return its text."""
        return self._show(self.browser.get(urljoin(self.base_url, path)))

    def download(self, path: str) -> bytes:
        """Return a file."""
        response = self.browser.session.get(urljoin(self.base_url, path))
        self._expect(response)
        return bytes(response.content)

    def submit(
        self, values: Mapping[str, Any] | None = None, *, action: str = "", files: Files | None = None, status: int = 0
    ) -> str:
        """Fill in the page's form (the one that posts to `action`, if given), send it, and return the next page.

        status: what is expected; 0: any that is no error.
        """
        form = self._form(action)
        for button in form.form.find_all("button", {"name": ["preview", "toggle", "mail"]}):  # nobody presses these
            del button["name"]
        for name, value in (values or {}).items():
            form.set_checkbox({name: value}) if isinstance(value, list | bool) else form.set(name, value)
        for name, (filename, content) in (files or {}).items():
            field = form.form.find("input", {"name": name, "type": "file"})
            if field is None:
                raise Surprise(f"{self.name}: no file field {name!r} on {self.url}")
            upload = io.BytesIO(content)
            upload.name = filename  # type: ignore[attr-defined]
            field["value"] = upload
        return self._show(self.browser.submit(form, self.url), status)

    def submit_for_file(self) -> bytes:
        """Send the page's form as it is, and return the file that it answers with; the browser stays on the page."""
        response = self.browser.submit(self._form(""), self.url)
        self._expect(response)
        return bytes(response.content)

    def sign_in(self, email: str, password: str) -> None:
        """Sign in."""
        self.open("/accounts/login/")
        self.submit({"login": email, "password": password}, action="/accounts/login/")
        if "/accounts/" in self.url:
            raise Surprise(f"{self.name} could not sign in:\n{self.text}")

    @property
    def text(self) -> str:
        """The visible text of the page."""
        return " ".join(self.page.get_text(" ").split()) if self.page is not None else ""

    def link(self, pattern: str) -> str:
        """Return the first address on the page that matches."""
        for anchor in self.page.find_all("a", href=True):
            if re.search(pattern, anchor["href"]):
                return str(anchor["href"])
        raise Surprise(f"{self.name}: no link like {pattern!r} on {self.url}:\n{self.text}")

    def link_near(self, words: str, pattern: str) -> str:
        """Return the address, matching the pattern, of the link whose words contain `words`."""
        for anchor in self.page.find_all("a", href=re.compile(pattern)):
            if words in " ".join(anchor.get_text(" ").split()):
                return str(anchor["href"])
        raise Surprise(f"{self.name}: no link {words!r} on {self.url}:\n{self.text}")

    def rows(self) -> dict[str, str]:
        """Return what the page's description lists say, by term; of equal terms the last."""
        return {
            " ".join(term.get_text(" ").split()): " ".join(term.find_next_sibling("dd").get_text(" ").split())
            for term in self.page.find_all("dt")
        }

    def wait_for(self, path: str, found: str, limit: float = 60.0) -> str:
        """Reload a page until its text matches the regular expression."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            if re.search(found, self.open(path)):
                return self.text
            time.sleep(0.2)
        raise Surprise(f"{self.name}: {path} never showed {found!r}:\n{self.text}")

    def _form(self, action: str) -> mechanicalsoup.Form:
        for form in self.page.find_all("form", method=re.compile("post", re.I)):
            target = urljoin(self.url, form.get("action") or self.url)
            if target.split("?")[0].endswith(action):
                return mechanicalsoup.Form(form)
        raise Surprise(f"{self.name}: no form for {action or 'this page'} on {self.url}:\n{self.text}")

    def _show(self, response: Any, status: int = 0) -> str:
        self.page, self.url = response.soup, response.url
        self.seen.append((f"{response.request.method} {response.url}", bytes(response.content)))
        self._expect(response, status)
        return self.text

    def _expect(self, response: Any, status: int = 0) -> None:
        wrong = response.status_code != status if status else response.status_code >= 400
        if wrong:
            raise Surprise(
                f"{self.name}: {response.request.method} {response.url} answered {response.status_code}:\n{self.text}"
            )

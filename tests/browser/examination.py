"""What must hold on every page: axe finds nothing, nothing overflows, no other host is asked, no script complains."""

import re
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

DESKTOP = {"width": 1280, "height": 800}
PHONES = (360, 375)
"""Widths in CSS pixels at which nothing may overflow."""

PHONE_HEIGHT = 780
ALL_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
"""Tags of axe-core: WCAG 2.0 to 2.2, levels A and AA, and what is good practice beyond."""

LOOK_RULES = ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"]
"""Those rules of axe-core whose verdict depends on the colour scheme or on the width."""

# Only the violations are brought back: the whole result is a hundred times as long.
_AXE = """
(rules) => axe.run({runOnly: rules, resultTypes: ["violations"], preload: false}).then((result) =>
  result.violations.map(({id, help, nodes}) => {
    return `${id} (${help}): ${nodes.slice(0, 3).map((node) => node.target).join("; ")}`;
  }))
"""

_OVERFLOWING = """
() => {
  const limit = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= limit) return [];
  return [...document.body.querySelectorAll("*")]
    .filter((one) => one.getBoundingClientRect().right > limit + 0.5)
    .slice(0, 5)
    .map((one) => `${one.localName}.${one.className}`);
}
"""


class Examiner:
    """Collects what is wrong on the pages of one browser context. problems: one line each; empty if all is well."""

    def __init__(self, context: BrowserContext, base_url: str) -> None:
        self.problems: list[str] = []
        self._host = urlsplit(base_url).netloc
        self._axe_script = Axe().axe_script
        context.on("console", self._on_console)
        context.on("request", self._on_request)
        context.on("response", self._on_response)
        context.on("weberror", lambda error: self.problems.append(f"script error: {error.error}"))

    def look(self, page: Page, name: str) -> None:
        """Examine the page as it is now: wide and light, then on phones, then dark. name: for the report."""
        if residue := re.search(r"{[#%].*", page.inner_text("body")):
            self.problems.append(f"{name}: template code on the page: {residue[0]}")
        page.evaluate(self._axe_script)
        self._run_axe(page, f"{name}, light", ALL_RULES)
        self._narrow(page, name)
        page.emulate_media(color_scheme="dark")
        self._run_axe(page, f"{name}, dark, {PHONES[-1]} px", LOOK_RULES)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(DESKTOP)

    def measure(self, page: Page, name: str) -> None:
        """See only whether the page overflows on phones: enough where it differs from another in its words alone."""
        self._narrow(page, name)
        page.set_viewport_size(DESKTOP)

    def _narrow(self, page: Page, name: str) -> None:
        """Make the page as narrow as on phones, and leave it so."""
        for width in PHONES:
            page.set_viewport_size({"width": width, "height": PHONE_HEIGHT})
            if wide := page.evaluate(_OVERFLOWING):
                self.problems.append(f"{name}: overflows at {width} px: {', '.join(wide)}")

    def _run_axe(self, page: Page, name: str, rules: list[str]) -> None:
        self.problems += [f"{name}: {violation}" for violation in page.evaluate(_AXE, rules)]

    def _on_console(self, message: ConsoleMessage) -> None:
        # That an answer was 4xx is said of pages that are meant to be; of what pages load, see _on_response.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.problems.append(f"console: {message.text}")

    def _on_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != self._host:
            self.problems.append(f"another host was asked: {request.url}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400 and response.request.resource_type != "document":
            self.problems.append(f"{response.status} for {response.url}")

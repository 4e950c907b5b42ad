"""What must hold on every page: axe finds nothing, nothing overflows, no other host is asked, no script complains."""

from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

DESKTOP = {"width": 1280, "height": 800}
PHONES = (360, 375)
"""Widths in CSS pixels at which nothing may overflow."""

PHONE_HEIGHT = 780
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
    "preload": False,
}
"""Options of axe.run, see the API documentation of axe-core."""

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
        self.looked_at: list[str] = []
        self._host = urlsplit(base_url).netloc
        self._axe = Axe()
        context.on("console", self._on_console)
        context.on("request", self._on_request)
        context.on("response", self._on_response)
        context.on("weberror", lambda error: self.problems.append(f"script error: {error.error}"))

    def look(self, page: Page, name: str) -> None:
        """Examine the page as it is now: wide and light, then on phones, then dark. name: for the report."""
        self.looked_at.append(name)
        self._run_axe(page, f"{name}, light")
        for width in PHONES:
            page.set_viewport_size({"width": width, "height": PHONE_HEIGHT})
            if wide := page.evaluate(_OVERFLOWING):
                self.problems.append(f"{name}: overflows at {width} px: {', '.join(wide)}")
        page.emulate_media(color_scheme="dark")
        self._run_axe(page, f"{name}, dark, {PHONES[-1]} px")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(DESKTOP)

    def _run_axe(self, page: Page, name: str) -> None:
        for violation in self._axe.run(page, options=RULES).response["violations"]:
            where = "; ".join(str(node["target"][0]) for node in violation["nodes"][:3])
            self.problems.append(f"{name}: {violation['id']} ({violation['help']}): {where}")

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

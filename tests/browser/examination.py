"""What must hold on every page: axe finds nothing, nothing overflows, no other host is asked, no script complains."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

DESKTOP = {"width": 1280, "height": 800}
PHONES = (360, 375)
"""Widths in CSS pixels at which nothing may overflow."""

PHONE_HEIGHT = 780
ALL_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
"""Tags of axe-core: WCAG 2.0 to 2.2, levels A and AA, and what is good practice beyond."""

COLOUR_RULES = ["color-contrast", "link-in-text-block"]
"""Those rules of axe-core whose verdict depends on the colour scheme."""

WIDTH_RULES = ["target-size", "scrollable-region-focusable"]
"""Those whose verdict depends on the width."""

SEEN: set[int] = set()
"""What COLOUR_RULES have examined in this process, in both schemes, by the numbers of _SHAPES."""

# Every way from the page's root to an element, by tags, attributes and state, as one number each: which colours meet
# there depends on nothing else, as there is no inline style. Values that no stylesheet asks for, such as addresses, are
# left out.
_SHAPES = """
() => {
  const asked = /^(class|type|role|aria-(invalid|current|busy|pressed|expanded|selected|disabled)|data-[a-z]+)$/;
  const found = new Set();
  const walk = (one, above) => {
    const attributes = [...one.attributes].map(({name, value}) => asked.test(name) ? `${name}=${value}` : name);
    let number = above;
    for (const letter of `${one.localName} ${attributes.sort()} ${one.checked ?? ""}`) {
      number = (Math.imul(number, 31) + letter.codePointAt(0)) | 0;
    }
    found.add(number);
    for (const below of one.children) walk(below, number);
  };
  walk(document.documentElement, 17);
  return [...found];
}
"""

# Only the violations are brought back: the whole result is a hundred times as long.
_AXE = """
([tags, without]) => axe.run({
  runOnly: tags, rules: Object.fromEntries(without.map((rule) => [rule, {enabled: false}])),
  resultTypes: ["violations"], preload: false,
}).then((result) =>
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
        """Examine the page as it is now: wide and light, then on phones, then dark. name: for the report.

        Colours are not examined again on a page on which every element is as one was before.
        """
        if residue := re.search(r"{[#%].*", page.inner_text("body")):
            self.problems.append(f"{name}: template code on the page: {residue[0]}")
        page.evaluate(self._axe_script)
        shapes = set(page.evaluate(_SHAPES))
        new = not shapes <= SEEN
        self._run_axe(page, f"{name}, light", ALL_RULES, without=[] if new else COLOUR_RULES)
        self._narrow(page, name)
        if new:
            page.emulate_media(color_scheme="dark")
            self._run_axe(page, f"{name}, dark, {PHONES[-1]} px", [*COLOUR_RULES, *WIDTH_RULES])
            page.emulate_media(color_scheme="light")
            SEEN.update(shapes)
        else:
            self._run_axe(page, f"{name}, {PHONES[-1]} px", WIDTH_RULES)
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

    def _run_axe(self, page: Page, name: str, rules: list[str], without: Sequence[str] = ()) -> None:
        self.problems += [f"{name}: {violation}" for violation in page.evaluate(_AXE, [rules, list(without)])]

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

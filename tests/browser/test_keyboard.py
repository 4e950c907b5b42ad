"""The journey's pages by keyboard alone."""

import re

from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import Visit

STOPS = 60
"""More stops than it takes to come to the primary action of any of these pages."""


def _tab_to(page: Page, selector: str) -> list[str]:
    """Press Tab until what has the focus matches. Returns the stops on the way; every one shows that it has focus."""
    stops = []
    for _press in range(STOPS):
        page.keyboard.press("Tab")
        stop, ringed, matches = page.evaluate(
            """(selector) => {
              const one = document.activeElement;
              const ringed = [one, one.closest(".choice--card")].filter(Boolean).some((part) => {
                const style = getComputedStyle(part);
                return style.outlineStyle !== "none" && style.outlineWidth !== "0px";
              });
              return [one.outerHTML.slice(0, 80), ringed, one.matches(selector)];
            }""",
            selector,
        )
        assert ringed, f"no focus ring: {stop}"
        stops.append(stop)
        if matches:
            return stops
    raise AssertionError(f"{selector} is not among the first {STOPS} stops of the Tab key: {stops}")


def test_the_first_stop_skips_to_the_content(visit: Visit) -> None:
    page = visit("Example Mobility Owner").open("/applications/new/").page
    assert len(_tab_to(page, "a.skip")) == 1
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    _tab_to(page, "main input")


def test_the_account_menu_opens_and_closes_by_keyboard(visit: Visit) -> None:
    page = visit("Example Mobility Owner").open("/").page
    sign_out = page.get_by_role("link", name="Sign out")
    expect(sign_out).to_be_hidden()
    _tab_to(page, ".account summary")
    page.keyboard.press("Enter")
    expect(sign_out).to_be_visible()
    page.keyboard.press("Escape")
    expect(sign_out).to_be_hidden()
    expect(page.locator(".account summary")).to_be_focused()


def test_an_application_is_described_and_submitted_by_keyboard(visit: Visit) -> None:
    person = visit("Example Mobility Owner").open("/applications/new/")
    page = person.page

    def send() -> None:
        _tab_to(page, "main button.button--primary")
        with page.expect_navigation():
            page.keyboard.press("Enter")

    def type_into(*fields: tuple[str, str]) -> None:
        for name, text in fields:
            _tab_to(page, f"[name={name}]")
            page.keyboard.press("Control+A")
            page.keyboard.type(text)

    _tab_to(page, "[name=programme]")
    page.keyboard.press("Space")
    send()
    send()
    expect(page.get_by_role("alert", name="There is a problem")).to_be_focused()
    _tab_to(page, ".error-summary a")
    page.keyboard.press("Enter")
    expect(page.locator("[name=name]")).to_be_focused()
    page.keyboard.type("By keyboard")
    type_into(("concept", steps.CONCEPT))
    send()
    type_into(("company", "Example Mobility"), ("contact_name", "Fleet desk"), ("contact_email", "keys@walk.example"))
    send()
    _tab_to(page, "[name=brands]")
    page.keyboard.press("Space")
    type_into(("requests_per_month", "1000"))
    send()
    _tab_to(page, "[data-catalogue-filter]")
    page.keyboard.type("odometer")
    _tab_to(page, "[name=data_items]")
    page.keyboard.press("Space")
    send()
    type_into(("purpose_telemetry", "The workshop plans the next service."))
    send()
    for name in ("exve", "gdpr", "maker_rules"):
        _tab_to(page, f"[name={name}]")
        page.keyboard.press("Space")
    send()
    send()
    person.heading("Check your answers")
    send()
    person.sees(re.compile("Submitted to .* under the number FA-"))

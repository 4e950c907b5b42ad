"""The desk's queue by keyboard, and while it brings itself up to date."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.walkthrough.walk import Walk


def test_letters_go_through_the_list_and_what_arrives_moves_neither_focus_nor_ticks(visit: Visit, walk: Walk) -> None:
    for name in ("Keyed one", "Keyed two"):
        walk.hand_in("fleet_owner", name)
    reviewer = visit("Reviewer", locale="en-GB")  # a browser of its own, since its clock is set forward
    page = reviewer.page
    page.clock.install()
    reviewer.open("/desk/?words=keyed&sort=longest")
    links, ticks = page.locator("#queue tbody th a"), page.locator("#queue tbody input[type=checkbox]")
    expect(links).to_have_count(2)

    page.keyboard.press("x")  # outside the list letters do nothing
    expect(page.locator("#queue input:checked")).to_have_count(0)
    links.nth(0).focus()
    for key, at in (("k", 0), ("j", 1), ("j", 1), ("k", 0), ("j", 1)):
        page.keyboard.press(key)
        expect(links.nth(at)).to_be_focused()
    page.keyboard.press("x")
    expect(ticks.nth(1)).to_be_checked()
    expect(ticks.nth(0)).not_to_be_checked()
    expect(links.nth(1)).to_be_focused()

    walk.hand_in("fleet_owner", "Keyed three")
    with page.expect_response(lambda answer: answer.request.headers.get("hx-request") == "true"):
        page.clock.fast_forward(31_000)
    expect(links).to_have_count(3)
    expect(links.nth(1)).to_be_focused()
    expect(ticks.nth(1)).to_be_checked()
    expect(page.locator("#queue tbody input:checked")).to_have_count(1)
    page.keyboard.press("j")
    expect(links.nth(2)).to_be_focused()

    words = page.get_by_label("Name, number or company")
    words.fill("")
    words.press_sequentially("jkx")
    expect(words).to_have_value("jkx")
    expect(page.locator("#queue tbody input:checked")).to_have_count(1)
    links.nth(1).focus()
    with page.expect_navigation(url=re.compile(r"/desk/registrations/")):
        page.keyboard.press("Enter")
    reviewer.sees("Keyed two")

"""Rehearsing the mobile SDK in a browser: what only a browser can tell."""

import re

from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.conftest import Visit


def test_a_call_keeps_the_focus_is_spoken_and_says_what_others_do_meanwhile(visit: Visit) -> None:
    partner = visit("Example Mobility Developer")
    partner.open("/applications/new/").page.get_by_role("radio", name=steps.FLEET_OWNER).check()
    partner.press("Start").open(re.sub(r"describe/.*", "", partner.path)).follow("Rehearse the mobile SDK").look(
        "rehearsals, none"
    ).fill({"Name": ""}).press("Begin")
    partner.sees_problem("Name").fill({"Name": "Browser"}).press("Begin").heading("Browser")
    page = partner.page
    make, spoken = page.get_by_role("button", name="Make the call"), page.locator("#said")
    make.press("Enter")
    expect(spoken).to_contain_text("phone-1: ")
    expect(make).to_be_focused()
    page.get_by_role("switch", name=re.compile("Online")).click()
    expect(page.get_by_role("switch", name=re.compile("Online"))).to_have_attribute("aria-checked", "false")
    make.click()
    expect(spoken).to_contain_text("no internet connection")
    page.get_by_text("Choose another call").click()
    page.get_by_role("link", name="Activate the CarKey").click()
    expect(page.locator("#call-title")).to_have_text("Activate the CarKey")
    make.click()
    partner.sees("The app should not have made this call", "The rules find something wrong").look("rehearsal, broken")
    page.get_by_role("button", name="The key is elsewhere.").click()
    page.get_by_role("button", name="Make these calls").click()
    partner.sees("FAILED 2354")

    other = visit("Example Mobility Developer").open(page.url)
    other.page.locator("#wait-1").click()
    partner.sees("Something was done in this rehearsal meanwhile")
    partner.follow("Show it as it is now")
    page.get_by_role("link", name=re.compile("phone-1")).click()
    page.go_back()
    expect(page.get_by_role("banner")).to_be_visible()

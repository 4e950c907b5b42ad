"""The journey's pages in a browser without JavaScript."""

import re

from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.held_up import held_up
from tests.walkthrough.instance import Instance


def test_the_journey_needs_no_script(visit: Visit, running: Instance) -> None:
    partner = visit("Example Mobility Developer", java_script_enabled=False)
    reviewer = visit("Reviewer", java_script_enabled=False)
    issuer = visit("Issuer", java_script_enabled=False)
    name = "Without script"

    partner.open("/applications/new/").page.get_by_role("radio", name=steps.FLEET_OWNER).check()
    partner.press("Start").press("Save and continue").sees("Fill in “Application name”")
    path = re.sub(r"describe/.*", "", partner.path)
    partner.fill({"Application name": name, "Concept": steps.CONCEPT}).press("Save and continue")
    partner.fill({"Contact's name": "Desk", "Contact's e-mail": "desk@walk.example"}).press("Save and continue")
    partner.choose("Peugeot").fill({"Requests per month": "1000"}).press("Save and continue")
    expect(partner.page.get_by_label("Filter the list")).to_be_hidden()
    partner.page.get_by_text("Telemetry", exact=True).click()
    partner.page.get_by_role("checkbox", name=re.compile("odometer", re.I)).first.check()
    partner.press("Save and continue")
    partner.choose("It follows the Extended Vehicle", "It complies with the GDPR", "It follows the car maker's rules")
    partner.press("Save and continue").press("Submit for review").sees("Submitted to")

    reviewer.open("/desk/").follow(name).press("Begin the review")
    reviewer.fill({"Partner login (MZP)": "MZP400009"}).press("Approve").sees("Approved.")
    steps.name_the_key(partner, path, "It is kept here")
    with held_up(running, "worker"):
        partner.press("Make the key and submit the CSR").heading("Your key is on its way")
        partner.follow("Look again").heading("Your key is on its way")
    partner.wait_for_key()
    expect(partner.page.get_by_role("button", name="Copy")).to_have_count(0)
    steps.sign(issuer, name)

    partner.open(f"{path}sandbox/validate/")
    with held_up(running):
        partner.press("Validate").heading("Validation")
        expect(partner.page.locator(".ladder")).to_have_attribute("aria-busy", "true")
    partner.wait_for_run("Passed").follow(re.compile("See what you have")).heading("You are live")

    partner.open(f"{path}sandbox/validate/")
    with held_up(running):
        partner.press("Run again").press("Cancel the run").wait_for_run("Cancelled")
        expect(partner.page.locator(".ladder")).not_to_have_attribute("aria-busy", "true")
    partner.press("Run again").wait_for_run("Passed")

    partner.open(f"{path}sandbox/rehearse/").page.get_by_text("The API answers", exact=True).click()
    partner.choose("502 with a web page").press("Switch it on").sees(
        "A failure is being rehearsed", "502 with a web page"
    )
    partner.press("Switch it off").sees("Switched off.")

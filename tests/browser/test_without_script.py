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
    partner.choose("Peugeot", "Work it out from our vehicles")
    partner.page.get_by_label("Vehicles", exact=True).fill("40")
    partner.fill({"Calls per vehicle and day": "2"}).press("Work it out").sees("2,400")
    partner.press("Save and continue")
    partner.fill({"Filter the list": "odometer"}).press("Filter")
    partner.page.get_by_role("checkbox", name=re.compile("odometer", re.I)).first.check()
    partner.fill({"Filter the list": ""}).press("Filter").sees("1 item in 1 category", "data:telemetry")
    partner.page.get_by_text("Location", exact=True).first.click()
    partner.press("Choose all of these Location").sees("6 items in 2 categories", "data:position")
    partner.press("Save and continue").fill({"Location": "The nearest van is found."})
    partner.fill({"Telemetry": "Service is planned."}).press("Save and continue")
    partner.choose("It follows the Extended Vehicle", "It complies with the GDPR", "It follows the car maker's rules")
    partner.press("Save and continue").heading("Environments").press("Save and continue")
    partner.press("Submit for review").sees("Submitted to").heading(re.compile("Receipt FA-.*/1"))

    reviewer.open("/desk/").follow(name).press("Begin the review")
    steps.type_login(reviewer, "MZP400009").press("Approve").sees("Approved.")
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

    partner.follow("Virtual-key token").fill({"CarData_signature": "V29ybGQ="})
    partner.page.get_by_label("CarData", exact=True).fill("SGVsbG8=")
    with held_up(running):
        partner.press("Ask for a token").heading("Request for a virtual-key token")
        expect(partner.page.locator(".ladder")).to_have_attribute("aria-busy", "true")
    partner.wait_for_run("Granted").follow("Show the token").press("Show it").sees("Its signature", "left")

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

"""The guide to the mobile SDK, with what only a browser can tell: which language is shown, marks, the clock."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.steps import FLEET_OWNER


def test_the_guide_to_the_mobile_sdk(visit: Visit) -> None:
    member = visit("Example Mobility Developer")
    member.open("/applications/new/").page.get_by_role("radio", name=FLEET_OWNER).check()
    guide = re.sub(r"describe/.*", "activation/", member.press("Start").path)
    member.open(guide).heading("Service activation")

    member.follow("Remote commands").heading("Remote commands")
    kotlin, swift = (member.page.locator(f"#code-steps_first-{one}") for one in ("kotlin", "swift"))
    expect(kotlin).to_be_visible()
    expect(swift).to_be_hidden()
    member.page.get_by_role("radio", name="Swift").check(force=True)
    member.page.reload()
    expect(swift).to_be_visible()
    expect(kotlin).to_be_hidden()

    member.open(f"{guide}reader/").fill({"Message or call": '{"status": "SUCCEDED", "result": {"hasCarKey": "tr'})
    member.press("Read it").sees("This cannot be read as a message").look("message reader, half a message")
    mark = member.page.locator("#place-1")
    mark.focus()
    mark.press("Enter")
    expect(member.page.locator("#finding-1")).to_be_focused()

    member.open(f"{guide}traces/").press("One that does not").sees("6 things are wrong").look("trace check, wrong")
    member.press("Attach").sees("Attached. Staff see it")
    member.open(f"{guide}carkey/").press("Say what to do").sees_problem("Paste one of the two")
    example = member.page.locator("#example-carkey").inner_text()
    member.fill({"Answer to the check (get)": example}).press("Say what to do").sees("5 days", "left")
    expect(member.page.locator(".countdown__clock")).to_have_text(re.compile(r"\d d \d\d:\d\d:\d\d"))
    member.look("CarKey, suspended")

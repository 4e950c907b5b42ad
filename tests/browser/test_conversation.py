"""Partner and reviewer at one conversation, each with a browser."""

import re

from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.conftest import Visit

OWN = {"locale": "en-GB"}


def test_what_is_typed_stays_while_messages_arrive(visit: Visit) -> None:
    # Browsers of their own, since clocks are set forward in them, and one forgets its session.
    partner, reviewer, name = visit("Example Mobility Developer", **OWN), visit("Reviewer"), "Talked about"
    path = steps.describe(partner, steps.FLEET_OWNER, name, "Example Mobility")
    partner.press("Submit for review").sees("Submitted to").page.clock.install()
    partner.open(path).follow("Talk with the reviewers").sees("Nothing said yet").look("conversation, empty")
    partner.press("Send").sees_problem("Your message").look("conversation, sent empty")
    partner.fill({"Your message": "Half typed"})
    message = partner.page.get_by_label("Your message")
    message.focus()

    reviewer.open("/desk/").follow(re.compile(name)).fill({"Your message": "Which depots?\n<b>All?</b>"})
    reviewer.press("Send").sees("Waits for an answer").look("desk: conversation")
    partner.page.clock.fast_forward(11_000)
    partner.sees("<b>All?</b>", "Mobilisights waits for your answer")
    expect(message).to_have_value("Half typed")
    expect(message).to_be_focused()
    partner.look("conversation").press("Send").sees("Answered", "Half typed")
    reviewer.open("/desk/messages/").sees(name).look("desk: to answer")

    away = visit("Example Mobility Developer", **OWN)
    away.page.clock.install()
    away.open(f"{path}conversation/").fill({"Your message": "Typed after the session had ended"})
    away.page.context.clear_cookies()
    with away.page.expect_response(re.compile(r"/conversation/\?after=")):
        away.page.clock.fast_forward(11_000)
    expect(away.page.locator("[data-while-seen]")).to_have_count(0)
    expect(away.page.get_by_label("Your message")).to_have_value("Typed after the session had ended")

    partner.open(f"{path}history/").look("history").follow("Receipt").heading(re.compile("Receipt"))
    partner.open(f"{path}submissions/").look("submissions").open(f"{path}withdraw/").look("withdraw").press("Withdraw")
    partner.sees("Withdrawn. Nothing more happens with it.").look("application: withdrawn")
    partner.press("Copy as a new application").sees("A new draft with the same answers")

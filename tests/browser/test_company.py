"""A company's pages in a browser: filled, with errors, and what a link in a mail leads to, without an account."""

import re

from tests.browser.conftest import Visit


def test_a_companys_pages_from_an_invitation_to_a_confirmed_contact(visit: Visit) -> None:
    owner = visit("Example Mobility Owner")
    owner.open("/organisation/").heading("Example Mobility")
    owner.follow("Invite somebody").press("Send the invitation").sees_problem("E-mail address").look("invite, error")
    owner.fill({"E-mail address": "somebody.with.a.long.name@walk-elsewhere.example"}).press("Send the invitation")
    owner.sees("Invited: somebody.with.a.long.name").follow(re.compile("Name it")).look("name a contact")
    owner.fill({"Name": "Fleet desk", "E-mail address": "desk@walk-company.example"}).press("Save")
    owner.sees("it counts once confirmed").look("company, filled")
    owner.follow("Leave this company").sees("You are the only owner").look("leave, the last owner")
    owner.open("/profile/erase/").sees("You are the only owner of Example Mobility").look("erase, refused")

    owner.open("/outbox/").follow(re.compile("Please confirm"))
    link = owner.page.get_by_role("main").get_by_text("/contacts/").inner_text()
    stranger = visit(java_script_enabled=False).open(re.search(r"/contacts/\S+", link)[0])  # type: ignore[index]
    stranger.sees("desk@walk-company.example").press("Yes, confirm").heading("Confirmed")
    owner.open("/organisation/").sees("who reads the mailbox")


def test_what_is_held_is_downloaded_without_script(visit: Visit) -> None:
    rival = visit("Rival Fleet Services Owner", java_script_enabled=False)
    rival.open("/profile/data/").heading("What is held about you")
    document = rival.download("Download")
    assert b"owner@rival-fleet.example" in document

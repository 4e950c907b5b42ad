"""One's own account where only a browser can tell: passkeys, the file of recovery codes, and a session that ends."""

import re

from playwright.sync_api import expect

from tests.accounts.conftest import totp
from tests.browser.conftest import Visit
from tests.walkthrough.instance import Instance

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_a_passkey_is_added_and_signs_in_alone_and_an_app_after_the_password(visit: Visit, running: Instance) -> None:
    person = visit()
    login = running.logins["Rival Fleet Services Owner"]
    cdp = person.page.context.new_cdp_session(person.page)
    cdp.send("WebAuthn.enable")
    device = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"]

    person.sign_in(*login).open("/accounts/2fa/").look("second factor: none").follow("Add a passkey")
    person.look("passkey: add").fill({"Name": "Test device"}).press("Add the passkey")
    person.heading("Recovery codes").look("recovery codes")
    codes = person.download("Save as a text file").decode().split()
    assert len(codes) == 10
    [credential] = cdp.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
    assert (credential["rpId"], credential["isResidentCredential"]) == ("localhost", True)

    person.open("/accounts/logout/").press("Sign out", person.page.get_by_role("main"))
    person.look("sign in, signed out").press("Sign in with a passkey").heading(re.compile("Applications"))
    person.open("/profile/history/").sees("Signed in: passkey", "Passkey added").look("history")

    person.open("/accounts/2fa/totp/activate/").press("Switch it on").sees_problem("Code that the app shows")
    person.page.get_by_text("Or type the secret").click()
    person.look("app: set up")
    secret = person.page.locator("#totp-secret").text_content() or ""
    person.fill({"Code that the app shows": totp(secret)}).press("Switch it on").sees("is set up")
    person.look("second factor: both").open("/accounts/sessions/").look("sessions")

    elsewhere = visit().sign_in(*login).heading("Second factor").look("second factor: asked for")
    elsewhere.fill({"Code": codes[0]}).press("Sign in").heading(re.compile("Applications"))
    person.open("/accounts/sessions/").press("Sign out everywhere else").sees("You are signed out everywhere else.")
    elsewhere.open("/profile/").heading("Sign in")

    # As it was: others sign in as this person by password.
    person.open("/accounts/2fa/").follow(re.compile("^Remove Test device")).look("passkey: remove")
    person.press("Remove the passkey").open("/accounts/2fa/totp/deactivate/").look("app: remove")
    person.press("Remove the app").sees("protected by its password alone")


def test_a_session_that_ends_in_mid_form_costs_nothing_that_was_typed(visit: Visit, running: Instance) -> None:
    person = visit("Example Mobility Developer", java_script_enabled=False)
    person.open("/organisation/new/").fill({"Company name": "Typed by “hand” & kept", "Country": "FR"})
    person.page.context.clear_cookies(name="sessionid")
    person.press("Create").heading("Sign in").sees("what you typed is kept for you")
    expect(person.page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    person.fill(dict(zip(("E-mail address", "Password"), running.logins["Example Mobility Developer"], strict=True)))
    person.press("Sign in").heading("Your company").sees("What you typed is here again")
    expect(person.page.get_by_label("Company name")).to_have_value("Typed by “hand” & kept")
    expect(person.page.get_by_label("Country")).to_have_value("FR")
    person.open("/organisation/new/")
    expect(person.page.get_by_label("Company name")).to_have_value("")

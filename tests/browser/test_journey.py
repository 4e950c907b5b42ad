"""The whole journey in Chromium, as the people walk it; every page on the way is examined."""

import re
from pathlib import Path

from cryptography import x509
from playwright.sync_api import expect

from onboarding.pki import instructions
from onboarding.programmes import SANDBOX_VIN
from tests.browser import steps
from tests.browser.conftest import Register, Visit
from tests.browser.held_up import held_up
from tests.walkthrough.instance import Instance

NEW_PASSWORD = "long enough to be a password"
NAME = "Depot dashboard"
NAMES = {"C": "FR", "ST": "Rhône", "L": "Lyon", "O": "unused", "OU": "unused", "CN": "unused", "emailAddress": "a@b.c"}
OWN = "Trip diary for drivers who charge at home, at work and on the road"


def test_a_partner_goes_from_sign_up_to_a_live_call(visit: Visit, running: Instance) -> None:
    partner, reviewer, issuer = visit(), visit("Reviewer"), visit("Issuer")

    # Sign up, confirm through the mail, name the company
    partner.open("/").look("welcome").open("/accounts/signup/").look("sign up")
    partner.press("Create an account").sees_problem("E-mail").look("sign up, sent empty")
    partner.fill({"E-mail address": "dev@walk.example", "Password, once more": NEW_PASSWORD})
    partner.page.get_by_label("Password", exact=True).fill(NEW_PASSWORD)
    partner.press("Create an account").heading("Look into your mailbox").look("verification sent")
    partner.open("/outbox/").look("outbox").follow(re.compile("Confirm")).look("mail")
    partner.follow(re.compile("confirm-email")).look("confirm").press("Yes, confirm")
    if partner.path.startswith("/accounts/login"):
        partner.sign_in("dev@walk.example", NEW_PASSWORD)
    partner.heading("Your company").look("organisation")
    partner.press("Create").sees_problem("Company name").look("organisation, sent empty")
    partner.fill({"Company name": "Walkthrough Fleet", "Country": "FR"}).press("Create")
    partner.open("/").sees("No applications yet").look("home, empty")
    partner.open("/profile/").look("profile")

    # Describe, check, submit
    path = steps.describe(partner, steps.FLEET_OWNER, NAME, "Walkthrough Fleet", looking=True)
    partner.look("check answers").press("Submit for review").sees("Submitted to")
    partner.look("application: submitted").open(f"{path}describe/check/").look("description, submitted")
    partner.open("/").sees(NAME).look("home, one")

    # Review
    steps.approve(reviewer, NAME, "MZP400001", looking=True)
    partner.open(path).sees("Your turn: get sandbox credentials").look("application: approved")

    # Key and CSR, made and sealed here; signed
    partner.follow("Key and certificate request").look("key").fill({"(L)": ""}).press("Continue").sees_problem(
        "(L)"
    ).look("key, errors")
    steps.name_the_key(partner, path, "It is kept here")
    partner.look("key: make").choose("RSA 4096")
    with held_up(running, "worker"):
        partner.press("Make the key and submit the CSR").sees("Waiting for a worker", re.compile(r"RSA 4096 · [1-9]"))
        partner.look("key on its way").open(path).sees("Your key is on its way").look("application: key on its way")
        partner.follow("Watch").heading("Your key is on its way")
        partner.page.evaluate("() => { window.thePageThatWasLoaded = true; }")
        partner.page.wait_for_timeout(1500)
        assert partner.page.evaluate("() => window.thePageThatWasLoaded")
    partner.wait_for_key().look("CSR")
    partner.open(path).look("application: CSR submitted")
    issuer.open("/desk/certificates/").look("desk: CSRs").follow(re.compile(NAME)).look("desk: CSR")
    issuer.press("Sign with the embedded CA").sees("Signed.").look("desk: signed")

    # Certificate, credentials
    partner.open(path).sees("Your turn: validate").look("application: certificate here")
    partner.follow(re.compile("^Certificate$")).look("certificate")
    certificate = partner.download("Download your certificate")
    assert certificate.startswith(b"-----BEGIN CERTIFICATE-----")
    key_page = f"{path}sandbox/certificate/key/"
    partner.open(f"/accounts/reauthenticate/?next={key_page}").heading("Confirm that it is you").press("Confirm")
    partner.sees_problem("Password").look("sign in once more").fill({"Password": NEW_PASSWORD}).press("Confirm")
    partner.heading("Take a copy of the key").look("key export").fill({"Passphrase": "short"})
    partner.press("Download private-key.pem").sees_problem("Passphrase").look("key export, short passphrase")
    partner.fill({"Passphrase": "long enough for a copy"})
    key = partner.download("Download private-key.pem", "button")
    assert key.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    partner.open(f"{path}sandbox/credentials/").look("credentials")
    partner.fill({"Client ID": ""}).press("Store").sees_problem("fill in at least one").look("credentials, sent empty")
    partner.follow(re.compile("Show")).look("reveal, asking").press("Show it").look("revealed")

    # Validate: the ladder grows by itself, and what was unfolded stays so
    partner.open(f"{path}sandbox/validate/").look("validate")
    with held_up(running):
        partner.press("Validate")
        expect(partner.page).to_have_title(re.compile("^(Waiting|Queued|Running)"))
        partner.page.evaluate("() => { window.thePageThatWasLoaded = true; }")
        rungs = partner.page.locator(".rung")
        expect(rungs.filter(has_text="Passed")).not_to_have_count(0)
        expect(rungs.filter(has_text="Running")).to_have_count(1)
        rungs.filter(has_text="Passed").first.locator("summary").click()
        partner.look("run, under way")
    partner.wait_for_run("Passed")
    assert partner.page.evaluate("() => window.thePageThatWasLoaded")
    expect(partner.page).to_have_title(re.compile("^Passed"))
    expect(rungs.first.locator("details")).to_have_attribute("open", "")
    partner.sees("TLS version", "It works").look("run, passed")

    # Live, and what to copy
    partner.follow(re.compile("See what you have")).heading("You are live").look("live")
    snippet = partner.page.locator("figure.code").first
    snippet.get_by_role("button", name="Copy").click()
    expect(snippet.get_by_role("button", name="Copied")).to_be_visible()
    assert partner.page.evaluate("() => navigator.clipboard.readText()") == snippet.locator("code").text_content()
    # A virtual-key token: a slip is told beside its field; granted, it is shown once, and its end counted down
    partner.follow("Virtual-key token").look("virtual key").fill({"How long the token": "0"})
    partner.press("Ask for a token").sees_problem("CarData", "How long").look("virtual key, sent empty")
    partner.fill({"How long the token": "2"}).page.get_by_text("Or give the SDK's answer as it is").click()
    partner.fill({"The SDK's answer, pasted": '{"CarData": "SGVsbG8=", "CarData_signature": "V29ybGQ="}'})
    partner.press("Ask for a token").wait_for_run("Granted").look("virtual key: granted")
    partner.follow("Show the token").look("virtual key: before it is shown").press("Show it").look(
        "virtual key: the token"
    )
    expect(partner.page.locator("[data-ends-at]")).to_have_text(re.compile("^01:59:"))
    partner.follow("Done").sees("A token was granted, and shown").look("virtual key: shown")
    partner.open(path).look("application: live").open("/").sees("Live in").look("home, live")
    partner.open(f"{path}sandbox/validate/").look("validate, with a run")

    # A vehicle, too: a slip is told beside the field; the run is cancelled while it waits for the API
    partner.page.get_by_text("Ask about one vehicle, too", exact=True).click()
    partner.fill({"VIN": "VF3-SANDBX-OO0001"}).press("Run again").sees_problem("no I, O and Q").look("validate, no VIN")
    with held_up(running):
        partner.fill({"VIN": "vf3 sandbx 0000 0001"}).press("Run again")
        partner.sees("The vehicle you named can be asked about", "Running").press("Cancel the run")
        partner.wait_for_run("Cancelled").sees("a key or a VIN, is destroyed").look("run, cancelled")
    partner.open(f"{path}sandbox/validate/").sees("Cancelled")

    # A failure is rehearsed: chosen from the list, told by a run, switched off; what is live stays so
    partner.follow("Rehearse a failure").heading("Rehearse a failure")
    partner.press("Switch it on").sees_problem("Failure").look("rehearse, sent empty")
    partner.page.get_by_label("Filter the list").fill("has expired")
    partner.choose("The server's certificate has expired").press("Switch it on")
    partner.sees("A failure is being rehearsed").look("validate, rehearsing").press("Run again")
    partner.wait_for_run("Failed").sees("This run met a rehearsed failure").look("run, rehearsed")
    partner.open(path).follow("See the rehearsal").look("rehearse, on")
    partner.press("Switch it off").sees("Switched off.").open("/").sees("Live in")

    # A wrong password: the run says so
    partner.open(f"{path}sandbox/credentials/").fill({"Password": "not the right one"}).press("Store").sees("Stored.")
    partner.open(f"{path}sandbox/validate/").press("Run again").wait_for_run("Failed")
    partner.sees("Whose turn", "What to do").look("run, failed")
    partner.open(path).look("application: validation failed")
    reviewer.open("/desk/?show=done").sees(NAME).look("desk: decided")
    issuer.open("/desk/certificates/?show=decided").sees("MZP400001").look("desk: issued")


def test_a_draft_has_a_first_call_in_the_sandbox_with_one_click(visit: Visit, running: Instance) -> None:
    partner = visit("Example Mobility Owner").open("/applications/new/")
    partner.page.get_by_role("radio", name=steps.END_USER).check()
    partner.press("Start")
    path = re.sub(r"describe/.*", "", partner.path)
    partner.open(path).look("application: draft").follow("What happens then").look("sandbox credentials: before")
    partner.open(path)
    with held_up(running, "worker"):
        partner.press("Get sandbox credentials").sees("Your key is on its way").look("sandbox credentials: under way")
        partner.page.evaluate("() => { window.thePageThatWasLoaded = true; }")
    expect(partner.page.get_by_role("main")).to_contain_text("Your sandbox credentials work", timeout=30_000)
    assert partner.page.evaluate("() => window.thePageThatWasLoaded")
    partner.look("sandbox credentials: there").follow("See what you have").heading("You are live")
    partner.open(path).sees("Live in Sandbox").look("application: draft, live in the sandbox")
    partner.follow("Delete the sandbox credentials").look("sandbox credentials: delete").press("Delete them")
    partner.sees("The sandbox no longer knows this application.", "Get sandbox credentials")


def test_a_partner_who_keeps_the_key_lends_it_for_one_run(visit: Visit, register: Register, tmp_path: Path) -> None:
    partner, issuer = visit("Example Mobility Owner"), visit("Issuer")
    path = register("end_user", OWN, "MZP400002")

    # A CSR with a wrong name is refused on arrival, and not kept; the right one is submitted
    steps.name_the_key(partner, path, "You make it, and keep it")
    partner.look("key: upload").press("Check and submit the CSR").sees_problem("Choose a file")
    partner.look("key: upload, sent empty")
    for tool in ("Java keytool", "OpenSSL Windows, in PowerShell", "OpenSSL Linux or macOS"):
        partner.follow(tool).look(f"key: upload, {tool}")
    config = partner.page.locator("#openssl-config").text_content() or ""
    assert partner.download("Download request.cnf").decode() == config
    _, wrong = steps.openssl(tmp_path / "wrong", config.replace("Programs Partners", "Programs Partner"))
    partner.give("CSR file", "request.csr", wrong).press("Check and submit the CSR")
    partner.sees("This CSR would be refused", "Programs Partners").look("key: upload, findings")
    key, csr = steps.openssl(tmp_path / "right", config)
    partner.give("CSR file", "request.csr", csr).press("Check and submit the CSR").sees("checked and submitted")
    partner.look("CSR, own key")
    steps.sign(issuer, OWN)

    # The run needs the key, the right one, with its passphrase
    partner.open(f"{path}sandbox/validate/").look("validate, own key")
    partner.press("Validate").sees_problem("private key").look("validate, no key")
    other, _ = steps.openssl(tmp_path / "other", config)
    partner.give("Private key", "private-key.pem", other).fill({"Passphrase of the key": steps.PASSPHRASE})
    partner.press("Validate").look("validate, another key")

    # The checker makes the same checks beside the key; the report that the key signed makes the set live, as reported
    partner.open(f"{path}sandbox/validate/").follow("Check it beside your key").look("checker")
    partner.press("Upload the report").sees_problem("Choose the report's file").look("checker, no report")
    report = steps.check_beside_key(partner, path, tmp_path / "right")
    partner.open(f"{path}sandbox/checker/").give("The checker's report", "report.json", report[:-9])
    partner.press("Upload the report").sees("This report is refused", "Upload the file that the checker wrote")
    partner.look("checker, refused").give("The checker's report", "report.json", report).press("Upload the report")
    partner.heading("Reported by the partner").look("report, passed")
    partner.open(f"{path}sandbox/validate/").sees("Reported by you").look("validate, with a report")
    partner.open(f"{path}sandbox/live/").sees("Reported by the partner").look("live, reported")
    partner.open(path).sees("reported by the partner").look("application: reported")

    # A run of the portal's own goes before it
    partner.open(f"{path}sandbox/validate/")
    partner.give("Private key", "private-key.pem", key).fill({"Passphrase of the key": steps.PASSPHRASE})
    partner.page.get_by_text("Ask about one vehicle, too", exact=True).click()
    partner.fill({"VIN": SANDBOX_VIN}).press("Validate").wait_for_run("Passed").look("run, passed, end user")
    partner.page.get_by_text("The vehicle you named can be asked about").click()
    partner.sees("The API knows the vehicle …0001", "does not show that its driver has consented")
    expect(partner.page.get_by_text(SANDBOX_VIN)).to_have_count(0)
    partner.open(f"{path}sandbox/live/").heading("You are live").sees("Validated by a real call").look("live, end user")
    partner.open("/").sees(OWN).look("home, long names")


def test_staff_can_give_back_decline_and_refuse(visit: Visit, tmp_path: Path) -> None:
    partner, reviewer, issuer = visit("Rival Fleet Services Owner"), visit("Reviewer"), visit("Issuer")
    name = "Car sharing"
    path = steps.describe(partner, steps.FLEET_OWNER, name, "Rival Fleet Services")
    partner.press("Submit for review")

    reviewer.open("/desk/").follow(name).press("Begin the review")
    reviewer.page.get_by_text("Ask for changes", exact=True).click()
    reviewer.press("Give it back").sees_problem("Say what to change").look("desk: given back without a note")
    reviewer.fill({"In general": "Nearly there.", "On “Concept”": "Say how long positions are kept."})
    reviewer.press("Read the mail first", within=reviewer.page.locator("form[action$='request_changes/']"))
    reviewer.heading("Read the mail before it goes").look("desk: the mail of a decision")
    reviewer.press("Give it back, and send the mail").look("desk: given back")
    partner.open(path).sees("Nearly there.", "1 answer has a comment").look("application: changes requested")
    partner.open(f"{path}describe/concept/").sees("Say how long positions are kept.").look("describe: a comment")
    partner.press("Save and continue").press("Submit for review").sees("Submitted to")

    steps.approve(reviewer, name, "MZP400003")
    steps.name_the_key(partner, path, "It is kept here")
    partner.follow("Bring the key you have").look("key: import").press("Check and seal the key, submit the CSR")
    partner.sees_problem("Choose the private key's file").look("key: import, sent empty")
    key, _ = steps.openssl(tmp_path / "key", instructions.openssl_config(NAMES))
    partner.give("Private key", "keystore.jks", bytes.fromhex("feedfeed0000000200000001"))
    partner.press("Check and seal the key, submit the CSR").sees("keytool -importkeystore").look("key: import, JKS")
    partner.give("Private key", "private-key.pem", key).fill({"Passphrase of the file": steps.PASSPHRASE})
    partner.press("Check and seal the key, submit the CSR").sees("The key was checked and sealed").look("CSR, brought")
    issuer.open("/desk/certificates/").follow(re.compile(name))
    issuer.page.get_by_text("Signed elsewhere", exact=True).click()
    issuer.press("Check and release").sees_problem("Signed certificate").look("desk: nothing uploaded")
    page = issuer.page
    for label in ("Signed certificate", "CA certificate"):
        issuer.give(label, "wrong.pem", b"not a certificate")
    issuer.press("Check and release").sees("Not released", "Not reached").look("desk: not a certificate")
    csr = x509.load_pem_x509_csr((page.locator("#csr-pem").text_content() or "").encode())
    for label, content in steps.signed_for_another_name(csr).items():
        issuer.give(label, "certificate.pem", content)
    issuer.press("Check and release").sees("Differs, and must not", "Corporate Root").look("desk: another name")
    page.get_by_text("Refuse the CSR", exact=True).click()
    issuer.press("Refuse").sees_problem("What to change").look("desk: refused without a note")
    issuer.fill({"What to change": "The company is registered in Lyon."}).press("Refuse").sees("Refused.")
    issuer.look("desk: refused")
    partner.open(path).sees("The company is registered in Lyon.").look("application: CSR refused")
    partner.follow("See what to change").look("CSR, refused")

    declined = steps.describe(partner, steps.END_USER, "Spare parts advertising", "Rival Fleet Services")
    partner.press("Submit for review")
    reviewer.open("/desk/").follow("Spare parts advertising").press("Begin the review")
    reviewer.page.get_by_text("Decline", exact=True).first.click()
    reviewer.press("Decline").sees_problem("Reason").look("desk: declined without a reason")
    reviewer.page.locator("#decline_reason input, [name=reason]").first.check()
    reviewer.fill({"What the partner should know": "Advertising is no purpose of this programme."}).press("Decline")
    reviewer.look("desk: declined")
    partner.open(declined).sees("Advertising is no purpose").look("application: declined")

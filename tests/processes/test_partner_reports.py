"""Reports of the offline checker: accepted once, from the certificate's key and about this set, or refused by name."""

import base64
import copy
import json
import shlex
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from onboarding.audit.models import Entry
from onboarding.checker import report as checker_report
from onboarding.checker.command import parser
from onboarding.credentials import flows as credentials
from onboarding.credentials import issuing
from onboarding.credentials.environments import environment
from onboarding.credentials.models import CredentialSet
from onboarding.findings import explain
from onboarding.fleet.checks import Check, Result, Turn, rungs
from onboarding.notifications.mails import render
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.pki.csr import build_csr
from onboarding.validation import flows, reports
from onboarding.validation.models import PartnerReport
from onboarding.web import journey
from tests.conftest import member, staff
from tests.journey import SUBJECT, approved
from tests.processes.test_validation import diagnosis, pem

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def own_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def held(owner: User, reviewer: User, issuer: User, own_key: rsa.RSAPrivateKey) -> CredentialSet:
    """Custody `own`, everything stored."""
    request = credentials.open_request(approved(owner, reviewer), "sandbox", actor=member(owner))
    credentials.describe_key(request, subject=SUBJECT, custody="own")
    assert credentials.submit_csr(request, build_csr(own_key, request.subject), actor=member(owner)).fit
    issuing.sign_with_embedded_ca(request, actor=staff(issuer))
    return request.credential_sets.get()


def made(held: CredentialSet, result: Result = Result.PASSED) -> dict[str, Any]:
    """What the checker writes about this set."""
    request = held.certificate_request
    ladder = [Check(rung, "set_complete", Result.PASSED) for rung in rungs("fleet_owner")]
    if result == Result.FAILED:
        found = {"host": "localhost", "http_status": 401}
        ladder[-1] = Check(ladder[-1].rung, "login_refused", Result.FAILED, Turn.PARTNER, found, 12.5)
    return checker_report.make(
        programme="fleet_owner",
        api_url=environment(held.application.profile, "sandbox").api_url,
        client_id=held.client_id,
        login=request.partner_login.mzp,
        certificate={"serial_number": request.serial_number, "sha256": request.certificate_sha256},
        started_at="2026-11-26T12:00:00+00:00",
        finished_at="2026-11-26T12:00:02+00:00",
        result=result,
        checks=ladder,
        nonce=reports.new_nonce(held),
    )


def signed(report: dict[str, Any], key: rsa.RSAPrivateKey) -> bytes:
    signature = key.sign(checker_report.signed_bytes(report), padding.PKCS1v15(), SHA256())
    return checker_report.sealed(report, signature).encode()


def refusal(held: CredentialSet, data: bytes, owner: User) -> str:
    """The code under which a report is refused, after looking that it is worded and that nothing was kept."""
    before = PartnerReport.objects.count()
    with pytest.raises(reports.ReportRefused) as refused:
        reports.accept(held, data, actor=member(owner))
    words = explain(refused.value.finding, reports.REFUSALS)
    assert words.title
    assert words.remedy
    assert PartnerReport.objects.count() == before
    return refused.value.finding.code


def test_a_signed_report_that_passed_makes_the_set_live_as_reported(
    held: CredentialSet, owner: User, own_key: rsa.RSAPrivateKey
) -> None:
    accepted = reports.accept(held, signed(made(held), own_key), actor=member(owner))
    assert (accepted.signed, accepted.proves) == (True, True)
    track = journey.track(held.application, "sandbox")
    assert (track.is_live, track.is_reported, track.good_run) == (True, True, None)
    assert "reported by the partner" in journey.track_turn(track).title
    held.certificate_request.refresh_from_db()
    assert held.certificate_request.state == "active"
    (entry,) = Entry.objects.filter(event="validation:reported")
    assert entry.data == {"environment": "sandbox", "result": "passed", "signed": True}


def test_who_has_waited_for_the_set_is_told_once_that_it_is_live_and_who_says_so(
    held: CredentialSet,
    owner: User,
    colleague: User,
    viewer: User,
    own_key: rsa.RSAPrivateKey,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def told() -> list[tuple[str, str]]:
        return sorted(Mail.objects.filter(once=f"live:{held.pk}").values_list("kind", "address"))

    unsigned = checker_report.sealed(made(held), None).encode()
    for data in (unsigned, signed(made(held, Result.FAILED), own_key)):
        reports.accept(held, data, actor=member(owner))
    assert refusal(held, signed(made(held), rsa.generate_private_key(65537, 2048)), owner) == "report_tampered"
    assert told() == []  # nobody's turn has ended
    accepted = signed(made(held), own_key)
    reports.accept(held, accepted, actor=member(owner))
    assert refusal(held, accepted, owner) == "report_replayed"
    reports.accept(held, signed(made(held), own_key), actor=member(colleague))
    assert told() == [("application_live_reported", user.email) for user in (colleague, owner)]
    mail = render(Mail.objects.filter(once=f"live:{held.pk}").first())
    assert mail.subject == f"Live, as you report: {held.application}"
    assert f"/applications/{held.application_id}/sandbox/live/" in mail.body
    monkeypatch.setattr(flows, "diagnose", diagnosis(Result.PASSED))
    flows.execute(flows.request_run(held, actor=member(owner), key=pem(own_key)).pk)
    assert len(told()) == 2  # a run that passes later is no news


def test_a_vin_that_a_report_names_is_kept_masked(held: CredentialSet, owner: User, own_key: rsa.RSAPrivateKey) -> None:
    report = made(held)
    report["checks"][0]["evidence"] = {"vin": "VF3SANDBX00000001"}
    accepted = reports.accept(held, signed(report, own_key), actor=member(owner))
    assert accepted.checks[0]["evidence"] == {"vin": "…0001"}


def test_what_the_openssl_program_signs_is_accepted(
    held: CredentialSet, owner: User, own_key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    key_file = tmp_path / "key.pem"
    key_file.write_bytes(own_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    report = made(held)
    signature = checker_report.sign(checker_report.signed_bytes(report), str(key_file), b"")
    assert signature is not None
    assert reports.accept(held, checker_report.sealed(report, signature).encode(), actor=member(owner)).signed


def test_what_is_not_signed_or_did_not_pass_is_shown_and_makes_nothing_live(
    held: CredentialSet, owner: User, own_key: rsa.RSAPrivateKey
) -> None:
    for data, expected in (
        (checker_report.sealed(made(held), None).encode(), (False, "passed", False)),
        (signed(made(held, Result.FAILED), own_key), (True, "failed", False)),
    ):
        accepted = reports.accept(held, data, actor=member(owner))
        assert (accepted.signed, accepted.result, accepted.proves) == expected
        assert not journey.track(held.application, "sandbox").is_live


def test_a_run_of_ours_that_fails_later_has_the_last_word(
    held: CredentialSet, owner: User, own_key: rsa.RSAPrivateKey
) -> None:
    reports.accept(held, signed(made(held), own_key), actor=member(owner))
    key = own_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    run = flows.request_run(held, actor=member(owner), key=key)
    type(run).objects.update(state="failed")
    track = journey.track(held.application, "sandbox")
    assert (track.is_live, track.is_reported) == (True, False)
    assert journey.track_turn(track).title == "Your turn: validation failed"


def _replace(name: str, value: Any) -> Change:
    return lambda report: report.update({name: value})


def _in_check(name: str, value: Any) -> Change:
    return lambda report: report["checks"][0].update({name: value})


FOREIGN: dict[str, tuple[Change, str]] = {
    "programme": (_replace("programme", "end_user"), "report_of_other_programme"),
    "client ID": (_replace("client_id", "another"), "report_of_other_client"),
    "login": (_replace("login", "MZP000001"), "report_of_other_login"),
    "address": (_replace("api_url", "https://elsewhere.example/connectedcar/v3"), "report_of_other_address"),
    "certificate": (_replace("certificate", {"serial_number": "1", "sha256": "0" * 64}), "report_of_other_certificate"),
    "no nonce": (_replace("nonce", ""), "report_without_nonce"),
    "made-up nonce": (_replace("nonce", "0011223344556677:1tXYZ:made-up"), "report_for_other_set"),
    "version": (_replace("format", "fleet-check-report/9"), "report_of_other_version"),
    "result": (_replace("result", "failed"), "report_contradicts_itself"),
    "not reached": (_in_check("result", "not_reached"), "report_contradicts_itself"),
    "unknown code": (_in_check("code", "no_such_code"), "report_unreadable"),
    "unknown rung": (_in_check("rung", "moon"), "report_unreadable"),
    "unknown result": (_in_check("result", "running"), "report_unreadable"),
    "unknown turn": (_in_check("turn", ["partner"]), "report_unreadable"),
    "code of another kind": (_in_check("code", ["set_complete"]), "report_unreadable"),
    "evidence too long": (_in_check("evidence", {"text": "x" * 301}), "report_unreadable"),
    "evidence too deep": (_in_check("evidence", {"text": {"a": "b"}}), "report_unreadable"),
    "evidence too much": (_in_check("evidence", {"a" * n: 1 for n in range(1, 42)}), "report_unreadable"),
    "evidence's name": (_in_check("evidence", {"<b>": "x"}), "report_unreadable"),
    "endless time": (_in_check("ms", 1e300), "report_unreadable"),
    "further field": (_in_check("remedy", "Pay here"), "report_unreadable"),
    "ladder too short": (lambda report: report["checks"].pop(), "report_unreadable"),
    "checks too many": (lambda report: report["checks"].extend(report["checks"]), "report_unreadable"),
    "no time": (_replace("started_at", "yesterday"), "report_unreadable"),
    "time without zone": (_replace("started_at", "2026-11-26T12:00:00"), "report_unreadable"),
    "text in two lines": (_replace("checker", "0.1\n0"), "report_unreadable"),
    "field missing": (lambda report: report.pop("login"), "report_unreadable"),
}


def test_a_report_about_something_else_or_of_another_shape_is_refused_by_name(
    held: CredentialSet, owner: User, own_key: rsa.RSAPrivateKey
) -> None:
    good = made(held)
    for what, (change, code) in FOREIGN.items():
        report = copy.deepcopy(good)
        change(report)
        assert refusal(held, signed(report, own_key), owner) == code, what
    assert reports.accept(held, signed(good, own_key), actor=member(owner)).proves


NO_REPORTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "report_not_json"),
    "not text": (b"\xff", "report_not_json"),
    "list": (b"[]", "report_unreadable"),
    "no fields": (b"{}", "report_unreadable"),
    "deep": (b"[" * 60_000, "report_not_json"),
    "said twice": (b'{"report": {}, "signature": null, "signature": null}', "report_not_json"),
    "long number": (b"1" * 60_000, "report_not_json"),
    "no number": (b'{"report": {"format": NaN}, "signature": null}', "report_unreadable"),
}


def test_a_file_that_is_no_report_is_refused(held: CredentialSet, owner: User) -> None:
    for what, (data, code) in NO_REPORTS.items():
        assert refusal(held, data, owner) == code, what


def test_a_report_that_was_changed_or_that_another_key_signed_is_refused(
    held: CredentialSet, owner: User, own_key: rsa.RSAPrivateKey
) -> None:
    written = json.loads(signed(made(held, Result.FAILED), own_key))
    written["report"]["checks"][-1] |= {"result": "passed", "code": "set_complete"}
    written["report"]["result"] = "passed"
    assert refusal(held, json.dumps(written).encode(), owner) == "report_tampered"
    report = made(held)
    assert refusal(held, signed(report, rsa.generate_private_key(65537, 2048)), owner) == "report_tampered"
    other_kind = ec.generate_private_key(ec.SECP256R1()).sign(checker_report.signed_bytes(report), ec.ECDSA(SHA256()))
    for signature in (other_kind, b"x", own_key.sign(b"other words", padding.PKCS1v15(), SHA256())):
        assert refusal(held, checker_report.sealed(report, signature).encode(), owner) == "report_tampered"
    for text, code in (
        ("", "report_tampered"),
        ("!", "report_unreadable"),
        (7, "report_unreadable"),
        (base64.b64encode(bytes(4096)).decode(), "report_unreadable"),
    ):
        data = json.dumps({"report": report, "signature": text}).encode()
        assert refusal(held, data, owner) == code, text


def test_a_nonce_is_good_once_for_a_day_and_for_one_set(
    held: CredentialSet, owner: User, own_key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, waiting = signed(made(held), own_key), signed(made(held), own_key)
    reports.accept(held, data, actor=member(owner))
    assert refusal(held, data, owner) == "report_replayed"
    other = CredentialSet.objects.create(
        application=held.application,
        environment="sandbox",
        certificate_request=held.certificate_request,
        client_id="another",
    )
    elsewhere = made(held) | {"nonce": reports.new_nonce(other)}
    assert refusal(held, signed(elsewhere, own_key), owner) == "report_for_other_set"
    monkeypatch.setattr(reports, "NONCE_IS_GOOD_FOR", timedelta(seconds=-1))
    assert refusal(held, waiting, owner) == "report_stale"


def test_what_looks_secret_in_the_evidence_is_not_kept(
    held: CredentialSet, owner: User, own_key: rsa.RSAPrivateKey
) -> None:
    report = made(held)
    report["checks"][0]["evidence"] = {"text": "Authorization: Basic bWFya2VyOm1hcmtlcg==\u202e"}
    accepted = reports.accept(held, signed(report, own_key), actor=member(owner))
    assert accepted.checks[0]["evidence"] == {"text": "Authorization: Basic [redacted] "}


def test_the_command_is_filled_in_and_the_checker_reads_it(held: CredentialSet, tmp_path: Path) -> None:
    python, program, *arguments = shlex.split(reports.command(held, reports.new_nonce(held)))
    assert (python, program) == ("python3", "fleet-check.pyz")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("onboarding.checker.command.programmes", lambda: {"fleet_owner": None})
        options = parser().parse_args(arguments)
    assert (options.client_id, options.login) == (held.client_id, held.certificate_request.partner_login.mzp)
    assert options.url == environment(held.application.profile, "sandbox").api_url
    assert not [word for word in arguments if "password" in word or "secret" in word]


def test_the_page_takes_a_report_and_every_page_says_who_reported_it(
    held: CredentialSet, owner: User, own_key: rsa.RSAPrivateKey, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(owner)
    where = {"application_id": held.application_id, "environment_id": "sandbox"}
    page = client.get(reverse("checker", kwargs=where))
    assert "--nonce" in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]
    data = signed(made(held), own_key)

    def upload(content: bytes) -> Any:
        return client.post(reverse("checker", kwargs=where), {"report": SimpleUploadedFile("r.json", content)})

    response = upload(data)
    assert response.status_code == 302
    shown = client.get(response.headers["Location"]).content.decode()
    assert "each page says that you reported it" in shown
    for name, said in (
        ("validate", "Reported by you"),
        ("live", "Reported by the partner"),
    ):
        assert said in client.get(reverse(name, kwargs=where)).content.decode()
    home = client.get(reverse("application", args=[held.application_id])).content.decode()
    assert "reported by the partner" in home
    again = upload(data)
    assert again.status_code == 422
    assert "was accepted before" in again.content.decode()
    assert "This file is larger than 64 KiB" in upload(b" " * 70_000).content.decode()


def test_the_checker_is_downloaded_from_the_applications_page(
    held: CredentialSet, owner: User, signed_in: Callable[[User], Client]
) -> None:
    response = signed_in(owner).get(reverse("checker_download", args=[held.application_id, "sandbox"]))
    assert response.headers["Content-Disposition"] == 'attachment; filename="fleet-check.pyz"'
    assert response.content.startswith(b"#!/usr/bin/env python3\nPK")

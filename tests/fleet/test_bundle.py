"""The support bundle: complete for the car maker's support, and safe to send."""

import base64
import json
import ssl
from datetime import UTC, datetime
from typing import Any

import pytest

from onboarding.fleet.bundle import Case, as_data, as_json, as_text
from onboarding.fleet.checks import Check, Result, Rung, Turn
from onboarding.fleet.evidence import scrub
from onboarding.fleet.target import CredentialMaterial
from tests.fleet.climbing import climb, target_of
from tests.fleet.conftest import FLEETS, MZP, PASSPHRASE, PASSWORD, SECRET
from tests.fleet.servers import answering, over_tls, serving

CASE = Case(
    environment="production",
    started_at="2030-01-01T12:00:00+00:00",
    finished_at="2030-01-01T12:00:02+00:00",
    reference="APP-17",
    programme="fleet_owner",
    mzp=MZP,
    client_id="client-7",
    serial_number="1267",
    host="api.example",
    run="8d3f",
    made_by="Fleet Onboarding 0.1.0",
)
FAILED = Check(
    Rung.ANSWER,
    "no_data",
    Result.FAILED,
    Turn.MAKER,
    {
        "host": "api.example",
        "http_status": 404,
        "code": "40499",
        "uuid": "ab-12",
        "timestamp": "2030-01-01T12:00:01Z",
        "transaction_id": "txn-9",
        "message": "no data for this context",
    },
    41.2,
)


def test_everything_that_support_asks_for_is_in_it() -> None:
    data = as_data(CASE, [FAILED], {"tls_version": "TLSv1.3"})
    assert data["case"]["serial_number"] == "1267"
    assert data["references"] == {
        "code": "40499",
        "uuid": "ab-12",
        "timestamp": "2030-01-01T12:00:01Z",
        "transaction_id": "txn-9",
        "message": "no data for this context",
        "http_status": 404,
    }
    assert data["checks"][0]["ms"] == 41.2
    text = as_text(CASE, [FAILED], {"tls_version": "TLSv1.3"})
    for value in ("APP-17", MZP, "client-7", "1267", "ab-12", "txn-9", "40499", "41 ms", "12:00:02", "car maker"):
        assert value in text


def test_the_json_and_the_text_say_the_same(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    with serving(over_tls(mutual, answering(200, FLEETS))) as server:
        report = climb(material, target_of(server))
    data = json.loads(as_json(CASE, report.checks, report.facts))
    text = as_text(CASE, report.checks, report.facts)
    assert data["result"] == "passed"
    assert data["references"] == {}
    assert [row["code"] for row in data["checks"]] == [check.code for check in report.checks]
    assert all(check.code in text for check in report.checks)


def test_it_is_in_the_readers_language() -> None:
    def french(text: str) -> str:
        return {"failed": "échoué", "car maker": "constructeur", "Checks": "Contrôles"}.get(text, text)

    text = as_text(CASE, [FAILED], {}, translate=french)
    assert "échoué (no_data" in text
    assert "constructeur" in text
    assert "Contrôles" in text


PLANTED = {
    "its own login": PASSWORD,
    "its own secret": SECRET,
    "its own passphrase": PASSPHRASE.decode(),
    "its login as sent": base64.b64encode(f"{MZP}:{PASSWORD}".encode()).decode(),
    "another login": "Authorization: Basic " + base64.b64encode(b"someone:else").decode(),
    "a token": "Bearer eyJhbGciOi.J9eyJzdWIi.OiIxMjM0",
    "a bare token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln",
    "a key": "-----BEGIN PRIVATE KEY----- MIIEvgIBADANBg -----END PRIVATE KEY-----",
    "an encrypted key": "-----BEGIN ENCRYPTED PRIVATE KEY----- MIIFHDBOBgkq",
    "an address": "https://user:hunter2@proxy.example/x",
    "a form": "client_secret=hunter2&password=hunter3&access_token=hunter4",
}
SEEN = ("hunter", "c29tZW9uZTplbHNl", "J9eyJzdWIi", "MIIE", "MIIF", "eyJzdWIiOiIxIn0")


@pytest.mark.parametrize("kind", PLANTED)
def test_no_secret_that_a_server_throws_back_is_in_it(
    material: CredentialMaterial, mutual: ssl.SSLContext, kind: str
) -> None:
    body = {"code": 40499, "message": PLANTED[kind], "uuid": PLANTED[kind], "timestamp": PLANTED[kind]}
    headers = {"X_Global_Transaction_ID": PLANTED[kind].encode("ascii", "ignore").decode(), "Date": "now"}
    with serving(over_tls(mutual, answering(404, body, **headers))) as server:
        report = climb(material, target_of(server), now=datetime.now(UTC))
    for made in (as_text(CASE, report.checks, report.facts), as_json(CASE, report.checks, report.facts)):
        assert "40499" in made
        for secret in (PASSWORD, SECRET, PASSPHRASE.decode(), *SEEN):
            assert secret not in made
            assert json.dumps(secret)[1:-1] not in made


@pytest.mark.parametrize("kind", [kind for kind in PLANTED if "its" not in kind])
def test_what_looks_like_a_secret_is_taken_out_though_nobody_knows_whose_it_is(kind: str) -> None:
    evidence: dict[str, Any] = {**FAILED.evidence, "message": PLANTED[kind]}
    row = Check(Rung.ANSWER, "no_data", Result.FAILED, Turn.MAKER, evidence)
    made = as_json(CASE, [row], {"seen": PLANTED[kind]}) + as_text(CASE, [row], {"seen": PLANTED[kind]})
    assert not [secret for secret in SEEN if secret in made]


@pytest.mark.parametrize(
    "text",
    [
        "Client id or secret invalid",
        "https://api.example/connectedcar/v3",
        "The request did not pass the security checks.",
        "Basic authentication is wanted",
        "C=FR, O=Société, CN=MZP128745",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert scrub(text) == text

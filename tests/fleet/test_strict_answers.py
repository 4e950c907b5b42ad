"""What counts as an answer to a probe: status, media type and shape, by one table; anything else is named."""

import ssl

import pytest
import trustme

from onboarding.fleet.checks import Check, Result, Rung, Turn
from onboarding.fleet.diagnosis import PROBES, Report
from onboarding.fleet.messages import words
from onboarding.fleet.probes import EXPECTED
from onboarding.fleet.target import CredentialMaterial
from onboarding.programmes import PROGRAMMES, profile
from tests.fleet.climbing import GATEWAY_401, by_rung, driver_target, failure, run
from tests.fleet.conftest import context_of
from tests.fleet.servers import http, over_tls, replying, serving

GRANT_REFUSED = http(400, {"error": "invalid_grant"})
BEARER = 'Bearer realm="connectedcar"'


class Driver:
    """Runs of an end user's set, against an API and a token endpoint that send these bytes."""

    def __init__(self, material: CredentialMaterial, mutual: ssl.SSLContext, ordinary: ssl.SSLContext, ca: trustme.CA):
        self._given = material, mutual, ordinary, ca

    def run(self, user: bytes = http(401, GATEWAY_401), token: bytes = GRANT_REFUSED) -> Report:
        material, mutual, ordinary, ca = self._given
        with (
            serving(over_tls(mutual, replying(user))) as api,
            serving(over_tls(ordinary, replying(token))) as token_server,
        ):
            report = run(material, driver_target(api, token_server, ca))
        self.token_calls = token_server.connections
        return report


@pytest.fixture
def driver(
    driver_material: CredentialMaterial, mutual: ssl.SSLContext, server_certificate: trustme.LeafCert, ca: trustme.CA
) -> Driver:
    return Driver(driver_material, mutual, context_of(server_certificate, None), ca)


def test_every_probe_of_every_programme_is_judged_by_the_table() -> None:
    assert set(EXPECTED) == {*PROBES, "capabilities"}
    assert {probe for id_ in PROGRAMMES for probe in profile(id_).probes} <= set(EXPECTED)


@pytest.mark.parametrize(
    "answer",
    [
        http(401, GATEWAY_401),
        http(401, b"", WWW_Authenticate=BEARER),
        http(401, {"error": "invalid_token"}, WWW_Authenticate=BEARER),
        http(400, {"httpCode": "400", "moreInformation": "The request is malformed."}),
        http(403, {"code": 40300, "message": "not yours"}),
        http(200, {"httpCode": "401", "httpMessage": "Unauthorized"}),
        http(200, {"_links": {"self": {"href": "/user"}}, "_embedded": {"Vehicles": []}, "new": 1}),
    ],
)
def test_an_answer_in_the_apis_own_words_is_one_and_says_what_it_does_not_prove(driver: Driver, answer: bytes) -> None:
    report = driver.run(answer)
    check = by_rung(report)[Rung.ANSWER]
    assert (report.result, check.code, check.result) == (Result.PASSED, "user_probe_answered", Result.PASSED)
    assert "neither the client ID, nor a right" in words(check).title
    assert "does not show that a driver can consent" in words(by_rung(report)[Rung.CLIENT_ID]).title


@pytest.mark.parametrize("status", [200, 400, 401, 403])
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_answer"),
        (b" \r\n", "empty_answer"),
        (b"<!doctype html><title>Sign in</title>", "html_answer"),
        (b"unauthorized", "not_json"),
        (b'{"httpCode": "401", "httpMess', "not_json"),
        (b"[]", "wrong_shape"),
        (b'"ok"', "wrong_shape"),
        (b"null", "wrong_shape"),
        (b'{"status": "up"}', "wrong_shape"),
        (b'{"error": {}}', "wrong_shape"),
    ],
)
def test_what_is_not_the_apis_own_answer_proves_nothing_whatever_its_status(
    driver: Driver, status: int, body: bytes, code: str
) -> None:
    report = driver.run(http(status, body))
    check = failure(report)
    assert (check.rung, check.code, check.evidence["basis"]) == (Rung.ANSWER, code, "assumption")
    assert by_rung(report)[Rung.CLIENT_CERTIFICATE].result == Result.PASSED
    assert driver.token_calls == 0  # a secret is not sent on where something else than the API answers


@pytest.mark.parametrize(
    ("answer", "code", "turn"),
    [
        (http(204, b""), "empty_answer", Turn.MAKER),
        (http(302, b"", Location="/login"), "redirected", Turn.OPERATOR),
        (http(404, {"httpCode": "404"}), "wrong_address", Turn.OPERATOR),
        (http(405, b"<html>"), "wrong_address", Turn.OPERATOR),
        (http(418, b"{}"), "unexpected_status", Turn.MAKER),
        (http(401, GATEWAY_401, Content_Length="400"), "answer_cut_off", Turn.NETWORK),
    ],
)
def test_another_status_than_one_of_the_apis_is_named(driver: Driver, answer: bytes, code: str, turn: Turn) -> None:
    check = failure(driver.run(answer))
    assert (check.rung, check.code, check.turn) == (Rung.ANSWER, code, turn)


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        (400, "No client id.", "client_id_missing"),
        (401, "Invalid client id or secret.", "client_id_refused"),
        (401, "The client is not registered to a plan of this API.", "client_not_subscribed"),
        (403, "The client is not registered to a plan of this API.", "client_not_subscribed"),
    ],
)
def test_a_client_id_that_the_api_itself_refuses_is_not_passed_over(
    driver: Driver, status: int, reason: str, code: str
) -> None:
    check = failure(driver.run(http(status, {"httpCode": str(status), "moreInformation": reason})))
    assert (check.rung, check.code) == (Rung.CLIENT_ID, code)


def warning(report: Report, rung: Rung) -> Check:
    check = by_rung(report)[rung]
    assert (report.result, check.result) == (Result.PASSED, Result.WARNING)
    return check


def test_a_refusal_under_another_name_than_json_is_a_warning(driver: Driver) -> None:
    check = warning(driver.run(http(401, GATEWAY_401, Content_Type="text/html")), Rung.ANSWER)
    assert (check.code, "text/html" in words(check).title) == ("unexpected_media_type", True)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (http(404, {"code": 40499, "message": "no data for this context"}), "no_data"),
        (http(500, {"code": 40100, "message": "x"}), "application_unauthorised"),
        (http(500, b"<html>"), "server_error"),
        (http(429, {"httpCode": "429"}), "rate_limited"),
    ],
)
def test_trouble_behind_the_door_is_a_warning_only_where_it_may_pass_or_the_application_tells_of_it(
    driver: Driver, answer: bytes, code: str
) -> None:
    report = driver.run(answer)
    check = by_rung(report)[Rung.ANSWER]
    assert (check.code, check.result) == (
        code,
        Result.FAILED if code == "application_unauthorised" else Result.WARNING,
    )


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (http(200, b""), "empty_answer"),
        (http(200, b"<html>"), "html_answer"),
        (http(200, b'{"access_token": "abc'), "not_json"),
        (http(200, b"{}"), "wrong_shape"),
        (http(200, {"error": "invalid_grant"}), "wrong_shape"),
        (http(200, {"access_token": "t"}), "token_answer_unexpected"),
        (http(400, b""), "empty_answer"),
        (http(400, b"<html>"), "html_answer"),
        (http(401, b"<html>"), "html_answer"),
        (http(400, b'{"error": "invalid_gra'), "not_json"),
        (http(400, b"[]"), "wrong_shape"),
        (http(400, {"error": 7}), "wrong_shape"),
        (http(401, GATEWAY_401), "wrong_shape"),
        (http(403, b""), "forbidden"),
        (http(404, {"error": "invalid_grant"}), "wrong_address"),
        (http(500, {"error": "invalid_grant"}), "server_error"),
        (http(400, {"error": "something_new"}), "bad_request"),
        (http(400, {"error": "invalid_grant"}, Content_Length="400"), "answer_cut_off"),
    ],
)
def test_a_token_endpoints_answer_counts_only_with_its_status_and_shape(
    driver: Driver, answer: bytes, code: str
) -> None:
    check = failure(driver.run(token=answer))
    assert (check.rung, check.code) == (Rung.TOKEN_ENDPOINT, code)


def test_a_token_endpoint_that_does_not_call_its_error_json_is_a_warning(driver: Driver) -> None:
    report = driver.run(token=http(400, {"error": "invalid_grant"}, Content_Type="text/plain"))
    assert warning(report, Rung.TOKEN_ENDPOINT).code == "unexpected_media_type"
    assert by_rung(report)[Rung.CLIENT_ID].code == "client_recognised"

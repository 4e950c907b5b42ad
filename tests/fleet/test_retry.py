"""The one retry policy: what is tried again, after how long, and what never is."""

import ssl
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from random import Random
from typing import Any

import pytest
import trustme

from onboarding.fleet.checks import Check, Result, Rung, ended_in_refusal
from onboarding.fleet.faults import BY_CODE, FAULTS
from onboarding.fleet.messages import words
from onboarding.fleet.retry import POLICY, Failure, Policy, seconds_to_wait
from onboarding.fleet.target import CredentialMaterial
from tests.fleet.climbing import GATEWAY_401, by_rung, climb, driver_target, failure, target_of
from tests.fleet.conftest import FLEETS, context_of
from tests.fleet.servers import Server, answering, http, over_tls, read_request, serving

UNAVAILABLE = BY_CODE["unavailable"]
QUICK = Policy(first_wait=0.02)


def wait(failure: Failure, remaining: float = 30.0, seed: int = 1) -> float | None:
    return seconds_to_wait(failure, remaining=remaining, policy=POLICY, rng=Random(seed))


def test_the_wait_grows_and_is_never_quite_the_same() -> None:
    first = [wait(Failure(UNAVAILABLE, 1, 0.1), seed=seed) for seed in range(50)]
    second = [wait(Failure(UNAVAILABLE, 2, 0.1), seed=seed) for seed in range(50)]
    assert all(one is not None and 0.25 <= one <= 0.75 for one in first)
    assert all(one is not None and 0.5 <= one <= 1.5 for one in second)
    assert len(set(first)) == 50


def test_three_attempts_are_all() -> None:
    assert wait(Failure(UNAVAILABLE, 2, 0.1)) is not None
    assert wait(Failure(UNAVAILABLE, 3, 0.1)) is None


def test_what_the_server_asks_to_wait_is_waited_and_no_less() -> None:
    waited = wait(Failure(UNAVAILABLE, 1, 0.1, retry_after=7))
    assert waited is not None
    assert 7 <= waited <= 7.5


@pytest.mark.parametrize(("retry_after", "took"), [(40, 0.1), (30, 0.1), (None, 30.0), (None, 29.9), (25, 6.0)])
def test_what_cannot_be_done_within_the_deadline_is_not_begun(retry_after: int | None, took: float) -> None:
    assert wait(Failure(UNAVAILABLE, 1, took, retry_after=retry_after), remaining=30) is None


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if not fault.transient], ids=lambda fault: fault.code)
def test_what_is_not_transient_is_not_tried_again(fault: Any) -> None:
    assert wait(Failure(fault, 1, 0.1)) is None


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.transient], ids=lambda fault: fault.code)
def test_a_refusal_is_never_repeated_whatever_its_body_says(fault: Any, status: int) -> None:
    assert wait(Failure(fault, 1, 0.1, status=status, retry_after=1)) is None


# Whole runs


def in_turn(context: ssl.SSLContext, *answers: bytes) -> Callable[..., None]:
    """Answer each connection with the next of these, and those after the last with the last."""

    def talk(server: Server, tls: ssl.SSLSocket) -> None:
        server.requests.append(read_request(tls))
        tls.sendall(answers[min(len(server.requests), len(answers)) - 1])

    return over_tls(context, talk)


def test_what_passes_at_the_second_attempt_passes_and_says_so(
    material: CredentialMaterial, mutual: ssl.SSLContext
) -> None:
    told: list[Check] = []

    def on_check(checks: Sequence[Check]) -> None:
        told.extend(check for check in checks if check.code == "retrying")

    with serving(in_turn(mutual, http(503, b""), http(200, FLEETS))) as server:
        report = climb(material, target_of(server), policy=QUICK, on_check=on_check)
    assert report.result == Result.PASSED
    assert server.connections == 2
    attempts = {check.rung: check.evidence.get("attempt") for check in report.checks}
    assert attempts[Rung.CERTIFICATE] is None
    assert {attempts[rung] for rung in (Rung.NAME_RESOLUTION, Rung.SERVER_TLS, Rung.ANSWER)} == {2}
    assert {(check.rung, check.result, check.evidence["failed_with"]) for check in told} == {
        (Rung.ANSWER, Result.RUNNING, "unavailable")
    }
    assert words(told[0]).title.startswith("That failed in a way that may pass. Attempt 2 begins in ")


def test_what_stays_so_fails_with_the_number_of_its_attempts(
    material: CredentialMaterial, mutual: ssl.SSLContext
) -> None:
    with serving(over_tls(mutual, answering(502, b"<html>"))) as server:
        report = climb(material, target_of(server), policy=QUICK)
    assert (failure(report).code, failure(report).evidence["attempt"]) == ("bad_gateway", 3)
    assert server.connections == 3
    assert by_rung(report)[Rung.SERVER_TLS].result == Result.PASSED


def test_a_connection_that_is_refused_is_tried_three_times(material: CredentialMaterial) -> None:
    def hang_up(server: Server, connection: Any) -> None:
        connection.recv(65536)

    with serving(hang_up) as server:
        report = climb(material, target_of(server), policy=QUICK)
    assert (failure(report).code, server.connections) == ("closed_in_handshake", 3)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, GATEWAY_401),
        (403, {"httpCode": "403"}),
        (401, {"code": 50038, "message": "transient, says the body"}),
        (403, {"httpCode": "503"}),
        (200, {"httpCode": "401"}),
    ],
)
def test_a_refused_login_is_sent_once(
    material: CredentialMaterial, mutual: ssl.SSLContext, status: int, body: dict[str, object]
) -> None:
    with serving(over_tls(mutual, answering(status, body))) as server:
        report = climb(material, target_of(server), policy=QUICK)
    assert report.result == Result.FAILED
    assert len(server.requests) == 1


@pytest.mark.parametrize("as_date", [False, True])
def test_a_server_that_asks_to_wait_too_long_ends_the_run_at_once_and_the_reader_is_told_how_long(
    material: CredentialMaterial, mutual: ssl.SSLContext, as_date: bool
) -> None:
    value = format_datetime(datetime.fromtimestamp(time.time() + 600, UTC), usegmt=True) if as_date else "600"
    started = time.monotonic()
    with serving(over_tls(mutual, answering(429, {"httpCode": "429"}, Retry_After=value))) as server:
        check = failure(climb(material, target_of(server), policy=QUICK))
    assert time.monotonic() - started < 3
    assert (check.code, len(server.requests)) == ("rate_limited", 1)
    assert 598 <= int(check.evidence["retry_after"]) <= 600
    assert words(check).remedy.endswith(f"The server asks to wait {check.evidence['retry_after']} s first.")


def test_a_server_that_asks_to_wait_a_moment_is_given_it(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    busy = http(429, {"httpCode": "429"}, Retry_After="1")
    started = time.monotonic()
    with serving(in_turn(mutual, busy, http(200, FLEETS))) as server:
        report = climb(material, target_of(server), policy=QUICK)
    assert report.result == Result.PASSED
    assert time.monotonic() - started >= 1


def test_the_deadline_holds_over_all_attempts(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    started = time.monotonic()
    with serving(over_tls(mutual, answering(503, b""))) as server:
        report = climb(material, target_of(server), deadline=1.0, policy=Policy(attempts=1000, first_wait=0.3))
    assert failure(report).code == "unavailable"
    assert time.monotonic() - started < 1.5


def test_a_run_that_is_taken_away_while_it_waits_ends(material: CredentialMaterial, mutual: ssl.SSLContext) -> None:
    class TakenAway(Exception):
        pass

    def on_check(checks: Sequence[Check]) -> None:
        if any(check.code == "retrying" for check in checks):
            raise TakenAway

    with serving(over_tls(mutual, answering(503, b""))) as server, pytest.raises(TakenAway):
        climb(material, target_of(server), deadline=30, policy=Policy(first_wait=5), on_check=on_check)


def test_a_token_endpoint_in_trouble_is_asked_again_and_the_api_is_not(
    driver_material: CredentialMaterial, mutual: ssl.SSLContext, server_certificate: trustme.LeafCert, ca: trustme.CA
) -> None:
    answers = http(503, {"error": "temporarily_unavailable"}), http(400, {"error": "invalid_grant"})
    with (
        serving(over_tls(mutual, answering(401, GATEWAY_401))) as api,
        serving(in_turn(context_of(server_certificate, None), *answers)) as token,
    ):
        report = climb(driver_material, driver_target(api, token, ca), policy=QUICK)
    assert report.result == Result.PASSED
    assert (api.connections, token.connections) == (1, 2)
    assert by_rung(report)[Rung.CLIENT_ID].evidence["attempt"] == 2
    assert "attempt" not in by_rung(report)[Rung.SERVER_TLS].evidence


# What must not be repeated by itself


@pytest.mark.parametrize(
    ("check", "refused"),
    [
        (Check(Rung.AUTHENTICATION, "login_refused", Result.FAILED, evidence={"http_status": 401}), True),
        (Check(Rung.ANSWER, "forbidden_page", Result.FAILED, evidence={"http_status": 403}), True),
        (Check(Rung.CLIENT_ID, "client_unrecognised", Result.FAILED, evidence={"http_status": 400}), True),
        (Check(Rung.ANSWER, "unavailable", Result.FAILED, evidence={"http_status": 503}), False),
        (Check(Rung.ANSWER, "user_probe_answered", Result.PASSED, evidence={"http_status": 401}), False),
        (Check(Rung.CAPABILITIES, "capabilities_not_open", Result.WARNING, evidence={"http_status": 403}), False),
        (Check(Rung.TCP_CONNECT, "connection_refused", Result.FAILED), False),
    ],
)
def test_a_run_that_ended_in_a_refusal_is_known_as_such(check: Check, refused: bool) -> None:
    assert ended_in_refusal([check]) is refused

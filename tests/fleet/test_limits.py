"""Calls left, and the time at the server: read off any answer, in either style, and judged."""

import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from onboarding.fleet.checks import Result, Rung, Turn
from onboarding.fleet.limits import Quota, read_quotas, seconds_ahead
from onboarding.fleet.target import CredentialMaterial
from tests.fleet.climbing import GATEWAY_401, by_rung, failure, run, target_of
from tests.fleet.conftest import FLEETS
from tests.fleet.servers import answering, over_tls, serving

NOW = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "quotas"),
    [
        ({}, []),
        (
            {"x-ratelimit-limit-1": "50000", "x-ratelimit-remaining-1": "49999", "x-ratelimit-remaining-2": "0"},
            [Quota("1", 50000, 49999), Quota("2", None, 0)],
        ),
        ({"x-ratelimit-limit": "name=rate-limit-1,150;"}, [Quota("rate-limit-1", 150, None)]),
        (
            {
                "x-ratelimit-limit": "name=rate-limit-1,150; name=rate-limit-2,9;",
                "x-ratelimit-remaining": "name=rate-limit-1,149;",
            },
            [Quota("rate-limit-1", 150, 149), Quota("rate-limit-2", 9, None)],
        ),
        ({"x-ratelimit-limit": "100", "x-ratelimit-remaining": " 7 "}, [Quota("1", 100, 7)]),
        ({"x-ratelimit-remaining-1": "many", "x-ratelimit-remaining-2": "-1", "x-ratelimit-reset": "5"}, []),
        ({"x-ratelimit-remaining-1": "9" * 400}, []),
        ({"x-ratelimit-remaining-1": "²"}, []),
    ],
)
def test_limits_are_read_in_the_documented_style_and_in_the_one_seen(
    headers: dict[str, str], quotas: list[Quota]
) -> None:
    assert list(read_quotas(headers)) == quotas


@pytest.mark.parametrize(
    ("quota", "is_low"),
    [
        (Quota("1", 50000, 5000), True),
        (Quota("1", 50000, 5001), False),
        (Quota("1", None, 0), True),
        (Quota("1", None, 3), False),
        (Quota("1", 150, None), False),
        (Quota("2", 200, 0), False),  # a burst refills within a second
        (Quota("rate-limit-1", 150, 15), True),
    ],
)
def test_little_is_a_tenth(quota: Quota, is_low: bool) -> None:
    assert quota.is_low is is_low


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Tue, 01 Jan 2030 12:00:00 GMT", 0),
        ("Tue, 01 Jan 2030 11:59:58 GMT", 0),  # said while the call was under way
        ("Tue, 01 Jan 2030 12:00:01 GMT", 0),
        ("Tue, 01 Jan 2030 12:05:00 GMT", 300),
        ("Tue, 01 Jan 2030 11:55:00 GMT", -300),
        ("Tue, 01 Jan 2030 12:05:00 -0000", 300),
        ("", None),
        ("now", None),
    ],
)
def test_the_servers_clock_is_compared_with_ours(date: str, ahead: int | None) -> None:
    assert seconds_ahead({"date": date}, NOW, took=1.5) == ahead


@pytest.mark.parametrize(
    ("headers", "code", "result"),
    [
        ({"X_RateLimit_Limit_1": "100", "X_RateLimit_Remaining_1": "90"}, "rate_limits_left", Result.PASSED),
        ({"X_RateLimit_Limit": "name=rate-limit-1,150;"}, "rate_limits_left", Result.PASSED),
        ({"X_RateLimit_Limit_1": "100", "X_RateLimit_Remaining_1": "3"}, "rate_limits_low", Result.WARNING),
        ({}, "rate_limits_not_announced", Result.PASSED),
    ],
)
def test_the_rung_of_rate_limits(
    material: CredentialMaterial, mutual: ssl.SSLContext, headers: dict[str, str], code: str, result: Result
) -> None:
    with serving(over_tls(mutual, answering(200, FLEETS, **headers))) as server:
        report = run(material, target_of(server))
    check = by_rung(report)[Rung.RATE_LIMITS]
    assert (report.result, check.code, check.result) == (Result.PASSED, code, result)


@pytest.mark.parametrize(
    ("minutes", "code", "result"),
    [
        (0, "clocks_agree", Result.PASSED),
        (5, "clock_behind", Result.WARNING),
        (-5, "clock_ahead", Result.WARNING),
        (None, "clock_not_compared", Result.PASSED),
    ],
)
def test_the_rung_of_the_clock(
    material: CredentialMaterial, mutual: ssl.SSLContext, minutes: int | None, code: str, result: Result
) -> None:
    headers = {}
    if minutes is not None:
        headers["Date"] = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    with serving(over_tls(mutual, answering(200, FLEETS, **headers))) as server:
        report = run(material, target_of(server))
    check = by_rung(report)[Rung.CLOCK]
    assert (report.result, check.code, check.result) == (Result.PASSED, code, result)
    if result == Result.WARNING:
        assert check.turn == Turn.OPERATOR
        assert abs(int(check.evidence["seconds"]) - 300) <= 2


def test_what_a_refusal_said_beside_is_shown_though_the_run_has_failed(
    material: CredentialMaterial, mutual: ssl.SSLContext
) -> None:
    late = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    headers = {"Date": late, "X_RateLimit_Limit_1": "100", "X_RateLimit_Remaining_1": "99"}
    with serving(over_tls(mutual, answering(401, GATEWAY_401, **headers))) as server:
        report = run(material, target_of(server))
    assert failure(report).code == "login_refused"
    assert by_rung(report)[Rung.ANSWER].result == Result.NOT_REACHED
    assert by_rung(report)[Rung.CLOCK].code == "clock_behind"
    assert by_rung(report)[Rung.RATE_LIMITS].code == "rate_limits_left"


def test_of_what_a_failed_answer_did_not_say_nothing_is_claimed(
    material: CredentialMaterial, mutual: ssl.SSLContext
) -> None:
    with serving(over_tls(mutual, answering(401, GATEWAY_401))) as server:
        report = run(material, target_of(server))
    assert by_rung(report)[Rung.RATE_LIMITS].result == Result.NOT_REACHED
    assert by_rung(report)[Rung.CLOCK].result == Result.NOT_REACHED


def test_what_is_left_is_said_with_the_limit_and_the_time_it_is_for() -> None:
    assert str(Quota("1", 50_000, 49_999)) == "49999/50000 (24 h)"
    assert str(Quota("2", 200)) == "?/200 (1 s)"
    assert str(Quota("rate-limit-1", None, 149)) == "149/? (rate-limit-1)"

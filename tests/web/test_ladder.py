"""A run's ladder as the page shows it."""

from types import SimpleNamespace
from typing import Any

from onboarding.fleet.checks import Check, Result, Rung, Turn
from onboarding.web.presenting import ladder
from onboarding.web.templatetags.portal import rungs


def shown(*checks: Check) -> list[dict[str, Any]]:
    application = SimpleNamespace(programme="fleet_owner")
    run = SimpleNamespace(
        checks=[check.to_json() for check in checks],
        credential_set=SimpleNamespace(application=application),
        is_open=any(check.result is Result.RUNNING for check in checks),
    )
    return rungs(ladder(run))  # type: ignore[arg-type]


def test_before_a_worker_has_it_the_rungs_to_come_are_there_without_those_that_only_some_runs_have() -> None:
    titles = [row["title"] for row in shown()]
    assert titles[0] == "Everything is here"
    assert titles[-1] == "The clocks agree"
    assert "The proxy lets the call out" not in titles
    assert not any(row["explained"] for row in shown())


def test_the_rungs_of_a_run_are_those_it_climbed() -> None:
    rows = shown(
        Check(Rung.PROXY, "proxy_opened", Result.PASSED, evidence={"proxy": "p:1", "host": "h"}, ms=1.0),
        Check(Rung.ANSWER, "not_reached", Result.NOT_REACHED),
    )
    assert [(row["number"], row["title"]) for row in rows] == [
        (1, "The proxy lets the call out"),
        (2, "The API answers"),
    ]
    assert [row["explained"] for row in rows] == [True, False]


def test_a_run_that_waits_for_a_further_attempt_says_which_and_when() -> None:
    (row,) = shown(
        Check(Rung.ANSWER, "retrying", Result.RUNNING, Turn.MAKER, {"attempt": 2, "seconds": 3, "http_status": 503})
    )
    assert row["open"]
    assert row["explained"]
    assert row["detail"] == "That failed in a way that may pass. Attempt 2 begins in 3 s"
    assert not row["whose"]


def test_a_rung_that_is_being_climbed_explains_nothing_yet() -> None:
    (row,) = shown(Check(Rung.ANSWER, "running", Result.RUNNING, evidence={"attempt": 2}))
    assert not row["explained"]


def test_how_long_to_wait_is_in_the_remedy() -> None:
    evidence = {"host": "h", "http_status": 429, "retry_after": 90}
    (row,) = shown(Check(Rung.ANSWER, "rate_limited", Result.FAILED, Turn.PARTNER, evidence))
    assert row["remedy"].endswith("The server asks to wait 90 s first.")
    assert row["whose"] == "Yours"

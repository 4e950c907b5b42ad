"""Rehearsal and trace check are one machine: what the one says, the other believes; what breaks it, the other names."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.findings import Severity
from onboarding.mobile import rules
from onboarding.mobile.outcomes import hear, render
from onboarding.mobile.rehearsal import Rehearsal
from onboarding.mobile.traces import Checker, check
from tests.mobile.breaking import BREAKS, broken
from tests.mobile.walking import Walk, walk, written

SEEDS = st.integers(0, 10**6)
VERSIONS = st.sampled_from(["2.0", "2.1", "2.2", "2.3"])
PHONES = st.integers(1, 3)

COULD_NOT_BE_BROKEN = 20
"""So many walks are tried before a break counts as one that no walk has a place for."""


def wrong(walked: Walk) -> list[tuple[str, str, object]]:
    report = check(written(walked.lines()))
    return [
        (one.code, str(one.severity), one.params["line"]) for one in report.findings if one.severity != Severity.NOTE
    ]


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, version=VERSIONS, phones=PHONES, trouble=st.sampled_from([0.0, 0.1, 0.3]))
def test_an_app_that_does_as_the_documents_say_is_found_nothing_wrong_with(
    seed: int, version: str, phones: int, trouble: float
) -> None:
    assert wrong(walk(seed, version, phones, trouble)) == []


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, version=VERSIONS, phones=PHONES)
def test_the_trace_check_arrives_where_the_rehearsal_is(seed: int, version: str, phones: int) -> None:
    walked = walk(seed, version, phones)
    checker = Checker()
    for line in written(walked.lines()).splitlines():
        checker.feed(line)
    heard, true = checker.accounts[""].state, walked.world.state
    assert heard.devices == true.devices
    assert heard.listings == true.listings
    assert heard.carkeys == true.carkeys
    for fact in ("phone", "blocked", "pin"):
        assert getattr(heard, fact) in (getattr(true, fact), None)


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_what_is_rendered_is_heard_as_it_was_meant(seed: int) -> None:
    for _call, message, _at in walk(seed).entries:
        outcome = hear(message)
        assert render(outcome, message["transactionId"]).keys() == message.keys()
        assert hear(render(outcome, "x")) == outcome


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_a_rehearsal_survives_its_json_at_every_step(seed: int) -> None:
    world = walk(seed).world
    assert Rehearsal.from_json(world.to_json()) == world


def test_a_walk_without_trouble_arrives_at_the_end_of_the_steps() -> None:
    for version in ("2.0", "2.3"):
        walked = walk(7, version, phones=2, trouble=0)
        assert {device.activated for device in walked.world.state.devices.values()} == {True}
        assert [key.status for key in walked.world.state.carkeys.values()] == ["active"]


def test_each_rule_can_be_broken_by_a_test() -> None:
    assert set(BREAKS) == {*rules.BY_CODE, "error_not_handled", "carkey_not_reactivated"}


@pytest.mark.parametrize("code", BREAKS)
def test_a_walk_that_is_broken_is_named_with_its_line(code: str) -> None:
    shown = 0
    for seed in range(COULD_NOT_BE_BROKEN):
        walked = walk(seed, "2.3" if seed % 3 else "2.2", phones=1 + seed % 3, trouble=0.1 if seed % 2 else 0)
        made = broken(walked.lines(), code, Random(seed))
        if made is None:
            continue
        lines, line = made
        report = check(written(lines))
        assert (code, line) in [(one.code, one.params["line"]) for one in report.findings], seed
        assert not report.clean
        shown += 1
        if shown == 3:
            return
    assert shown, "no walk has a place for this break"

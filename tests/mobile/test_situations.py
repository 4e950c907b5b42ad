"""Each situation of a rehearsal leads to the error that it names, by the calls that it names."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from onboarding.mobile import rehearsal, sdk, situations
from onboarding.mobile.rehearsal import PROVOCATIONS, Means, Rehearsal
from onboarding.mobile.situations import BY_NAME, SITUATIONS, NotYet

NOW = datetime(2030, 1, 1, 8, 0, tzinfo=UTC)
VERSIONS = [".".join(map(str, one)) for one in sdk.VERSIONS]


def made(world: Rehearsal, id_: str, device: str = "A") -> Rehearsal:
    return rehearsal.step(world, situations.call(world, device, id_), NOW)[0]


def until(world: Rehearsal, wanted: str, device: str = "A") -> Rehearsal:
    """Make the calls that are said to be next, until one of them was made."""
    last = ""
    for _ in range(20):
        operation = situations.upcoming(world, device, last)
        assert operation is not None
        world, message = rehearsal.step(world, situations.call(world, device, operation.id), NOW)
        assert message["status"] == "SUCCEEDED", (operation.id, message)
        last = operation.id
        if last == wanted:
            return world
    raise AssertionError(wanted)


def arranged(world: Rehearsal, name: str) -> Rehearsal:
    """Put a world into a situation, after what that needs."""
    try:
        return situations.arrange(world, BY_NAME[name], "A", NOW)
    except NotYet as not_yet:
        on = "B" if name == "foreign_steps_id" else "A"
        return situations.arrange(until(world, not_yet.needs, on), BY_NAME[name], "A", NOW)


def met() -> Iterator[tuple[str, str]]:
    for version in VERSIONS:
        for _title, rows in situations.offered(version):
            yield from ((version, one.id) for one in rows)


@pytest.mark.parametrize(("version", "name"), list(met()))
def test_a_situations_last_call_ends_with_its_error_and_the_others_succeed(version: str, name: str) -> None:
    situation = BY_NAME[name]
    world = arranged(rehearsal.begin(version), name)
    numbers = []
    for call in situation.calls(world, "A"):
        world, message = rehearsal.step(world, call, NOW + timedelta(seconds=situation.seconds))
        numbers.append(message["error"]["code"] if message["status"] == "FAILED" else 0)
    assert numbers == [0] * (len(numbers) - 1) + [situation.number]


def test_each_error_that_has_a_situation_is_one_that_the_rehearsal_can_provoke() -> None:
    wanted = {one.number for one in PROVOCATIONS if one.means != Means.NUMBER}
    assert {one.number for one in SITUATIONS} - {0} == wanted
    assert len(BY_NAME) == len(SITUATIONS)


def test_a_situation_puts_right_what_was_wrong_before() -> None:
    world = situations.arrange(rehearsal.begin(), BY_NAME["offline"], "A", NOW)
    world = situations.arrange(world, BY_NAME["server_down"], "A", NOW)
    assert world.phone("A").online
    assert not world.core.server_up


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_said_to_be_next_leads_to_the_end_of_the_steps_and_through_each_error(version: str) -> None:
    world = until(rehearsal.begin(version), "activate_carkey")
    assert situations.upcoming(world, "A", "activate_carkey") is None
    for name in ("phone_stale", "otp_due", "signed_out", "blocked"):
        world = arranged(world, name)
        for call in BY_NAME[name].calls(world, "A"):
            world, _message = rehearsal.step(world, call, NOW)
        settled, last = 0, ""
        while operation := situations.upcoming(world, "A", last):
            world, message = rehearsal.step(world, situations.call(world, "A", operation.id), NOW)
            last = operation.id if message["status"] == "SUCCEEDED" else ""
            settled += 1
            assert settled < 12, name


def test_every_call_of_the_table_is_in_one_group_and_can_be_filled_in() -> None:
    listed = [one for _title, ids in situations.OPERATION_GROUPS for one in ids]
    assert sorted(listed) == sorted(sdk.BY_ID)
    world = made(until(rehearsal.begin(), "activate_carkey"), "sms_for_pin")
    for one in sdk.OPERATIONS:
        wanted = {parameter.name for parameter in one.takes(sdk.NEWEST) if parameter.required}
        assert set(situations.filled(world, "A", one)) == wanted, one.id

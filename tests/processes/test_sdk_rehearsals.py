"""Rehearsals of the mobile SDK as rows: nothing is lost between two calls, and nothing grows without end."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from onboarding.activation import rehearsing, retention, worlds
from onboarding.activation.models import Rehearsal, RehearsedCall
from onboarding.audit.models import Entry
from onboarding.mobile import rehearsal as pure
from onboarding.mobile.machine import Call
from onboarding.mobile.rehearsal import Core, Phone, TooMany
from onboarding.mobile.sdk import CarKeyStatus
from onboarding.mobile.situations import BY_NAME, NotYet
from onboarding.partners.models import User
from tests.conftest import member
from tests.journey import described
from tests.mobile.walking import ASSOCIATION, PIN, START, walk

LISTING = {"carAssociationID": ASSOCIATION, "resetSteps": False, "stepsStatus": "all"}
STEPS = "pims.subscription.steps"


@pytest.fixture
def begun(owner: User) -> Rehearsal:
    return rehearsing.begin(described(owner), name="First", version="2.3", by=owner, actor=member(owner))


def listed(rehearsal: Rehearsal, device: str = "phone-1") -> tuple[Rehearsal, rehearsing.Made]:
    return rehearsing.call(rehearsal, device, "get", STEPS, LISTING)


NAMES = st.sampled_from(["phone-1", "phone-2", "A"])
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**6), 10**6), st.text(st.characters(codec="utf-8"), max_size=9)
)
CALLS = st.tuples(
    NAMES,
    st.sampled_from(["get", "set", "subscribe", "unsubscribe"]),
    st.sampled_from([STEPS, "pims.subscription.step", "pims.vehicle.carkey", "pims.vehicle.vin", "pims.other"]),
    st.dictionaries(st.sampled_from(["stepsID", "vin", "carAssociationID", "resetSteps", "stepsStatus"]), VALUES),
)


def as_json_keeps_it(world: pure.Rehearsal) -> Any:
    return json.loads(json.dumps(worlds.dump(world)))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["2.0", "2.3"]), st.sampled_from([0.0, 0.4]))
def test_a_world_is_read_back_as_it_was_wherever_a_walk_leads(seed: int, version: str, trouble: float) -> None:
    world = walk(seed, version, trouble=trouble, calls=40).world
    assert worlds.load(as_json_keeps_it(world)) == world


@settings(max_examples=25, deadline=None)
@given(
    st.lists(CALLS, max_size=6),
    st.builds(Core, *[st.booleans()] * len(Core.__dataclass_fields__)),
    st.builds(Phone, *[st.booleans()] * len(Phone.__dataclass_fields__)),
)
def test_a_world_is_read_back_whatever_was_called_in_it(
    calls: list[tuple[str, str, str, dict[str, Any]]], core: Core, phone: Phone
) -> None:
    world = pure.Rehearsal(core=core, phones={"A": phone})
    for device, method, api, parameters in calls:
        world, _message = pure.step(world, Call.of(device, method, api, parameters), START)
    assert worlds.load(as_json_keeps_it(world)) == world


@pytest.mark.parametrize(
    "kept", [{}, {"format": 2, "world": {}}, {"format": 1}, {"format": 1, "world": {"x": 1}}, [], 7]
)
def test_what_is_no_world_is_said_to_be_none(kept: Any) -> None:
    with pytest.raises(worlds.Unreadable):
        worlds.load(kept)


def test_a_world_that_grew_too_large_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worlds, "MAX_BYTES", 100)
    with pytest.raises(worlds.TooLarge):
        worlds.dump(pure.begin())


def test_a_call_is_answered_and_kept_with_what_the_sdk_said(begun: Rehearsal) -> None:
    changed, made = listed(begun)
    assert made.message["status"] == "SUCCEEDED"
    kept = RehearsedCall.objects.get()
    assert (kept.number, kept.operation, kept.asked["api"], kept.code) == (1, "steps_first", STEPS, 0)
    assert kept.answered["message"]["result"].keys() == made.message["result"].keys()
    assert (changed.calls, changed.revision) == (1, 1)


def test_secrets_are_masked_in_what_is_kept(begun: Rehearsal) -> None:
    rehearsing.call(begun, "phone-1", "set", "pims.authentication.enrollment", {"action": "enroll", "pinCode": "9731"})
    assert "9731" not in json.dumps(list(rehearsing.trace(begun)))


def test_two_calls_at_once_are_made_one_after_the_other(begun: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    step, once = pure.step, [True]

    def interrupted(world: pure.Rehearsal, call: Call, now: Any) -> Any:
        if once.pop() if once else False:  # another phone is quicker, after this one has read the row
            listed(begun, "phone-2")
        return step(world, call, now)

    monkeypatch.setattr("onboarding.activation.rehearsing.pure.step", interrupted)
    changed, _made = listed(begun, "phone-1")
    assert [one.asked["device"] for one in changed.log.all()] == ["phone-2", "phone-1"]
    world = worlds.load(changed.world)
    assert {one.device for one in world.state.listings.values()} == {"phone-1", "phone-2"}
    assert (changed.calls, changed.revision) == (2, 2)


def test_who_never_gets_through_is_told_so(begun: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    step = pure.step

    def always(world: pure.Rehearsal, call: Call, now: Any) -> Any:
        Rehearsal.objects.filter(pk=begun.pk).update(revision=Rehearsal.objects.get(pk=begun.pk).revision + 1)
        return step(world, call, now)

    monkeypatch.setattr("onboarding.activation.rehearsing.pure.step", always)
    with pytest.raises(rehearsing.Busy):
        listed(begun)
    assert not RehearsedCall.objects.exists()


def test_after_so_many_calls_a_rehearsal_wants_a_reset(begun: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsing, "MAX_CALLS", 2)
    listed(begun)
    listed(begun)
    with pytest.raises(rehearsing.LogFull):
        listed(begun)
    again = rehearsing.reset(begun)
    assert (again.calls, again.log.count()) == (0, 0)
    assert listed(again)[0].calls == 1


def test_a_reset_begins_anew_whatever_is_kept(begun: Rehearsal) -> None:
    rehearsing.wait(begun, 600)
    Rehearsal.objects.update(world={"of": "another version"})
    with pytest.raises(worlds.Unreadable):
        listed(begun)
    again = rehearsing.reset(begun)
    assert again.ahead == 0
    assert set(worlds.load(again.world).phones) == {"phone-1"}


def test_an_application_has_a_few_rehearsals_at_a_time(owner: User) -> None:
    application = described(owner)
    asked: Mapping[str, Any] = {"version": "2.3", "by": owner, "actor": member(owner)}
    first = rehearsing.begin(application, name="0", **asked)
    assert rehearsing.begin(application, name="0", id_=first.pk, **asked) == first  # a double click
    for number in range(1, rehearsing.MOST):
        rehearsing.begin(application, name=str(number), **asked)
    with pytest.raises(rehearsing.TooManyRehearsals):
        rehearsing.begin(application, name="one more", **asked)
    rehearsing.end(first, actor=member(owner))
    rehearsing.end(first, actor=member(owner))
    rehearsing.begin(application, name="again", **asked)
    assert Entry.objects.filter(event="sdk_rehearsal:ended").count() == 1


def test_a_rehearsal_has_room_for_so_many_phones(begun: Rehearsal) -> None:
    for number in range(2, pure.MAX_DEVICES + 1):
        begun = rehearsing.add_phone(begun, f"phone-{number}")
    with pytest.raises(TooMany):
        rehearsing.add_phone(begun, "one more")
    with pytest.raises(TooMany):
        listed(begun, "one more")


def test_switches_are_set_all_or_none(begun: Rehearsal) -> None:
    with pytest.raises(rehearsing.UnknownSwitch):
        rehearsing.switch(begun, phones={"phone-1": {"online": False, "warp": True}})
    assert worlds.load(Rehearsal.objects.get().world).phone("phone-1").online
    changed = rehearsing.switch(
        begun,
        phones={"phone-1": {"online": False}},
        core={"server_up": False},
        blocked=True,
        carkey=CarKeyStatus.SUSPENDED,
    )
    world = worlds.load(changed.world)
    assert not world.phone("phone-1").online
    assert not world.core.server_up
    assert world.state.blocked
    assert [(one.status, bool(one.until)) for one in world.state.carkeys.values()] == [("suspended", True)]


def test_time_passes_when_it_is_told_to_and_not_without_end(begun: Rehearsal) -> None:
    changed = rehearsing.wait(begun, 600)
    assert rehearsing.clock(changed) - timezone.now() > timedelta(seconds=590)
    with pytest.raises(rehearsing.TooFarAhead):
        rehearsing.wait(begun, rehearsing.MAX_AHEAD)


def test_a_situation_that_wants_something_first_says_what(begun: Rehearsal) -> None:
    with pytest.raises(NotYet) as refused:
        rehearsing.provoke(begun, BY_NAME["expired_code"], "phone-1")
    assert refused.value.needs == "sms_for_phone"
    asked = {"type": "phoneNumberCertification", "phoneNumber": "0612345678"}
    rehearsing.call(begun, "phone-1", "get", "pims.authentication.smscode", asked)
    changed, calls = rehearsing.provoke(begun, BY_NAME["expired_code"], "phone-1")
    _row, made = rehearsing.call(changed, "phone-1", calls[0].method, calls[0].api, calls[0].parameters)
    assert made.message["error"]["code"] == 2306


def test_a_number_that_is_no_error_of_the_sdk_is_not_provoked(begun: Rehearsal) -> None:
    with pytest.raises(rehearsing.UnknownNumber):
        rehearsing.force(begun, 1)


def test_a_token_is_kept_as_a_hash_and_a_new_one_takes_its_place(begun: Rehearsal, owner: User) -> None:
    first = rehearsing.make_token(begun, actor=member(owner))
    assert first not in json.dumps(list(Rehearsal.objects.values()), default=str)
    assert rehearsing.by_token(first) == begun
    second = rehearsing.make_token(begun, actor=member(owner))
    assert rehearsing.by_token(first) is None
    assert rehearsing.by_token(second) == begun
    assert rehearsing.by_token("") is None


def test_a_rehearsal_that_nobody_uses_is_deleted_with_its_calls(begun: Rehearsal) -> None:
    listed(begun)
    Rehearsal.objects.update(used_at=timezone.now() - timedelta(days=29))
    assert retention.delete_old() == 0
    Rehearsal.objects.update(used_at=timezone.now() - timedelta(days=31))
    assert retention.delete_old() == 1
    assert not RehearsedCall.objects.exists()
    with pytest.raises(rehearsing.Gone):
        listed(begun)


def test_the_pin_that_was_set_is_the_one_that_counts(begun: Rehearsal) -> None:
    """The world is kept from call to call: what one call sets another asks for."""
    asked = {"type": "phoneNumberCertification", "phoneNumber": "0612345678"}
    row, _made = rehearsing.call(begun, "phone-1", "get", "pims.authentication.smscode", asked)
    code = worlds.load(row.world).inbox[-1].code
    short = {"action": "enrollWithPhoneNumber", "pinCode": PIN, "smsCode": code, "phoneNumber": "0612345678"}
    rehearsing.call(begun, "phone-1", "set", "pims.authentication.enrollment", short)
    otps = [
        rehearsing.call(begun, "phone-1", "get", "pims.authentication.otp", {"action": "withPIN", "pinCode": pin})[1]
        for pin in ("0000", PIN)
    ]
    assert [one.kept.code for one in otps] == [2308, 0]

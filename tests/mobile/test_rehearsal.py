"""The simulated SDK answers every documented call, and fails in every documented way."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onboarding.mobile import rehearsal
from onboarding.mobile.errors import BY_NUMBER, ERRORS
from onboarding.mobile.machine import Call, CarKey
from onboarding.mobile.reading import read
from onboarding.mobile.rehearsal import MAX_DEVICES, PROVOCATIONS, SMS_SECONDS, Core, Means, Rehearsal, TooMany
from onboarding.mobile.sdk import OPERATIONS, STEPS_STATUS, VERSIONS
from tests.mobile.walking import ASSOCIATION, NUMBER, PIN, VIN

NOW = datetime(2030, 1, 1, 8, 0, tzinfo=UTC)
LISTING = {"resetSteps": False, "stepsStatus": "all"}


class Sdk:
    """A rehearsal to call, with what the person at the phone would type filled in."""

    def __init__(self, version: str = "2.3", **values: Any) -> None:
        self.world = rehearsal.begin(version, **values)
        self.now = NOW

    def call(self, method: str, api: str, device: str = "A", **parameters: Any) -> dict[str, Any]:
        self.world, message = rehearsal.step(self.world, Call.of(device, method, api, parameters), self.now)
        return message

    def result(self, *args: Any, **parameters: Any) -> Any:
        message = self.call(*args, **parameters)
        assert message["status"] == "SUCCEEDED", message
        return message["result"]

    def code(self, *args: Any, **parameters: Any) -> int:
        message = self.call(*args, **parameters)
        return message["error"]["code"] if message["status"] == "FAILED" else 0

    @property
    def sms(self) -> str:
        return self.world.inbox[-1].code

    def listed(self, device: str = "A", **parameters: Any) -> str:
        asked = {"carAssociationID": ASSOCIATION, **LISTING, **parameters}
        return str(self.result("get", "pims.subscription.steps", device, **asked)["stepsID"])

    def statuses(self, steps_id: str, device: str = "A", **parameters: Any) -> list[str]:
        asked = {"stepsID": steps_id, **LISTING, **parameters}
        result = self.result("get", "pims.subscription.steps", device, **asked)
        return [step["status"] for name, step in result.items() if name != "stepsID"]

    def register(self, device: str = "A") -> None:
        self.result("get", "pims.authentication.smscode", device, type="phoneNumberCertification", phoneNumber=NUMBER)
        added = {"type": "addPhoneNumber", "smsCode": self.sms, "phoneNumber": NUMBER}
        self.result("set", "pims.authentication.smscode", device, **added)

    def enrol(self, device: str = "A") -> None:
        self.result("get", "pims.authentication.smscode", device, type="enrollment")
        self.result("set", "pims.authentication.smscode", device, action="enrollment", smsCode=self.sms)
        self.result("set", "pims.authentication.enrollment", device, action="enroll", pinCode=PIN)

    def select(self, device: str = "A") -> None:
        self.result("set", "pims.vehicle.vin", device, vin=VIN)

    def otp(self, device: str = "A", pin: str = PIN) -> int:
        return self.code("get", "pims.authentication.otp", device, action="withPIN", pinCode=pin)


@pytest.fixture
def sdk() -> Sdk:
    return Sdk()


@pytest.fixture
def enrolled(sdk: Sdk) -> Sdk:
    sdk.listed()
    sdk.register()
    sdk.enrol()
    return sdk


def test_the_steps_are_done_one_after_another_and_then_none_is_left(sdk: Sdk) -> None:
    steps_id = sdk.listed()
    upcoming = []
    for do in (sdk.register, sdk.enrol, sdk.select, lambda: sdk.result("set", "pims.vehicle.carkey")):
        upcoming.append(sdk.result("get", "pims.subscription.step", stepsID=steps_id))
        do()
    names = [next(iter(step)) for step in upcoming]
    assert names == ["trustedPhone", "deviceActivation", "mediumCarKey", "mediumCarKey"]
    assert [step[name]["order"] for step, name in zip(upcoming, names, strict=True)] == [1, 1, 1, 1]
    assert sdk.result("get", "pims.subscription.step", stepsID=steps_id) is None
    assert sdk.statuses(steps_id) == ["alreadyDone"] * 3


def test_the_short_way_registers_and_enrols_in_one_call() -> None:
    sdk = Sdk("2.1")
    steps_id = sdk.listed()
    sdk.result("get", "pims.authentication.smscode", type="phoneNumberCertification", phoneNumber=NUMBER)
    short = {"action": "enrollWithPhoneNumber", "pinCode": PIN, "smsCode": sdk.sms, "phoneNumber": NUMBER}
    assert sdk.result("set", "pims.authentication.enrollment", **short) is None
    assert sdk.statuses(steps_id) == ["alreadyDone", "alreadyDone", "todo"]
    assert sdk.code("set", "pims.authentication.enrollment", **short) == 2390


@pytest.mark.parametrize("wanted", STEPS_STATUS)
def test_a_list_can_be_filtered_by_status(sdk: Sdk, wanted: str) -> None:
    steps_id = sdk.listed()
    sdk.register()
    expected = {"todo": ["todo", "todo"], "alreadyDone": ["alreadyDone"], "all": ["alreadyDone", "todo", "todo"]}
    assert sdk.statuses(steps_id, stepsStatus=wanted) == expected[wanted]


def test_each_phone_has_a_steps_id_of_its_own(sdk: Sdk) -> None:
    first, second = sdk.listed("A"), sdk.listed("B")
    assert first != second
    assert sdk.listed("A") == first
    assert sdk.code("get", "pims.subscription.step", "B", stepsID=first) == 2346
    assert sdk.code("get", "pims.subscription.step", "B", stepsID=second) == 0


def test_a_done_step_stays_done_until_the_steps_are_reset(enrolled: Sdk) -> None:
    sdk = enrolled
    steps_id = sdk.listed("A")
    sdk.listed("B")
    sdk.result("set", "pims.authentication.enrollment", "B", action="remove")
    assert sdk.statuses(steps_id) == ["alreadyDone", "alreadyDone", "todo"]
    assert sdk.otp() == 2312
    assert sdk.statuses(steps_id, resetSteps=True) == ["alreadyDone", "todo", "todo"]
    sdk.enrol()
    assert sdk.otp() == 0


def test_a_stale_phone_is_mended_by_a_reset(enrolled: Sdk) -> None:
    enrolled.world = enrolled.world.switch("A", stale=True)
    steps_id = enrolled.listed()
    assert enrolled.otp() == 2317
    enrolled.statuses(steps_id, resetSteps=True)
    assert enrolled.otp() == 0


def test_three_wrong_pins_block_the_account_until_all_enrolments_are_removed(enrolled: Sdk) -> None:
    blocked = {"actionType": "strong", "type": "isAccountBlocked"}
    assert [enrolled.otp(pin="9999") for _ in range(3)] == [2308, 2308, 2308]
    assert enrolled.otp() == 2310
    assert enrolled.result("get", "pims.authentication.account", **blocked) == {"isAccountBlocked": "PinBlocked"}
    enrolled.result("get", "pims.authentication.smscode", type="enrollment")
    assert enrolled.code("set", "pims.authentication.smscode", action="enrollment", smsCode=enrolled.sms) == 2317
    enrolled.result("set", "pims.authentication.enrollment", action="remove")
    assert enrolled.result("get", "pims.authentication.account", **blocked) == {"isAccountBlocked": "NotBlocked"}
    enrolled.enrol()
    assert enrolled.otp() == 0


def test_a_pin_can_be_reset_by_sms_and_changed(enrolled: Sdk) -> None:
    enrolled.result("get", "pims.authentication.smscode", type="resetPIN")
    enrolled.result("set", "pims.authentication.pincode", action="reset", pinCode="4321", smsCode=enrolled.sms)
    assert (enrolled.otp(), enrolled.otp(pin="4321")) == (2308, 0)
    assert enrolled.code("set", "pims.authentication.pincode", action="update", oldPIN="4321", newPIN="4321") == 2315
    enrolled.result("set", "pims.authentication.pincode", action="update", oldPIN="4321", newPIN=PIN)
    assert enrolled.otp() == 0


def test_an_sms_code_is_good_for_a_while_and_for_one_thing(enrolled: Sdk) -> None:
    enrolled.result("get", "pims.authentication.smscode", type="enrollment")
    check = {"action": "enrollment", "smsCode": enrolled.sms}
    enrolled.now += timedelta(seconds=SMS_SECONDS)
    assert enrolled.code("set", "pims.authentication.smscode", **check) == 2306
    enrolled.now -= timedelta(seconds=1)
    assert enrolled.code("set", "pims.authentication.smscode", action="enrollment", smsCode="0") == 2305
    assert enrolled.result("set", "pims.authentication.smscode", **check) == {"status": "AlreadyEnrolled"}


@pytest.mark.parametrize("status", ["unknown", "active", "suspended", "disabled"])
@pytest.mark.parametrize("version", ["2.2", "2.3"])
def test_the_status_of_a_carkey_is_told_in_each_version(status: str, version: str) -> None:
    until = (NOW + timedelta(days=3)).isoformat() if status == "suspended" else ""
    sdk = Sdk(version)
    sdk.world = replace(sdk.world, state=replace(sdk.world.state, carkeys={VIN[-4:]: CarKey(status, until=until)}))
    if version == "2.3":
        assert sdk.code("get", "pims.vehicle.carkey") == 2006
        sdk.select()
        told = sdk.call("get", "pims.vehicle.carkey")
    else:
        assert sdk.code("get", "pims.vehicle.carkey") == 2101
        told = sdk.call("get", "pims.vehicle.carkey", vin=VIN)
    assert told["result"]["cvsStatus"] == status
    assert told["result"]["isCarKeyVerified"] == ("true" if status == "active" else "false")
    assert (told["result"]["maxReactivationDate"] is not None) == (status == "suspended")
    meaning = read(str(told), NOW).meaning
    assert meaning is not None
    assert meaning.code == f"carkey_{status}"


def test_a_suspended_carkey_that_is_activated_is_active() -> None:
    sdk = Sdk()
    sdk.world = replace(sdk.world, state=replace(sdk.world.state, carkeys={VIN[-4:]: CarKey("suspended")}))
    sdk.select()
    assert sdk.result("set", "pims.vehicle.carkey")["hasCarKey"] == "true"
    assert sdk.result("get", "pims.vehicle.carkey")["cvsStatus"] == "active"


def test_a_call_that_a_version_does_not_have_is_refused() -> None:
    assert Sdk("2.2").code("set", "pims.vehicle.vin", vin=VIN) == 2002
    assert Sdk("2.0").code("set", "pims.authentication.enrollment", action="enrollWithPhoneNumber") != 0
    assert Sdk().code("get", "pims.no.such") == 2002


SWITCHED = [one for one in PROVOCATIONS if one.means in (Means.PHONE, Means.CORE)]


@pytest.mark.parametrize("one", SWITCHED, ids=lambda one: f"{one.number}-{next(iter(one.switches))}")
def test_a_switch_provokes_its_error_and_switching_back_ends_it(one: rehearsal.Provocation, enrolled: Sdk) -> None:
    enrolled.select()
    good = enrolled.world
    if one.means == Means.PHONE:
        enrolled.world = good.switch("A", **one.switches)
    else:
        enrolled.world = replace(good, core=Core(**one.switches))
    asked = {2312: enrolled.otp, 2317: enrolled.otp}.get(
        one.number, lambda: enrolled.code("set", "pims.vehicle.carkey")
    )
    assert asked() == one.number
    enrolled.world = good
    assert asked() == 0


def _by_a_second_subscription(sdk: Sdk) -> int:
    return [sdk.code("subscribe", "pims.vehicle.signal") for _ in range(2)][1]


def _by_another_phones_list(sdk: Sdk) -> int:
    sdk.listed("B")
    return sdk.code("get", "pims.subscription.step", "B", stepsID=sdk.listed("A"))


def _by_a_late_code(sdk: Sdk) -> int:
    sdk.result("get", "pims.authentication.smscode", type="enrollment")
    sdk.now += timedelta(seconds=SMS_SECONDS)
    return sdk.code("set", "pims.authentication.smscode", action="enrollment", smsCode=sdk.sms)


BY_CALLS: dict[int, Callable[[Sdk], int]] = {
    2002: lambda sdk: sdk.code("get", "pims.vehicle.vin"),
    2005: _by_a_second_subscription,
    2101: lambda sdk: sdk.code("get", "pims.subscription.step"),
    2102: lambda sdk: sdk.code("get", "pims.subscription.steps", carAssociationID="1", **LISTING),
    2305: lambda sdk: sdk.code("set", "pims.authentication.smscode", action="enrollment", smsCode="0"),
    2306: _by_a_late_code,
    2307: lambda _sdk: Sdk().code("get", "pims.authentication.smscode", type="enrollment"),
    2308: lambda sdk: sdk.otp(pin="0"),
    2310: lambda sdk: [sdk.otp(pin="0") for _ in range(4)][3],
    2315: lambda sdk: sdk.code("set", "pims.authentication.pincode", action="update", oldPIN=PIN, newPIN=PIN),
    2346: _by_another_phones_list,
    2366: lambda sdk: sdk.code("set", "pims.vehicle.vin", vin="VF3SANDBX00000001"),
    2390: lambda sdk: sdk.code(
        "set", "pims.authentication.smscode", type="addPhoneNumber", smsCode=sdk.sms, phoneNumber=NUMBER
    ),
}


@pytest.mark.parametrize("number", BY_CALLS)
def test_what_an_app_does_wrong_provokes_its_error(number: int, enrolled: Sdk) -> None:
    assert BY_CALLS[number](enrolled) == number


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.number)
def test_each_error_is_provoked_by_its_number_once(error: Any, enrolled: Sdk) -> None:
    steps_id = enrolled.listed()
    enrolled.world = replace(enrolled.world, forced=error.number)
    assert enrolled.code("get", "pims.subscription.step", stepsID=steps_id) == error.number
    assert enrolled.code("get", "pims.subscription.step", stepsID=steps_id) == 0


def test_each_documented_error_has_a_way_to_provoke_it_that_a_test_goes() -> None:
    documented = {number for operation in OPERATIONS for number in operation.errors} | set(BY_NUMBER)
    assert documented == {one.number for one in PROVOCATIONS} == set(BY_NUMBER)
    assert {one.number for one in PROVOCATIONS if one.means == Means.CALL} == set(BY_CALLS)


def test_an_error_that_a_switch_or_an_app_provokes_is_documented_for_some_call() -> None:
    documented = {number for operation in OPERATIONS for number in operation.errors}
    assert {one.number for one in PROVOCATIONS if one.means != Means.NUMBER} - documented <= {2002, 2005, 2301, 2302}


def test_the_same_rehearsal_gives_the_same_codes_and_another_seed_others() -> None:
    def codes(seed: int) -> tuple[str, str]:
        sdk = Sdk(seed=seed)
        steps_id = sdk.listed()
        sdk.register()
        return steps_id, sdk.sms

    assert codes(1) == codes(1)
    assert codes(1) != codes(2)


def test_a_rehearsal_stays_small_whatever_is_sent_to_it(sdk: Sdk) -> None:
    for number in range(MAX_DEVICES):
        sdk.listed(f"phone {number}")
    with pytest.raises(TooMany):
        sdk.listed("one more")
    with pytest.raises(TooMany):
        sdk.call("get", "x" * 1000)
    for _ in range(200):
        sdk.call("get", "pims.authentication.smscode", "phone 1", type="phoneNumberCertification", phoneNumber=NUMBER)
        sdk.call("get", "pims.vehicle.other", "phone 1")
    assert len(str(sdk.world.to_json())) < 20_000


def test_a_version_that_does_not_exist_is_no_rehearsal() -> None:
    assert [rehearsal.begin(".".join(map(str, one))).version for one in VERSIONS] == ["2.0", "2.1", "2.2", "2.3"]
    with pytest.raises(ValueError, match=r"1\.9"):
        rehearsal.begin("1.9")


def test_a_message_of_a_rehearsal_is_one_that_the_reader_finds_nothing_wrong_with(enrolled: Sdk) -> None:
    enrolled.select()
    for message in (
        enrolled.call("get", "pims.subscription.steps", carAssociationID=ASSOCIATION, **LISTING),
        enrolled.call("get", "pims.vehicle.carkey"),
        enrolled.call("set", "pims.vehicle.carkey"),
        enrolled.call("get", "pims.subscription.step", stepsID="1"),
    ):
        assert read(str(message)).readable


def test_a_rehearsal_is_a_plain_value(enrolled: Sdk) -> None:
    assert Rehearsal.from_json(enrolled.world.to_json()) == enrolled.world

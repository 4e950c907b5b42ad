"""An app that does as the documents say, and walks of it through a rehearsal, recorded as a trace.

The app knows nothing of our tables or of the machine: it is written from the documents alone, and reads messages by
itself, so that neither judges itself.
"""

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from onboarding.mobile import rehearsal
from onboarding.mobile.machine import Call
from onboarding.mobile.rehearsal import Core, Phone, Rehearsal
from onboarding.mobile.traces import record

START = datetime(2030, 1, 1, 8, 0, tzinfo=UTC)
ASSOCIATION = "987654"
VIN = "VR1AB12C3D4567890"
NUMBER = "0612345678"
PIN = "1234"

STEPS = "pims.subscription.steps"
NEXT = "pims.subscription.step"
SMS = "pims.authentication.smscode"
ENROLMENT = "pims.authentication.enrollment"
OTP = "pims.authentication.otp"
CARKEY = "pims.vehicle.carkey"

Message = dict[str, Any]
Request = tuple[str, str, dict[str, Any]]
App = Generator[Request | Callable[[Rehearsal], Rehearsal], Any, None]


class GivesUp(Exception):
    """The app shows an error to the person and stops."""


@dataclass
class Walk:
    """A rehearsal under way, and the trace that is recorded of it. entries: a call, its message, and when."""

    world: Rehearsal
    now: datetime = START
    entries: list[tuple[Call, Message, datetime]] = field(default_factory=list)

    def make(self, device: str, method: str, api: str, parameters: dict[str, Any]) -> Message:
        """Make a call, and record it."""
        self.now += timedelta(seconds=7)
        call = Call.of(device, method, api, parameters)
        self.world, message = rehearsal.step(self.world, call, self.now)
        self.entries.append((call, message, self.now))
        return message

    def lines(self) -> list[dict[str, Any]]:
        """Return the trace as the recorder writes it."""
        header: dict[str, Any] = {"trace": 1, "sdk": self.world.version}
        rows = [
            line
            for number, (call, message, at) in enumerate(self.entries, start=1)
            for line in record(call, message, at, number)
        ]
        return [header, *rows]


def written(lines: list[dict[str, Any]]) -> bytes:
    """Return lines as a trace."""
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def error(message: Message) -> int:
    """Return the code of a message's error, 0 where it succeeded."""
    return message["error"]["code"] if message["status"] == "FAILED" else 0


def all_well(device: str) -> Callable[[Rehearsal], Rehearsal]:
    """The person puts everything right."""
    return lambda world: replace(
        world, core=Core(), phones={**world.phones, device: Phone(stale=world.phone(device).stale)}
    )


class Guide:
    """The app on one phone: one method for each thing that the documents describe. Methods are generators of calls."""

    def __init__(self, device: str, version: str) -> None:
        self.device = device
        self.new = version == "2.3"
        self.steps_id = ""

    def sure(self, method: str, api: str, **parameters: Any) -> App:
        """Make a call, and handle whatever the documents say of its error, up to five times; return the message."""
        for _attempt in range(5):
            message = yield method, api, parameters
            code = error(message)
            if not code:
                return message
            if code == 2317 and api in (ENROLMENT, SMS):
                raise _BeginAnew
            if code == 2310:
                raise _BeginAnew
            if code in (2312, 2317):
                yield from self.reset()
                raise _StepsChanged
            if code == 2301:
                yield from self.sure("set", "pims.authentication.user", action="login")
            elif code == 2302:
                yield from self.sure("get", OTP, action="withPIN", pinCode=PIN)
            elif code == 2307:
                yield from self.trusted_phone()
            elif code in (2306, 2305):
                raise _NewCode
            elif code in (2201, 2202, 2203, 2204, 2205, 2000, 2308, 2341, 2342, 2354, 2355, 2356):
                yield all_well(self.device)
            else:  # the app or its configuration is wrong; the same call would fail again
                raise GivesUp
        raise GivesUp

    def list(self) -> App:
        message = yield from self.sure("get", STEPS, carAssociationID=ASSOCIATION, resetSteps=False, stepsStatus="all")
        self.steps_id = str(message["result"]["stepsID"])

    def reset(self) -> App:
        yield from self.sure("get", STEPS, stepsID=self.steps_id, resetSteps=True, stepsStatus="all")

    def next(self) -> App:
        message = yield from self.sure("get", NEXT, stepsID=self.steps_id)
        return next(iter(message["result"])) if message["result"] else None

    def code(self, **parameters: str) -> App:
        yield from self.sure("get", SMS, **parameters)
        return (yield lambda world: world).inbox[-1].code

    def trusted_phone(self) -> App:
        for _attempt in range(3):
            code = yield from self.code(type="phoneNumberCertification", phoneNumber=NUMBER)
            try:
                message = yield "set", SMS, {"type": "addPhoneNumber", "smsCode": code, "phoneNumber": NUMBER}
                if error(message) in (2305, 2306):
                    raise _NewCode
                if error(message) not in (0, 2390):
                    raise GivesUp
                return
            except _NewCode:
                continue
        raise GivesUp

    def device_activation(self) -> App:
        for _attempt in range(3):
            try:
                code = yield from self.code(type="enrollment")
                yield from self.sure("set", SMS, action="enrollment", smsCode=code)
                yield from self.sure("set", ENROLMENT, action="enroll", pinCode=PIN)
                return
            except _NewCode:
                continue
        raise GivesUp

    def carkey(self) -> App:
        if self.new:
            yield from self.sure("set", "pims.vehicle.vin", vin=VIN)
        parameters = {} if self.new else {"vin": VIN}
        message = yield from self.sure("get", CARKEY, **parameters)
        if message["result"]["cvsStatus"] != "active":
            yield from self.sure("set", CARKEY)

    def onboard(self) -> App:
        """Walk the steps to their end, then prove them with an OTP; after a reset, try that once more."""
        yield from self.list()
        proven, resets = False, 0
        while not proven or (yield from self.next()):
            try:
                step = yield from self.next()
                if step == "trustedPhone":
                    yield from self.trusted_phone()
                elif step == "deviceActivation":
                    yield from self.device_activation()
                elif step == "mediumCarKey":
                    yield from self.carkey()
                else:
                    yield from self.sure("get", OTP, action="withPIN", pinCode=PIN)
                    proven = True
            except _StepsChanged:
                resets += 1
                if resets > 1:
                    raise GivesUp from None
            except _BeginAnew:
                yield from self.sure("set", ENROLMENT, action="remove")


class _BeginAnew(Exception):
    pass


class _StepsChanged(Exception):
    pass


class _NewCode(Exception):
    pass


TROUBLES: tuple[Callable[[Rehearsal, str], Rehearsal], ...] = (
    *(
        (lambda world, device, name=name: world.switch(device, **{name: False}))
        for name in ("bluetooth", "location", "paired", "key_present", "in_car", "online", "clock_right")
    ),
    lambda world, device: world.switch(device, stale=True),
    lambda world, device: world.switch(device, pin_due=bool(world.pin)),
    *(
        (lambda world, device, name=name: replace(world, core=replace(world.core, **{name: False})))
        for name in ("signed_in", "quick", "server_up", "answers_readable", "vehicle_reachable", "signature_valid")
    ),
    *(
        (lambda world, device, number=number: replace(world, forced=number))
        for number in (2000, 2006, 2101, 2102, 2201, 2203, 2204)
    ),
)


def walk(seed: int, version: str = "2.3", phones: int = 2, trouble: float = 0.15, calls: int = 120) -> Walk:
    """Return a random walk of good apps on several phones of one account, with things going wrong on the way."""
    random = Random(seed)
    walked = Walk(rehearsal.begin(version, seed=seed))
    apps = {name: Guide(name, version).onboard() for name in "ABC"[:phones]}
    answers: dict[str, Any] = dict.fromkeys(apps)
    busy = ""
    while apps and len(walked.entries) < calls:
        name = busy if busy in apps else random.choice(sorted(apps))
        try:
            wish = apps[name].send(answers[name])
        except (StopIteration, GivesUp):
            del apps[name]
            busy = ""
            continue
        if callable(wish):
            walked.world = answers[name] = wish(walked.world)
            continue
        method, api, parameters = wish
        # One phone at a time is in the car; and a code that is on its way is for the phone that asked for it.
        busy = name if api not in (STEPS, NEXT) else ""
        if random.random() < trouble:
            walked.world = random.choice(TROUBLES)(walked.world, name)
        answers[name] = walked.make(name, method, api, parameters)
    return walked

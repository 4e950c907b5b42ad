"""What the page of a rehearsal shows: the phones, what the core said last, what to call next, what the rules say."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from onboarding.activation import rehearsing, worlds
from onboarding.activation.findings_command import as_json, in_words
from onboarding.activation.models import Rehearsal, RehearsedCall
from onboarding.mobile import reading, sdk, situations, spellings, traces
from onboarding.mobile.outcomes import hear
from onboarding.mobile.rehearsal import SMS_SECONDS, Core, Phone, Sms
from onboarding.mobile.rehearsal import Rehearsal as World
from onboarding.mobile.sdk import BY_ID, STEP_TITLES, CarKeyStatus, Operation, Step, StepStatus
from onboarding.mobile.situations import OPERATION_GROUPS, Situation
from onboarding.web.forms.sdk_rehearsal import CallForm, CarKeyForm, NumberForm, PhoneForm

SHOWN_CALLS = 12

PHONE_LABELS: Mapping[str, Any] = {
    "bluetooth": gettext_lazy("Bluetooth"),
    "location": gettext_lazy("Location"),
    "paired": gettext_lazy("Paired with the vehicle"),
    "key_present": gettext_lazy("Key at hand"),
    "in_car": gettext_lazy("In the car"),
    "online": gettext_lazy("Online"),
    "clock_right": gettext_lazy("Clock right"),
    "stale": gettext_lazy("State out of date"),
    "disabled": gettext_lazy("Disabled by the provider"),
    "pin_due": gettext_lazy("One-time password due"),
}
CORE_LABELS: Mapping[str, Any] = {
    "configured": gettext_lazy("Core configured"),
    "signed_in": gettext_lazy("Somebody signed in"),
    "quick": gettext_lazy("Connection quick"),
    "server_up": gettext_lazy("Server up"),
    "answers_readable": gettext_lazy("Answers readable"),
    "vehicle_reachable": gettext_lazy("Vehicle reachable"),
    "signature_valid": gettext_lazy("Vehicle's signature valid"),
}
PURPOSES: Mapping[str, Any] = {
    "phone": gettext_lazy("to prove the phone number"),
    "enrolment": gettext_lazy("to enrol a phone"),
    "pin": gettext_lazy("to reset the PIN"),
}
CARKEY_TONES: Mapping[str, str] = {
    CarKeyStatus.ACTIVE: "success",
    CarKeyStatus.SUSPENDED: "warning",
    CarKeyStatus.DISABLED: "danger",
    CarKeyStatus.UNKNOWN: "neutral",
}
CARKEY_LABELS: Mapping[str, Any] = {
    CarKeyStatus.ACTIVE: gettext_lazy("Active"),
    CarKeyStatus.SUSPENDED: gettext_lazy("Suspended"),
    CarKeyStatus.DISABLED: gettext_lazy("Disabled"),
    CarKeyStatus.UNKNOWN: gettext_lazy("Not activated"),
}
WAITS: Sequence[tuple[int, Any]] = (
    (60, gettext_lazy("1 min")),
    (SMS_SECONDS, gettext_lazy("5 min")),
    (24 * 3600, gettext_lazy("1 day")),
    (8 * 24 * 3600, gettext_lazy("8 days")),
)
"""Seconds by which the clock can be put ahead with one click."""


def toggles(switches: Phone | Core, labels: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return switches as the page draws them; odd: not as they have to be."""
    usual = type(switches)()
    return [
        {
            "name": name,
            "label": label,
            "on": getattr(switches, name),
            "odd": getattr(switches, name) != getattr(usual, name),
        }
        for name, label in labels.items()
    ]


@dataclass(frozen=True, slots=True)
class Answer:
    """The latest message to a phone, in words. findings: what the rules say to that call."""

    row: RehearsedCall
    title: str
    remedy: str
    findings: list[dict[str, Any]]

    @property
    def message(self) -> str:
        """The message as kept, secrets masked."""
        return json.dumps(self.row.answered["message"], ensure_ascii=False, indent=2)

    @property
    def parameters(self) -> str:
        """What the call was made with, secrets masked."""
        given = self.row.asked.get("parameters") or {}
        return json.dumps(given, ensure_ascii=False) if given else ""

    @property
    def operation(self) -> Operation | None:
        """Which call it was; None for one that is no part of service activation."""
        return BY_ID.get(self.row.operation)


@dataclass
class Stage:
    """A rehearsal as its page shows it, with one phone in hand. bound: a form that was sent and cannot be."""

    rehearsal: Rehearsal
    world: World
    device: str
    chosen: str = ""
    meeting: Situation | None = None
    bound: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def now(self) -> datetime:
        """What time it is there."""
        return rehearsing.clock(self.rehearsal)

    @cached_property
    def log(self) -> list[RehearsedCall]:
        """All calls, the oldest first."""
        return list(self.rehearsal.log.all())

    @cached_property
    def latest(self) -> Mapping[str, RehearsedCall]:
        """Each phone's latest call."""
        return {one.asked["device"]: one for one in self.log}

    @cached_property
    def report(self) -> traces.Report:
        """What the rules say to all calls."""
        lines: Iterable[Any] = ([one.asked, one.answered] for one in self.log)
        rows = [{"trace": 1, "sdk": self.rehearsal.version}, *(line for pair in lines for line in pair)]
        return traces.check("".join(json.dumps(row) + "\n" for row in rows).encode())

    @cached_property
    def findings(self) -> list[dict[str, Any]]:
        """What is wrong, with the number of its call."""
        return [self._found(one) for one in self.report.findings if self.log]

    def _found(self, finding: Any) -> dict[str, Any]:
        line = int(finding.params["line"])
        return {**as_json(finding), "title": in_words(finding).title, "number": line // 2, "field": ""}

    @property
    def violations(self) -> list[dict[str, Any]]:
        """What is wrong, alike things together, with the numbers of their calls."""
        alike: dict[str, dict[str, Any]] = {}
        for one in self.findings:
            if one["severity"] != "note":
                row = alike.setdefault(one["title"], {"title": one["title"], "remedy": one["remedy"], "numbers": []})
                row["numbers"].append(str(one["number"]))
        return [{**row, "numbers": ", ".join(dict.fromkeys(row["numbers"]))} for row in alike.values()]

    @property
    def phones(self) -> list[dict[str, Any]]:
        """All phones, for the row of cards."""
        return [
            {
                "name": name,
                "current": name == self.device,
                "steps": self._steps(name),
                "troubles": self._troubles(phone),
            }
            for name, phone in self.world.phones.items()
        ]

    def _troubles(self, phone: Phone) -> list[str]:
        return [str(OFF_LABELS.get(one["name"], one["label"])) for one in toggles(phone, PHONE_LABELS) if one["odd"]]

    def _steps(self, device: str) -> list[dict[str, Any]]:
        following = self.world.state.next_step(device)
        return [
            {
                "title": _(STEP_TITLES[step]),
                "done": self.world.state.status(device, step) == StepStatus.ALREADY_DONE,
                "known": self.world.state.status(device, step) is not None,
                "next": step == following,
            }
            for step in Step
        ]

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps as the phone in hand has been told of them."""
        return self._steps(self.device)

    @property
    def switches(self) -> list[dict[str, Any]]:
        """Those of the phone in hand."""
        return toggles(self.world.phone(self.device), PHONE_LABELS)

    @property
    def core(self) -> list[dict[str, Any]]:
        """The switches of the core."""
        return toggles(self.world.core, CORE_LABELS)

    @property
    def waits(self) -> Sequence[tuple[int, Any]]:
        """By how much the clock can be put ahead."""
        return WAITS

    @property
    def inbox(self) -> list[dict[str, Any]]:
        """The SMS, the latest first."""
        return [self._sms(sms, index == 0) for index, sms in enumerate(reversed(self.world.inbox))]

    def _sms(self, sms: Sms, latest: bool) -> dict[str, Any]:
        at = datetime.fromisoformat(sms.at)
        ends = at + timedelta(seconds=SMS_SECONDS)
        left = int((ends - self.now).total_seconds())
        return {
            "code": sms.code,
            "to": sms.to,
            "purpose": PURPOSES.get(sms.purpose, ""),
            "left": _minutes(left) if left > 0 else "",
            "latest": latest,
        }

    @property
    def carkey(self) -> dict[str, Any]:
        """The account's CarKey."""
        key = self.world.state.carkeys.get(self.world.vin[-4:])
        status = (key.status if key else "") or str(CarKeyStatus.UNKNOWN)
        until = spellings.instant(key.until) if key else None
        left = until - self.now if until else None
        return {
            "label": CARKEY_LABELS[status],
            "tone": CARKEY_TONES[status],
            "until": until,
            "left": _days(left) if left and left > timedelta() else "",
            "late": left is not None and left <= timedelta(),
        }

    @property
    def answer(self) -> Answer | None:
        """What the core said last to the phone in hand."""
        row = self.latest.get(self.device)
        if row is None:
            return None
        meaning, _following = reading.mean(hear(row.answered["message"]), self.now)
        said = in_words(meaning)
        found = [one for one in self.findings if one["number"] == row.number and one["severity"] != "note"]
        return Answer(row, said.title, said.remedy, found)

    @cached_property
    def upcoming(self) -> Operation | None:
        """The call that is best made next."""
        last = self.latest.get(self.device)
        return situations.upcoming(self.world, self.device, last.operation if last and not last.code else "")

    @property
    def operation(self) -> Operation | None:
        """The call in the form: the chosen one, else the next one."""
        return BY_ID.get(self.chosen) or self.upcoming

    @property
    def form(self) -> CallForm | None:
        """The form of that call."""
        if "call_form" in self.bound:
            bound: CallForm = self.bound["call_form"]
            return bound
        operation = self.operation
        return CallForm(operation=operation, world=self.world, device=self.device) if operation else None

    @property
    def groups(self) -> list[dict[str, Any]]:
        """All calls that the version has, as links."""
        has = sdk.version(self.rehearsal.version) or sdk.NEWEST
        return [
            {"title": _(title), "calls": [(BY_ID[one], _(BY_ID[one].title)) for one in ids if BY_ID[one].since <= has]}
            for title, ids in OPERATION_GROUPS
        ]

    @property
    def situations(self) -> list[dict[str, Any]]:
        """What can be provoked, by group; needs: what has to be done before."""
        groups = []
        for title, rows in situations.offered(self.rehearsal.version):
            shown = []
            for one in rows:
                needs = one.needs(self.world, self.device)
                first = _(BY_ID[needs].title) if needs else ""
                shown.append({"id": one.id, "number": one.number, "title": _(one.title), "first": first})
            groups.append({"title": _(title), "rows": shown})
        return groups

    @property
    def number_form(self) -> NumberForm:
        """The form of what is provoked by its number."""
        return NumberForm(auto_id="number_%s")

    @property
    def phone_form(self) -> PhoneForm:
        """The form of a further phone."""
        found: PhoneForm = self.bound.get("phone_form") or PhoneForm(
            auto_id="phone_%s", initial={"name": self._free_name()}
        )
        return found

    def _free_name(self) -> str:
        names = (f"phone-{number}" for number in range(2, 100))
        return next(name for name in names if name not in self.world.phones)

    @property
    def carkey_form(self) -> CarKeyForm:
        """The form of the CarKey's status."""
        key = self.world.state.carkeys.get(self.world.vin[-4:])
        return CarKeyForm(auto_id="carkey_%s", initial={"carkey": (key and key.status) or "unknown"})

    @property
    def meets(self) -> list[Any]:
        """The calls that meet the situation, where there is one."""
        return list(self.meeting.calls(self.world, self.device)) if self.meeting else []

    @property
    def recent(self) -> list[dict[str, Any]]:
        """The latest calls, the latest first."""
        wrong = {one["number"] for one in self.findings if one["severity"] != "note"}
        return [
            {
                "row": one,
                "title": _(BY_ID[one.operation].title) if one.operation else one.asked["api"],
                "wrong": one.number in wrong,
            }
            for one in reversed(self.log[-SHOWN_CALLS:])
        ]

    @property
    def older(self) -> int:
        """How many calls the page does not show."""
        return max(len(self.log) - SHOWN_CALLS, 0)

    @property
    def is_full(self) -> bool:
        """Whether no further call is kept."""
        return self.rehearsal.calls >= rehearsing.MAX_CALLS


OFF_LABELS: Mapping[str, Any] = {
    "bluetooth": gettext_lazy("Bluetooth off"),
    "location": gettext_lazy("Location off"),
    "paired": gettext_lazy("Not paired"),
    "key_present": gettext_lazy("Key elsewhere"),
    "in_car": gettext_lazy("Outside the car"),
    "online": gettext_lazy("Offline"),
    "clock_right": gettext_lazy("Clock wrong"),
}


def _minutes(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02}"


def _days(left: timedelta) -> str:
    hours = left.seconds // 3600
    return _("%(days)d d %(hours)d h") % {"days": left.days, "hours": hours}


def stage(rehearsal: Rehearsal, device: str = "", chosen: str = "", meeting: str = "", **bound: Any) -> Stage | None:
    """Return a rehearsal as its page shows it; None where what is kept cannot be read. Unknown names count as none."""
    try:
        world = worlds.load(rehearsal.world)
    except worlds.Unreadable:
        return None
    device = device if device in world.phones else next(iter(world.phones))
    return Stage(rehearsal, world, device, chosen, situations.BY_NAME.get(meeting), bound)

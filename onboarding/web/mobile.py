"""The mobile SDK on pages: calls as code in both languages, error codes in words, findings with their place."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from onboarding.findings import Finding, Severity, explain
from onboarding.mobile import errors, rules, sdk, snippets
from onboarding.mobile.errors import Handling
from onboarding.mobile.messages import MESSAGES
from onboarding.mobile.outcomes import Kind, Outcome, StepState, render
from onboarding.mobile.reading import CALL, Reading
from onboarding.mobile.sdk import CarKeyStatus, Step, StepStatus
from onboarding.web.marking import listing

LANGUAGES: Mapping[str, str] = {snippets.KOTLIN: "Kotlin", snippets.SWIFT: "Swift"}
FILES: Mapping[str, str] = {snippets.KOTLIN: "SdkRecorder.kt", snippets.SWIFT: "SdkRecorder.swift"}
"""What the recorder's file is called."""

HANDLINGS: Mapping[Handling, str] = {
    Handling.RETRY: gettext_noop("Wait, then try again"),
    Handling.CHANGE: gettext_noop("Correct the call"),
    Handling.PERSON: gettext_noop("Ask the person"),
    Handling.RESET: gettext_noop("Reset the steps, then try once more"),
    Handling.PIN: gettext_noop("Get an OTP with the PIN first"),
    Handling.SMS: gettext_noop("Ask for a new SMS code first"),
    Handling.PHONE: gettext_noop("Register a phone number first"),
    Handling.SIGN_IN: gettext_noop("Sign in first"),
    Handling.REMOVE: gettext_noop("Remove all enrolments, begin anew"),
    Handling.LISTING: gettext_noop("List by carAssociationID first"),
    Handling.DONE: gettext_noop("Nothing: it is so already"),
    Handling.SET_UP: gettext_noop("Set the SDK up"),
}
"""What an app does after an error, in few words."""


def text_of(version: sdk.Version) -> str:
    """Return a version of the SDK as it is written."""
    return ".".join(map(str, version))


def call(
    id_: str, version: sdk.Version, values: Mapping[str, str | bool] | None = None, suffix: str = "", title: str = ""
) -> dict[str, Any]:
    """Return a call for the partial `activation/call.html`. since: set where the version does not have it.

    suffix: of the ids on the page, where a call is shown more than once. title: in place of the call's own.
    """
    operation = sdk.BY_ID[id_]
    title = title or _(operation.title)
    known = version >= operation.since
    given = {name: value for name, value in (values or {}).items() if value}
    return {
        "id": id_ + suffix,
        "title": title,
        "method": str(operation.method),
        "api": operation.api,
        "source": operation.source,
        "errors": sorted(operation.errors),
        "since": "" if known else text_of(operation.since),
        "codes": [
            {
                "id": f"code-{id_}{suffix}-{language}",
                "language": language,
                "name": label,
                "label": f"{title}, {label}",
                "code": snippets.snippet(id_, language, version, given).rstrip("\n"),
            }
            for language, label in LANGUAGES.items()
        ]
        if known
        else [],
    }


KINDS: Mapping[str, str] = {
    Kind.STEPS: gettext_noop("A list of steps"),
    Kind.NEXT_STEP: gettext_noop("The next step"),
    Kind.NOTHING: gettext_noop("Success without a result"),
    Kind.CARKEY: gettext_noop("Status of the CarKey"),
    Kind.CARKEY_ACTIVATED: gettext_noop("Activation of the CarKey"),
    Kind.DEVICE: gettext_noop("Is this phone activated?"),
    Kind.ACCOUNT: gettext_noop("Is the account blocked?"),
    Kind.PHONE: gettext_noop("The account's trusted phone number"),
    Kind.ENROLMENT: gettext_noop("Answer to the SMS code"),
    Kind.OTP: gettext_noop("One-time password"),
    Kind.USER: gettext_noop("Who is signed in"),
    Kind.ERROR: gettext_noop("An error"),
    Kind.EVENT: gettext_noop("An event"),
    Kind.VIRTUAL_KEY: gettext_noop("Virtual-key token"),
    Kind.CAR_TOKEN: gettext_noop("Request for a virtual-key token"),
    Kind.UNKNOWN: gettext_noop("A message of another part of the SDK"),
    CALL: gettext_noop("A call"),
}
"""What a reading is of."""

MOST_FINDINGS = 100
"""So many are told on a page, the gravest first among what is left out."""

RESET: Mapping[str, str | bool] = {"resetSteps": True, "stepsStatus": "all"}


def calls(version: sdk.Version, values: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return every call by its id, and, as `reset`, the list that clears the cache."""
    all_of_them = {one.id: call(one.id, version, values) for one in sdk.OPERATIONS}
    reset = call("steps_again", version, {**values, **RESET}, "-reset", _("List of steps that clears the cache"))
    return all_of_them | {"reset": reset}


def error_rows(numbers: Iterable[int] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the error codes in words, all or some, in the order of their numbers."""
    wanted = None if numbers is None else set(numbers)
    for error in sorted(errors.ERRORS, key=lambda one: one.number):
        if wanted is not None and error.number not in wanted:
            continue
        after = sdk.BY_ID.get(error.next)
        yield {
            "number": error.number,
            "label": error.label,
            "title": _(error.title),
            "remedy": _(error.remedy),
            "handling": _(HANDLINGS[error.handling]),
            "next": "steps_again-reset" if error.handling == Handling.RESET else error.next,
            "next_title": _(after.title) if after else "",
            "source": error.source,
        }


def recorders() -> list[dict[str, str]]:
    """Return the recorder in both languages."""
    return [
        {"language": language, "label": label, "file": FILES[language], "code": snippets.recorder(language)}
        for language, label in LANGUAGES.items()
    ]


def examples(now: datetime) -> dict[str, dict[str, str]]:
    """Return messages as the SDK hands them over, by their names, each with its title and its text."""
    todo, done = StepStatus.TODO, StepStatus.ALREADY_DONE
    ahead = (now + timedelta(days=6)).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    listed = tuple(StepState(one, todo if order > 1 else done, order) for order, one in enumerate(Step, 1))
    told = {
        "steps": (_("A list of steps"), Outcome(Kind.STEPS, steps_id="132324", steps=listed)),
        "next": (_("The next step"), Outcome(Kind.NEXT_STEP, steps=(StepState(Step.DEVICE_ACTIVATION, todo, 1),))),
        "nothing": (_("No step is left"), Outcome(Kind.NOTHING)),
        "carkey": (
            _("A suspended CarKey"),
            Outcome(Kind.CARKEY, flag=False, carkey=CarKeyStatus.SUSPENDED, until=ahead),
        ),
        "activated": (
            _("An activated CarKey"),
            Outcome(Kind.CARKEY_ACTIVATED, flag=True, text="VR1AB12C3D4567890", until=ahead),
        ),
        "error": (_("Error 2317"), Outcome(Kind.ERROR, 2317, label=errors.BY_NUMBER[2317].label)),
    }
    return {
        name: {"title": title, "text": json.dumps(render(outcome, "953cfefb-bc72"), indent=2)}
        for name, (title, outcome) in told.items()
    }


def told(finding: Finding, number: int = 0, marked: bool = False, excerpt: str = "") -> dict[str, Any]:
    """Return a finding in words, for the partial `activation/findings.html`.

    marked: whether its place can be seen on the page. excerpt: its line, where there is no such place.
    """
    said = explain(finding, MESSAGES, _)
    rule = rules.BY_CODE.get(finding.code)
    return {
        "number": number,
        "code": finding.code,
        "severity": str(finding.severity),
        "title": said.title,
        "remedy": said.remedy,
        "line": finding.params.get("line"),
        "column": finding.params.get("column"),
        "device": finding.params.get("device", ""),
        "source": rule.source if rule else "",
        "marked": marked,
        "excerpt": excerpt,
    }


def explained(reading: Reading, version: sdk.Version) -> dict[str, Any]:
    """Return a reading in words, for the partial `activation/reading.html`."""
    findings = sorted(reading.findings, key=lambda one: list(Severity).index(one.severity))[:MOST_FINDINGS]
    findings.sort(key=lambda one: int(one.params.get("offset", 0)))
    shown = listing(reading.text, findings)
    outcome = reading.outcome
    values: dict[str, str | bool] = {"stepsID": outcome.steps_id} if outcome and outcome.steps_id else {}
    error = errors.BY_NUMBER.get(outcome.code) if outcome else None
    if error and error.handling == Handling.RESET:
        values |= RESET
    meaning = told(reading.meaning) if reading.meaning else None
    return {
        "kind": _(KINDS[reading.kind]) if reading.kind else "",
        "is_call": reading.kind == CALL,
        "is_clean": reading.clean,
        "is_readable": reading.readable,
        "meaning": meaning,
        "transaction": reading.transaction,
        "error": next(error_rows([error.number])) if error else None,
        "steps": [
            {"name": str(one.step), "title": _(sdk.STEP_TITLES[one.step]), "status": str(one.status or "")}
            for one in reading.steps
        ],
        "next": [call(id_, version, values, "-next") for id_ in reading.next],
        "fields": reading.fields,
        "findings": [told(one, number, number in shown.marked) for number, one in enumerate(findings, 1)],
        "further": len(reading.findings) - len(findings),
        "counts": {str(one): sum(found.severity == one for found in reading.findings) for one in Severity},
        "listing": shown,
    }

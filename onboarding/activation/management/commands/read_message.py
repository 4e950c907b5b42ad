"""manage.py read_message: the reader of SDK messages, on the command line."""

from collections import Counter
from typing import IO, Any

from django.utils import timezone
from django.utils.translation import gettext

from onboarding.activation.findings_command import FindingsCommand, as_json, counted, in_words, told, verdict
from onboarding.mobile import sdk, tolerant
from onboarding.mobile.reading import Reading, read

MAX_BYTES = tolerant.MAX_CHARACTERS * 4 + 1


class Command(FindingsCommand):
    """Read one message. Exit code 0: nothing wrong; 1: something is wrong or suspicious; 2: could not be read."""

    help = (
        "Read a message that the mobile SDK handed to an app: what it means, and what to call next. "
        "Exit code: 0 nothing wrong, 1 something wrong or suspicious, 2 unreadable."
    )
    what = "the message"

    def examined(self, stream: IO[bytes]) -> tuple[dict[str, Any], list[str], int]:
        """Read the message."""
        reading = read(stream.read(MAX_BYTES), timezone.now())
        return _plain(reading), _lines(reading), verdict(reading.clean, reading.readable)


def _call(identity: str) -> dict[str, str]:
    operation = sdk.BY_ID[identity]
    return {
        "id": operation.id,
        "call": str(operation.method),
        "api": operation.api,
        "title": gettext(operation.title),
    }


def _plain(reading: Reading) -> dict[str, Any]:
    return {
        "readable": reading.readable,
        "clean": reading.clean,
        "kind": reading.kind,
        "transaction": reading.transaction,
        "meaning": as_json(reading.meaning) if reading.meaning else None,
        "next": [_call(identity) for identity in reading.next],
        "steps": [
            {"name": str(one.step), "status": str(one.status or ""), "order": one.order} for one in reading.steps
        ],
        "fields": [
            {"path": one.path, "name": one.name, "value": one.shown, "known": one.known, **one.place.params()}
            for one in reading.fields
        ],
        "findings": [as_json(finding) for finding in reading.findings],
    }


def _lines(reading: Reading) -> list[str]:
    lines = []
    if reading.meaning:
        said = in_words(reading.meaning)
        lines += [part for part in (said.title, said.remedy) if part]
    lines += [
        f"  {call['call']} {call['api']}: {call['title']}" for call in (_call(identity) for identity in reading.next)
    ]
    for finding in reading.findings:
        lines += ["", *told(finding)]
    return [*lines, "", counted(Counter(finding.severity for finding in reading.findings))]

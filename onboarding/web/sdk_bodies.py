"""The body of a request to the rehearsals' API: bounded before it is parsed, strict JSON, each member checked."""

import json
import re
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from onboarding.mobile.rehearsal import MAX_TEXT
from onboarding.web.sdk_problems import Problem

MAX_BYTES = 64 * 1024
MAX_PARAMETERS = 10
MAX_INTEGER = 10**18

DEVICE = re.compile(r"\w(?:[\w .-]{0,30}[\w.-])?\Z")
"""What a phone can be called: letters, digits, and blanks, dots and hyphens among them."""


def read(request: HttpRequest) -> "Body":
    """Return what was sent: a JSON object, or nothing. Raises Problem."""
    if "Transfer-Encoding" in request.headers:  # the server hands over nothing of it
        raise Problem("length_missing")
    length = request.headers.get("Content-Length") or "0"
    if not length.isdecimal() or int(length) > MAX_BYTES:
        raise Problem("too_large", most=MAX_BYTES)
    raw = request.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise Problem("too_large", most=MAX_BYTES)
    if not raw.strip():
        return Body({})
    if request.content_type != "application/json":
        raise Problem("not_json_type")
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_object, parse_constant=_refuse, parse_float=_float)
    except UnicodeDecodeError:
        raise Problem("not_json", why="UTF-8") from None
    except RecursionError:
        raise Problem("not_json", why=_("nested too deep")) from None
    except ValueError as error:
        raise Problem("not_json", why=str(error)) from None
    if not isinstance(value, dict):
        raise Problem("not_json", why=_("it is another value"))
    return Body(value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = {name for name, _value in pairs}
    if len(names) < len(pairs):
        raise ValueError(_("a name stands in it twice"))
    return dict(pairs)


def _refuse(word: str) -> Any:
    raise ValueError(word)


def _float(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(text[:40])
    return value


def _is_plain(text: str) -> bool:
    """Whether a text has no control characters and no halves of letters, which a database would refuse."""
    return all(letter.isprintable() for letter in text)


class Body:
    """The members of a JSON object, read one by one. Each method raises Problem."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        self.members = members

    def only(self, names: Iterable[str]) -> None:
        """Refuse members of other names."""
        allowed = sorted(names)
        for name in self.members:
            if name not in allowed:
                raise Problem("field_unknown", field=name[:40], wanted=", ".join(allowed) or "–")

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text of at most MAX_TEXT characters."""
        wanted = _("a text of 1 to %(most)d characters") % {"most": MAX_TEXT}
        if name not in self.members and default is not None:
            return default
        if name not in self.members:
            raise Problem("field_missing", field=name, wanted=wanted)
        value = self.members[name]
        if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or not _is_plain(value):
            raise Problem("field_wrong", field=name, wanted=wanted)
        return value

    def device(self, name: str, default: str) -> str:
        """Return the name of a phone."""
        value = self.text(name, default)
        _device(value, name)
        return value

    def integer(self, name: str, most: int) -> int:
        """Return a whole number from 1 to most."""
        wanted = _("a whole number from 1 to %(most)d") % {"most": most}
        if name not in self.members:
            raise Problem("field_missing", field=name, wanted=wanted)
        value = self.members[name]
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise Problem("field_wrong", field=name, wanted=wanted)
        return value

    def parameters(self, name: str) -> dict[str, Any]:
        """Return a call's parameters: texts, whole numbers, true, false, null. Left out, there are none."""
        value = self.members.get(name, {})
        if not isinstance(value, dict) or len(value) > MAX_PARAMETERS:
            raise Problem(
                "field_wrong",
                field=name,
                wanted=_("an object with at most %(most)d parameters") % {"most": MAX_PARAMETERS},
            )
        for key, one in value.items():
            is_text = isinstance(one, str) and len(one) <= MAX_TEXT and _is_plain(one)
            is_number = isinstance(one, int) and abs(one) < MAX_INTEGER
            if not (is_text or is_number or one is None) or not _is_plain(key) or not 0 < len(key) <= MAX_TEXT:
                raise Problem(
                    "field_wrong",
                    field=f"{name}.{key[:40]}",
                    wanted=_("a text of at most %(most)d characters, a whole number, true, false or null")
                    % {"most": MAX_TEXT},
                )
        return value

    def switches(self, name: str, known: Iterable[str]) -> dict[str, bool] | None:
        """Return switches by their names; None where none are given."""
        return _switches(self.members[name], name, list(known)) if name in self.members else None

    def switches_by_phone(self, name: str, known: Iterable[str]) -> dict[str, dict[str, bool]] | None:
        """Return the switches of phones, by the phones' names; None where none are given."""
        if name not in self.members:
            return None
        phones = self.members[name]
        if not isinstance(phones, dict):
            raise Problem("field_wrong", field=name, wanted=_("an object"))
        for device in phones:
            _device(device, name)
        names = list(known)
        return {device: _switches(one, f"{name}.{device}", names) for device, one in phones.items()}


def _device(value: str, name: str) -> None:
    if not DEVICE.match(value):
        wanted = _("a name of at most 32 letters, digits, blanks, dots and hyphens")
        raise Problem("field_wrong", field=name, wanted=wanted)


def _switches(value: Any, name: str, known: list[str]) -> dict[str, bool]:
    if not isinstance(value, dict):
        raise Problem("field_wrong", field=name, wanted=_("an object"))
    for key, one in value.items():
        if key not in known:
            raise Problem("field_unknown", field=f"{name}.{key[:40]}", wanted=", ".join(known))
        if not isinstance(one, bool):
            raise Problem("field_wrong", field=f"{name}.{key}", wanted="true, false")
    return dict(value)

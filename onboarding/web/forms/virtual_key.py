"""What a virtual-key token is asked for with: CarData and its signature, in whatever form they are at hand."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from onboarding.fleet.virtual_key import LONGEST_SECONDS, MAX_CHARACTERS, Asked, BadBase64, read_base64
from onboarding.mobile import car_token
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.credentials import OneRunKeyForm
from onboarding.web.forms.fields import BoundedFileField
from onboarding.web.forms.widgets import FileDrop, PemTextarea

UNITS: Mapping[str, tuple[int, Any]] = {
    "minutes": (60, gettext_lazy("minutes")),
    "hours": (3600, gettext_lazy("hours")),
    "days": (86_400, gettext_lazy("days")),
}
"""Seconds of each unit, and its name."""

PROBLEMS: Mapping[str, Any] = {
    "empty": gettext_lazy("Paste the value that the SDK handed to your app. Here there is none."),
    "too_long": gettext_lazy(
        "This is longer than %(most)s characters: more than a vehicle's data. Paste the value alone."
    ),
    "url_safe": gettext_lazy(
        "This is the Base64 of web addresses: it holds %(found)s. The SDK hands out the ordinary one, with + and /. "
        "Paste the value as the SDK gave it: it is signed, so nothing is changed here."
    ),
    "characters": gettext_lazy(
        "This is not Base64: it holds %(found)s. Paste the value alone, without what stands around it."
    ),
    "cut_off": gettext_lazy(
        "This is not whole: Base64 comes in groups of four characters, with = at the end where it takes them. Copy it "
        "again to its end."
    ),
}
"""What is wrong with a pasted value, by the code of `BadBase64`."""

FIELDS = {car_token.DATA: "car_data", car_token.SIGNATURE: "car_data_signature"}


def _box(rows: int) -> PemTextarea:
    return PemTextarea({"rows": rows})


class VirtualKeyForm(PortalForm):
    """Both values pasted, or the SDK's answer pasted or dropped as a file; and for how long. `asked`: the outcome."""

    car_data = forms.CharField(label="CarData", required=False, widget=_box(4), strip=False)
    car_data_signature = forms.CharField(label="CarData_signature", required=False, widget=_box(2), strip=False)
    sdk_answer = forms.CharField(
        label=gettext_lazy("The SDK's answer, pasted"),
        required=False,
        strip=False,
        widget=_box(5),
        help_text=gettext_lazy(
            "The whole message, the carToken of it, or the body of a request: both values are found."
        ),
    )
    sdk_file = BoundedFileField(
        label=gettext_lazy("The SDK's answer, as a file"),
        required=False,
        widget=FileDrop,
        help_text=gettext_lazy("JSON, at most 64 KiB."),
    )
    amount = forms.IntegerField(
        label=gettext_lazy("How long the token is to be good"),
        initial=24,
        widget=forms.NumberInput(attrs={"min": "1", "inputmode": "numeric"}),
        error_messages={
            "required": gettext_lazy("Say for how long the token is to be good."),
            "invalid": gettext_lazy("Write a whole number, such as 24. For half an hour write 30 minutes."),
        },
    )
    unit = forms.ChoiceField(
        label=gettext_lazy("Unit"), choices=[(key, label) for key, (_seconds, label) in UNITS.items()], initial="hours"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("car_data", "car_data_signature", "sdk_answer", "sdk_file"):
            self.fields[name].alternative = True  # type: ignore[attr-defined]  # one way or the other; none is optional

    @property
    def uses_answer(self) -> bool:
        """Whether the SDK's answer was given, or something is wrong with it: then the page unfolds that part."""
        return bool(self["sdk_answer"].value() or self.errors.keys() & {"sdk_answer", "sdk_file"})

    @property
    def asked(self) -> Asked:
        """What was given, of a valid form."""
        asked: Asked = self.cleaned_data["asked"]
        return asked

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        seconds = self._seconds(cleaned)
        values = self._values(cleaned)
        if values is not None and seconds is not None and not self.errors:
            cleaned["asked"] = Asked(values[0], values[1], seconds)
        return cleaned

    def _seconds(self, cleaned: Mapping[str, Any]) -> int | None:
        amount, unit = cleaned.get("amount"), cleaned.get("unit")
        if amount is None or unit is None:
            return None
        seconds: int = amount * UNITS[unit][0]
        if seconds <= 0:
            self.add_error("amount", _("A token has to be good for some time: write 1 or more."))
            return None
        if seconds > LONGEST_SECONDS:
            self.add_error("amount", _("That is longer than a year. Look at the unit: more than that nobody grants."))
            return None
        return seconds

    def _values(self, cleaned: Mapping[str, Any]) -> tuple[str, str] | None:
        """Return CarData and its signature, wherever they were given; None after noting what is wrong."""
        pasted = {name: cleaned.get(name) or "" for name in FIELDS.values()}
        if self.errors.keys() & {"sdk_file"}:
            return None
        answer, where = self._answer(cleaned, pasted)
        if self.errors.keys() & {"sdk_answer", "sdk_file"}:
            return None
        if where:
            found = car_token.find(answer)
            if found.twice:
                self.add_error(where, _("There are two vehicles in it. Paste the answer about one of them."))
                return None
            if found.missing:
                names = " " + _("and") + " "
                said = _("%(names)s cannot be found in it. Paste the SDK's whole answer to adding the vehicle.")
                self.add_error(where, said % {"names": names.join(found.missing)})
                return None
            given = {"car_data": found.car_data, "car_data_signature": found.signature}
            fields = dict.fromkeys(FIELDS.values(), where)
        else:
            given, fields = pasted, {name: name for name in FIELDS.values()}
        read = {name: self._read(given[name], name, fields[name]) for name in FIELDS.values()}
        data, signature = read["car_data"], read["car_data_signature"]
        return (data, signature) if data is not None and signature is not None else None

    def _answer(self, cleaned: Mapping[str, Any], pasted: Mapping[str, str]) -> tuple[str, str]:
        """Return the SDK's answer and the field that it stands in; empty where the values were pasted one by one."""
        file, text = cleaned.get("sdk_file"), cleaned.get("sdk_answer") or ""
        whole = next((name for name in FIELDS.values() if car_token.looks_like_json(pasted[name])), "")
        given = [name for name, there in (("sdk_file", file), ("sdk_answer", text.strip())) if there]
        if len(given) > 1 or (given and any(value.strip() for value in pasted.values())):
            self.add_error(given[0], _("Give it once: as both values, as the answer's text, or as a file."))
            return "", ""
        if file:
            try:
                return file.read().decode("utf-8-sig"), "sdk_file"
            except UnicodeDecodeError:
                self.add_error("sdk_file", _("This file is no text. Choose the file with the SDK's answer as JSON."))
                return "", ""
        if given:
            return text, "sdk_answer"
        return (pasted[whole], whole) if whole else ("", "")

    def _read(self, text: str, name: str, field: str) -> str | None:
        try:
            return read_base64(text)
        except BadBase64 as bad:
            said = str(PROBLEMS[bad.code]) % {"found": bad.found or "–", "most": MAX_CHARACTERS}
            label = next(spelt for spelt, form_name in FIELDS.items() if form_name == name)
            self.add_error(field, said if field == name else f"{label}: {said}")
            return None


class VirtualKeyWithKeyForm(VirtualKeyForm):
    """For sets whose private key is not kept here: lent for this one request."""

    key = OneRunKeyForm.base_fields["key"]
    passphrase = OneRunKeyForm.base_fields["passphrase"]

    def __init__(self, *args: Any, made_in_browser: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.made_in_browser = made_in_browser

    clean_passphrase = OneRunKeyForm.clean_passphrase

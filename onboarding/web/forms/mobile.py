"""What is filled into the SDK's calls, and what is pasted to be read.

Fields into which messages are pasted are called `private_…`: what is pasted may hold secrets, so it is not kept for
after a sign-in (`onboarding/web/kept_entries.py`).
"""

from io import BytesIO
from typing import IO, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.mobile import sdk as mobile_sdk
from onboarding.mobile.sdk import VERSIONS, Version
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import LineField, VinField
from onboarding.web.forms.widgets import FileDrop
from onboarding.web.mobile import text_of

NEWEST = text_of(mobile_sdk.NEWEST)


class ValuesForm(PortalForm):
    """What a partner's own calls are filled in with. Sent in the body and stored nowhere: it names people's cars."""

    sdk = forms.ChoiceField(label=_("Version of the SDK"), choices=[(text_of(one), text_of(one)) for one in VERSIONS])
    association = LineField(
        label="carAssociationID",
        required=False,
        max_length=100,
        help_text=_("From your subscription to the connected service: this person, this service, this vehicle."),
    )
    steps_id = LineField(
        label="stepsID", required=False, max_length=100, help_text=_("From the first list, of this one phone.")
    )
    vin = VinField(label=_("VIN"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("association", "steps_id"):
            self.fields[name].widget.attrs |= {"class": "mono", "autocomplete": "off", "spellcheck": "false"}

    @property
    def version(self) -> Version:
        """Which version was chosen; the newest where none was."""
        return mobile_sdk.version(self._given("sdk") or str(self.initial.get("sdk", ""))) or mobile_sdk.NEWEST

    @property
    def values(self) -> dict[str, str]:
        """What was given, by the names of the SDK's parameters; what was wrong is left out."""
        names = {"association": "carAssociationID", "steps_id": "stepsID", "vin": "vin"}
        return {name: given for field, name in names.items() if (given := self._given(field))}

    def _given(self, name: str) -> str:
        if not self.is_bound:
            return ""
        self.is_valid()
        given: str = self.cleaned_data.get(name, "")
        return given


class PastedField(forms.CharField):
    """Whatever somebody pastes: any letters, no bound but the request's own. What is wrong with it, its reader says."""

    def __init__(self, *, rows: int, **kwargs: Any) -> None:
        attrs = {"class": "pem", "rows": rows, "spellcheck": "false", "autocomplete": "off", "autocapitalize": "off"}
        super().__init__(strip=False, widget=forms.Textarea(attrs=attrs), **kwargs)
        self.validators = []  # a NUL is a letter like any other


class ReaderForm(PortalForm):
    """A message to read."""

    private_message = PastedField(
        rows=12,
        label=_("Message or call"),
        help_text=_(
            "As the SDK handed it to your app, as the documents show it, or the call in Kotlin or Swift. Half of it "
            "will do. Up to 64 KiB are read."
        ),
        error_messages={"required": _("Paste a message, or choose an example.")},
    )


class CarKeyForm(PortalForm):
    """The two messages about a CarKey."""

    private_get = PastedField(
        rows=8, required=False, label=_("Answer to the check (get)"), help_text=_("With cvsStatus, or an error.")
    )
    private_set = PastedField(
        rows=8, required=False, label=_("Answer to the activation (set)"), help_text=_("With hasCarKey, or an error.")
    )

    def clean(self) -> dict[str, Any]:
        """Ask for one of the two."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not any(cleaned.get(name, "").strip() for name in ("private_get", "private_set")):
            self.add_error("private_get", _("Paste one of the two messages, or both."))
        return cleaned


class TraceField(forms.FileField):
    """The file of a trace. How large it may be is bounded as it comes in; the check says where it stopped."""

    default_error_messages = {"empty": _("This file is empty. Choose another one.")}


class TraceForm(PortalForm):
    """A trace to check: a file, or what was pasted."""

    trace = TraceField(
        label=_("Trace"), required=False, widget=FileDrop, help_text=_("JSON lines, up to 10 MiB and 100,000 lines.")
    )
    private_trace = PastedField(
        rows=8, label=_("Or paste it"), required=False, help_text=_("Up to 400 KB; a longer one as a file.")
    )

    def clean(self) -> dict[str, Any]:
        """Ask for one of the two."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and not cleaned.get("trace") and not cleaned.get("private_trace", "").strip():
            self.add_error("trace", _("Choose the trace's file, or paste it."))
        return cleaned

    @property
    def stream(self) -> IO[bytes]:
        """What was given, as bytes."""
        given = self.cleaned_data
        stream: IO[bytes] = given["trace"].file if given.get("trace") else BytesIO(given["private_trace"].encode())
        return stream


class AttachForm(PortalForm):
    """Attach a report."""

    app_version = LineField(
        label=_("Version of your app"),
        required=False,
        max_length=60,
        help_text=_("So that one report can be told from another. Such as 4.2.0 (1187)."),
    )
    private_report = forms.CharField(widget=forms.HiddenInput)

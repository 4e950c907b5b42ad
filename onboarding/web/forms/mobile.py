"""What is filled into the SDK's calls, and what is pasted to be read.

Fields into which messages are pasted are called `private_…`: what is pasted may hold secrets, so it is not kept for
after a sign-in (`onboarding/web/kept_entries.py`).
"""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.mobile import sdk as mobile_sdk
from onboarding.mobile.sdk import VERSIONS, Version
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import LineField, VinField
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

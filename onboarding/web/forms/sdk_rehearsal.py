"""Rehearsing the mobile SDK: beginning a rehearsal, adding a phone, and one form a call, made of the table of calls."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.activation.models import VERSIONS
from onboarding.mobile import sdk
from onboarding.mobile.errors import ERRORS
from onboarding.mobile.rehearsal import MAX_TEXT
from onboarding.mobile.rehearsal import Rehearsal as World
from onboarding.mobile.sdk import CarKeyStatus, Operation, Parameter, Type
from onboarding.mobile.situations import filled
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import LineField
from onboarding.web.sdk_bodies import DEVICE

LEFT_OUT = ("", _("left out"))


class BeginForm(PortalForm):
    """A name, and the version of the SDK that the app is built with."""

    name = LineField(
        label=_("Name"), max_length=60, help_text=_("To tell it from others, such as the name of your app or branch.")
    )
    version = forms.ChoiceField(
        label=_("SDK version"), choices=VERSIONS, help_text=_("Calls and their parameters differ by version.")
    )


class PhoneForm(PortalForm):
    """The name of a further phone."""

    name = LineField(label=_("Name of the phone"), max_length=32)

    def clean_name(self) -> str:
        """Return it, if it can be a phone's."""
        name: str = self.cleaned_data["name"]
        if not DEVICE.match(name):
            raise forms.ValidationError(_("Use letters and digits, and blanks, dots and hyphens among them."))
        return name


class NumberForm(PortalForm):
    """The error that the next call ends with."""

    number = forms.TypedChoiceField(label=_("Error"), coerce=int)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["number"]
        field.choices = [(str(one.number), f"{one.number} {one.label}") for one in ERRORS]


class CarKeyForm(PortalForm):
    """The status that the account's CarKey is to have."""

    carkey = forms.TypedChoiceField(
        label=_("CarKey"), coerce=CarKeyStatus, choices=[(str(one),) * 2 for one in CarKeyStatus]
    )


class CallForm(PortalForm):
    """One call of the SDK: a field for each parameter that its version takes; what is left empty is left out."""

    def __init__(self, data: Any = None, *, operation: Operation, world: World, device: str) -> None:
        self.operation = operation
        takes = operation.takes(sdk.version(world.version) or sdk.NEWEST)
        self.fixed = {one.name: one.one_of[0] for one in takes if len(one.one_of) == 1}
        known = {name: _text(value) for name, value in filled(world, device, operation).items()}
        super().__init__(data, initial=known, auto_id="call_%s")
        for one in takes:
            if one.name not in self.fixed:
                self.fields[one.name] = _field(one)

    @property
    def parameters(self) -> dict[str, Any]:
        """What the call is made with. The form has to be valid."""
        given: dict[str, Any] = dict(self.fixed)
        types = {one.name: one.type for one in self.operation.parameters}
        for name, value in self.cleaned_data.items():
            if value:
                given[name] = value == "true" if types[name] == Type.BOOLEAN else value
        return given


def _text(value: Any) -> str:
    return {True: "true", False: "false"}.get(value, "") if isinstance(value, bool) else str(value)


def _field(parameter: Parameter) -> forms.Field:
    field: Any
    options = ("false", "true") if parameter.type == Type.BOOLEAN else parameter.one_of
    if options:
        choices = [*((one, one) for one in options), LEFT_OUT]
        field = forms.ChoiceField(label=parameter.name, choices=choices, required=False)
    else:
        widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"})
        field = LineField(label=parameter.name, max_length=MAX_TEXT, required=False, widget=widget)
    field.alternative = parameter.required  # each can be left out; what need not be there is marked as optional
    made: forms.Field = field
    return made

"""What all our forms share: errors that name the field and say what to do."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.web import kept_entries

# By kind of control, what to say when a required answer is missing. The first kind that fits is taken.
_MISSING: tuple[tuple[type[forms.Widget], Any], ...] = (
    (forms.CheckboxInput, _("Tick “%(label)s” to go on")),
    (forms.CheckboxSelectMultiple, _("Choose at least one under “%(label)s”")),
    (forms.Select, _("Choose an answer for “%(label)s”")),
    (forms.RadioSelect, _("Choose an answer for “%(label)s”")),
    (forms.FileInput, _("Choose a file for “%(label)s”")),
    (forms.Widget, _("Fill in “%(label)s”")),
)


class PlainWords:
    """For forms: replaces Django's "This field is required.", which names no field, unless a field has its own words.

    Put it before `forms.Form` or `forms.ModelForm`. It also fills in again what somebody had typed when their session
    ended (`onboarding/web/kept_entries.py`).
    """

    def get_initial_for_field(self, field: forms.Field, field_name: str) -> Any:
        """Return what the field shows before anything is sent."""
        kept = kept_entries.offered()
        prefixed = self.add_prefix  # type: ignore[attr-defined]
        if kept is not None and any(prefixed(name) in kept for name in self.fields):  # type: ignore[attr-defined]
            name = prefixed(field_name)
            if not field.widget.value_omitted_from_data(kept, {}, name):
                return field.widget.value_from_datadict(kept, {}, name)
        return super().get_initial_for_field(field, field_name)  # type: ignore[misc]

    def full_clean(self) -> None:
        """Clean as Django does, once the fields that a form adds for itself are there too."""
        for bound in self:  # type: ignore[attr-defined]
            default = forms.Field.default_error_messages["required"]
            if bound.field.error_messages.get("required") is default:
                words = next(text for kind, text in _MISSING if isinstance(bound.field.widget, kind))
                bound.field.error_messages["required"] = words % {"label": bound.label}
        super().full_clean()  # type: ignore[misc]


class PortalForm(PlainWords, forms.Form):
    """The base of our forms that have no model behind them."""


class PortalModelForm(PlainWords, forms.ModelForm):
    """The base of our forms that have a model behind them."""

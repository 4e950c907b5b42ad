"""What a driver's consent is asked for, and the address that the browser came back to."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from onboarding.enrolment.registered import Registered
from onboarding.oauth import callback, scopes
from onboarding.web.enrolling import scope_choices
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import LineField
from onboarding.web.forms.widgets import CheckboxCards

LANGUAGES = [("", _("None: the identity provider decides")), *((one, one) for one in (
    "de-DE", "en-GB", "es-ES", "fr-FR", "it-IT", "nl-NL", "pl-PL", "pt-PT"))]  # fmt: skip


class ConsentForm(PortalForm):
    """The authorisation request, out of the page's address. redirect: the key of one of `redirects`."""

    brand = forms.ChoiceField(
        label=_("Brand"), help_text=_("Drivers have their account with the brand of their vehicle.")
    )
    redirect = forms.ChoiceField(label=_("Callback address"), help_text=_("Registered with your application."))
    scope = forms.MultipleChoiceField(
        label=_("Scopes"),
        widget=CheckboxCards,
        help_text=_(
            "Those that your registered data needs. Ask for no more than this driver's use of your product does."
        ),
    )
    separator = forms.ChoiceField(
        label=_("Scopes joined by"),
        choices=[(",", _("Commas, as documented")), (" ", _("Blanks, as in OAuth"))],
    )
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES, required=False)

    def __init__(self, data: Any, *, registered: Registered, redirects: dict[str, str]) -> None:
        choices, gives = scope_choices(registered.needs)
        initial = {"scope": list(registered.scopes), "separator": ",", "redirect": next(iter(redirects), "")}
        super().__init__(data, initial=initial)
        self.registered = registered
        fields: Any = self.fields
        fields["brand"].choices = [(brand.id, f"{brand.name} ({brand.domain})") for brand in registered.brands]
        fields["redirect"].choices = list(redirects.items())
        fields["redirect"].required = bool(redirects)
        fields["scope"].choices = choices
        fields["scope"].widget.descriptions = gives

    @property
    def given(self) -> dict[str, Any]:
        """What is asked for; what was not given, or makes no sense, as it is at first."""
        if self.is_bound and self.is_valid():
            return self.cleaned_data
        first = {"brand": self.registered.brands[0].id, "language": ""}
        return {**first, **self.initial}


class CallbackForm(PortalForm):
    """What came back. Nothing of it is stored; what is shown again has its code masked.

    The fields' names say that they are secret, so that nothing of them is kept for who has been signed out meanwhile.
    """

    secret_address = forms.CharField(
        label=_("The address that the browser came back to"),
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("The whole address out of the browser's address bar, or what stands behind the question mark."),
        max_length=callback.MAX_LENGTH,
    )
    state = LineField(
        label=_("State that was sent"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("That of the address above. If your own application asked, the one that it had sent."),
    )
    token_scope = LineField(
        label=_("Scopes granted, if the token's answer named them"),
        max_length=1000,
        required=False,
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off"}),
    )

    def mask(self) -> None:
        """Take codes and tokens out of what is shown again."""
        sent: Any = self.data
        shown = sent.copy()
        shown["secret_address"] = callback.masked(shown.get("secret_address", ""))
        self.data = shown

    def clean_token_scope(self) -> str:
        """Refuse what cannot be scopes: somebody may paste the token's whole answer, with the tokens in it."""
        text: str = self.cleaned_data["token_scope"]
        if "{" in text or "token" in text.lower():
            sent: Any = self.data
            shown = sent.copy()
            shown["token_scope"] = ""
            self.data = shown
            raise ValidationError(_("Give the value of scope alone, not the whole answer: tokens belong nowhere else."))
        return " ".join(scopes.read(text))

"""Credentials that exist already."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from onboarding.credentials.importing import MAX_CLIENT_ID, MAX_NAME, Brought
from onboarding.partners.models import Organisation
from onboarding.programmes import PROGRAMMES, Environment, brands, profile
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import BoundedFileField, LineField, SecretField
from onboarding.web.forms.widgets import CheckboxCards, FileDrop, RadioCards

_EXACT = {"class": "mono", "autocomplete": "off", "spellcheck": "false"}


class BringForm(PortalForm):
    """Everything that a call needs. The key is asked for only where keys may be kept here."""

    organisation = forms.ChoiceField(label=_("Company"), widget=RadioCards)
    environment = forms.ChoiceField(label=_("Where they work"), widget=RadioCards)
    programme = forms.ChoiceField(label=_("Programme"), widget=RadioCards)
    name = LineField(
        label=_("Application name"),
        max_length=MAX_NAME,
        help_text=_("The name your users or your fleet managers know it by."),
    )
    brands = forms.MultipleChoiceField(
        label=_("Brands"), widget=CheckboxCards, help_text=_("Of the vehicles that are connected.")
    )
    mzp = LineField(
        label=_("Partner login (MZP)"),
        max_length=64,
        widget=forms.TextInput(attrs=_EXACT),
        help_text=_("As in the certificate's common name (CN), such as MZP128745."),
    )
    client_id = LineField(label=_("Client ID"), max_length=MAX_CLIENT_ID, widget=forms.TextInput(attrs=_EXACT))
    password = SecretField(
        label=_("Password of the partner login"),
        required=False,
        help_text=_("Fleet Owner API only. Not needed if it is stored already for this login and environment."),
    )
    client_secret = SecretField(
        label=_("Client secret"), required=False, help_text=_("Accessing Party for End-Users API only.")
    )
    certificate = BoundedFileField(
        label=_("Client certificate"),
        widget=FileDrop,
        help_text=_("PEM, DER, PKCS#7 (.p7b) or a ZIP file, with or without its chain. At most 64 KiB."),
    )
    ca = BoundedFileField(
        label=_("CA certificate"),
        widget=FileDrop,
        required=False,
        help_text=_(
            "What the certificate leads to, and the server is checked against. Needed unless it is in the first file."
        ),
    )
    key = BoundedFileField(
        label=_("Private key"),
        widget=FileDrop,
        required=False,
        help_text=_(
            "Only if it is to be kept here, sealed, so that this portal can validate by itself. "
            "PEM, DER or PKCS#12, encrypted or not."
        ),
    )
    passphrase = SecretField(
        label=_("Passphrase of the key's file"),
        required=False,
        help_text=_("If it is encrypted. Used once, to open the file, and not kept."),
    )

    def __init__(
        self,
        *args: Any,
        organisations: Iterable[Organisation],
        environments: Iterable[Environment],
        keeps_keys: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._choose("organisation", [(str(one.pk), one.name) for one in organisations])
        self._choose("environment", [(one.id, _(one.label)) for one in environments])
        self._choose("programme", [(id_, _(profile(id_).name)) for id_ in PROGRAMMES])
        programme: Any = self.fields["programme"].widget
        programme.descriptions = {id_: _(profile(id_).summary) for id_ in PROGRAMMES}
        programme.reveals = {
            id_: tuple(name for name in ("password", "client_secret") if name in profile(id_).credentials)
            for id_ in PROGRAMMES
        }
        offered = {brand.id for id_ in PROGRAMMES for brand in profile(id_).brands}
        chosen: Any = self.fields["brands"]
        chosen.choices = [(id_, brand.name) for id_, brand in brands().items() if id_ in offered]
        for name in ("password", "client_secret", "ca"):
            self.fields[name].alternative = True  # type: ignore[attr-defined]  # needed, or not, by what else is given
        if not keeps_keys:
            del self.fields["key"], self.fields["passphrase"]

    def _choose(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field: Any = self.fields[name]
        field.choices = choices
        if len(choices) == 1:
            field.widget = forms.HiddenInput()
            field.initial = choices[0][0]

    def clean_mzp(self) -> str:
        """Case and blanks do not matter here."""
        return "".join(self.cleaned_data["mzp"].split()).upper()

    @property
    def brought(self) -> Brought:
        """What was given. A secret that the programme has no use for was typed before it was chosen, and is dropped."""
        given = self.cleaned_data
        wanted = profile(given["programme"]).credentials

        def content(name: str) -> bytes:
            file: Any = given.get(name)
            return file.read() if file else b""

        return Brought(
            environment=given["environment"],
            programme=given["programme"],
            name=given["name"],
            brands=tuple(given["brands"]),
            mzp=given["mzp"],
            client_id=given["client_id"],
            certificate=content("certificate"),
            ca=content("ca"),
            client_secret=given["client_secret"] if "client_secret" in wanted else "",
            password=given["password"] if "password" in wanted else "",
            key=content("key"),
            passphrase=given.get("passphrase", "").encode(),
        )

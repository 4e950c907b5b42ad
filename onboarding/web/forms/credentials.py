"""Key, CSR, certificate and credentials."""

import unicodedata
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, TypedDict

from django import forms
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from onboarding.credentials.models import CertificateRequest
from onboarding.programmes import SANDBOX_VIN, Profile
from onboarding.web.forms.base import PortalForm
from onboarding.web.forms.fields import AddressField, BoundedFileField, LineField, SecretField, VinField
from onboarding.web.forms.widgets import FileDrop, PemTextarea, RadioCards, SuggestingInput


class CustodyWords(NamedTuple):
    """What the page on which a custody is chosen says of it."""

    name: Any
    meaning: Any
    users: Any
    validation: Any


_LENT = _("You lend it for each call; it is destroyed here afterwards.")

CUSTODIES = {
    CertificateRequest.Custody.BROWSER: CustodyWords(
        _("Your browser makes it, you keep it"),
        _(
            "The page makes the key, and you save it on your machine, encrypted. Only the CSR is sent. "
            "Needs JavaScript, and an address that begins with https."
        ),
        _("Only you, unless you lend it."),
        _LENT,
    ),
    CertificateRequest.Custody.OWN: CustodyWords(
        _("You make it, and keep it"),
        _("With OpenSSL, keytool or what else you use, on your machine. You upload the CSR."),
        _("Only you, unless you lend it."),
        _LENT,
    ),
    CertificateRequest.Custody.VAULT: CustodyWords(
        _("It is kept here, sealed"),
        _("Made on this server, or brought by you. It is encrypted before it is stored."),
        _("This portal, and so whoever runs it. Owners and developers of your company can take an encrypted copy."),
        _("Nothing to lend: the portal does it by itself, as often as you like."),
    ),
}

ADDRESSES_SHOWN = 5
"""How many verified addresses are named as examples."""


class SubjectForm(PortalForm):
    """What the CSR says of its owner, and who is to hold the key. OU and CN are given, not asked for.

    verified: e-mail addresses that the organisation has been proven to read. contacts: those of them that are its named
    contacts', offered as one types.
    """

    C = forms.ChoiceField(label=_("Country (C)"))

    def __init__(
        self,
        *args: Any,
        profile: Profile,
        custodies: list[str],
        verified: Collection[str] = (),
        contacts: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["C"]
        field.choices = [("", _("Choose a country")), *((code, f"{name} ({code})") for code, name in countries)]
        for rule in profile.dn:
            if rule.value or rule.is_mzp:
                continue
            if rule.is_email:
                self.fields[rule.attribute] = AddressField(
                    label=_(rule.label), max_length=rule.max_length, widget=SuggestingInput(suggestions=contacts)
                )
            elif rule.attribute != "C":
                label = f"{_(rule.label)} ({rule.attribute})"
                self.fields[rule.attribute] = LineField(label=label, max_length=rule.max_length)
            # A country is chosen from a list: there is nothing to write.
            said = (rule.what,) if rule.attribute == "C" else (rule.what, rule.put, rule.why)
            # Help texts go onto the page as they are, and addresses are what somebody typed.
            hint = escape(" ".join(str(_(text)) for text in said))
            if rule.is_email and verified:
                others = sorted(set(verified) - {address.casefold() for address in contacts})
                shown = ", ".join([*contacts, *others][:ADDRESSES_SHOWN])
                words = _("Verified addresses of your company: %(addresses)s.") % {"addresses": shown}
                hint = format_html("{}<br>{}", hint, words)
            self.fields[rule.attribute].help_text = hint
        offered = {custody: CUSTODIES[CertificateRequest.Custody(custody)] for custody in custodies}
        self.fields["custody"] = forms.ChoiceField(
            label=_("Who makes and keeps the private key?"),
            choices=[(custody, words.name) for custody, words in offered.items()],
            widget=RadioCards(
                descriptions={custody: words.meaning for custody, words in offered.items()},
                facts={
                    custody: ((_("Who could use it"), words.users), (_("To validate"), words.validation))
                    for custody, words in offered.items()
                },
            ),
            help_text=_("You can change this until the CSR is accepted."),
        )

    @property
    def subject(self) -> dict[str, str]:
        """The attributes entered, by short name."""
        return {name: value for name, value in self.cleaned_data.items() if name != "custody"}


class MakeKeyForm(PortalForm):
    """Custody `vault`: the key's size."""

    bits = forms.TypedChoiceField(label=_("Key size"), coerce=int, widget=RadioCards)

    def __init__(self, *args: Any, profile: Profile, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["bits"]
        field.choices = [(bits, f"RSA {bits}") for bits in profile.key.choices]
        field.initial = profile.key.choices[0]
        field.widget.descriptions = {
            str(profile.key.choices[0]): _("What the documentation uses. Right for most."),
            str(profile.key.choices[-1]): _("Takes a second or two to make, and a little longer at each call."),
        }


class ImportKeyForm(PortalForm):
    """Custody `vault`: a key that was made elsewhere."""

    key = BoundedFileField(
        label=_("Private key"),
        widget=FileDrop,
        help_text=_(
            "PEM or DER: PKCS#1, PKCS#8, or a PKCS#12 keystore, which is what keytool makes, also under the name "
            "keystore.jks. Encrypted or not; at most 64 KiB."
        ),
        error_messages={"required": _("Choose the private key's file.")},
    )
    passphrase = SecretField(
        label=_("Passphrase of the file"),
        required=False,
        help_text=_("If it is encrypted. Used once, to open the file, and not kept."),
    )


class BrowserKeyForm(PortalForm):
    """Custody `browser`: which key to make. Shown, never sent: the choice is the page's script's to read."""

    key = forms.ChoiceField(label=_("Kind of key"), widget=RadioCards)

    def __init__(self, *args: Any, profile: Profile, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["key"]
        kinds: dict[str, Any] = {}
        if "RSA" in profile.key.types:
            kinds |= {f"RSA-{bits}": f"RSA {bits}" for bits in profile.key.choices}
        if "EC" in profile.key.types:
            kinds["EC-256"] = _("EC, curve P-256")
        field.choices = list(kinds.items())
        field.initial = next(iter(kinds))
        field.widget.descriptions = {
            "RSA-2048": _("What the documentation uses. Right for most."),
            "RSA-4096": _("Takes a few seconds to make, and a little longer at each call."),
        }


class BrowserCsrForm(PortalForm):
    """Custody `browser`: the CSR that the page made."""

    csr = forms.CharField(
        label=_("The CSR"),
        max_length=16_384,
        strip=False,
        widget=PemTextarea({"readonly": True, "data-part": "request"}),
        error_messages={"required": _("The page sent no CSR. Make the key first.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.use_required_attribute = False  # the page's script fills it in


class PemOrFileForm(PortalForm):
    """A file, or the same pasted as text: one of the two, so neither is marked as optional.

    file_field: the name of the file's field, which each form has for itself.
    """

    file_field = "file"

    text = forms.CharField(
        label=_("Or paste it here"), required=False, max_length=65_536, widget=PemTextarea, strip=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.alternative = True  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        file, text = cleaned.get(self.file_field), cleaned.get("text", "")
        if bool(file) == bool(text.strip()):
            self.add_error(
                self.file_field,
                _("Give it once: as a file or as text, not both.") if file else _("Choose a file, or paste its text."),
            )
            return cleaned
        cleaned["data"] = file.read() if file else text.encode("utf-8")
        return cleaned


class CsrForm(PemOrFileForm):
    """Custody `own`: the CSR."""

    field_order = ("file", "text")

    file = BoundedFileField(
        label=_("CSR file"),
        required=False,
        widget=FileDrop,
        help_text=_("request.csr: PEM or DER, at most 64 KiB. Never the private key."),
    )


class FilesGiven(TypedDict):
    """A certificate's file, and the CA certificate's; that is empty where it was not given."""

    certificate: bytes
    ca_certificate: bytes


class TakeInForm(PemOrFileForm):
    """A certificate that was signed elsewhere, with the CA certificate: for staff, and for partners who received it."""

    file_field = "certificate"
    field_order: tuple[str, ...] = ("certificate", "text", "ca_certificate")

    certificate = BoundedFileField(
        label=_("Signed certificate"),
        required=False,
        widget=FileDrop,
        help_text=_("PEM, DER, PKCS#7 (.p7b) or a ZIP file, in any order, with or without its chain. At most 64 KiB."),
    )
    ca_certificate = BoundedFileField(
        label=_("CA certificate"),
        required=False,
        widget=FileDrop,
        help_text=_(
            "What signed the certificate, down from its root, and what the fleet API's server is checked against. "
            "Needed unless it is in the first file, or in what you pasted."
        ),
    )

    @property
    def files_given(self) -> FilesGiven:
        """What was given: the certificate's file or text, and the CA certificate's file, if any."""
        ca: Any = self.cleaned_data["ca_certificate"]
        return {"certificate": self.cleaned_data["data"], "ca_certificate": ca.read() if ca else b""}


STORED = ("client_id", "client_secret", "password")
"""What can be stored, by the names that programmes give it."""


class StoreCredentialsForm(PortalForm):
    """What the partner received: only what the programme needs is asked for."""

    client_id = LineField(
        label=_("Client ID"),
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "mono"}),
    )
    client_secret = SecretField(label=_("Client secret"), required=False)
    password = SecretField(label=_("MZP password"), required=False)

    def __init__(self, *args: Any, profile: Profile, held: dict[str, bool], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in STORED:
            if name not in profile.credentials:
                del self.fields[name]
                continue
            if held.get(name) and name != "client_id":
                self.fields[name].help_text = _("One is stored. Leave this empty to keep it.")
            self.fields[name].alternative = True  # type: ignore[attr-defined]  # at least one; none is optional
        if "password" in self.fields:
            self.fields["password"].label = _("Password of your partner login")

    def clean_client_id(self) -> str:
        """A client ID has no blanks inside."""
        client_id: str = self.cleaned_data["client_id"]
        if any(character.isspace() for character in client_id):
            raise forms.ValidationError(_("A client ID has no blanks inside. Copy it again."))
        return client_id

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not any(cleaned.get(name) for name in STORED):
            raise forms.ValidationError(_("Nothing to store: fill in at least one field."))
        return cleaned


class HandOutForm(StoreCredentialsForm):
    """What staff give to the partner. Nothing that is stored is shown to them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "password" in self.fields:
            self.fields["password"].label = _("Password of the partner login")


class RunForm(PortalForm):
    """What a run may be given: a vehicle to ask about, too.

    has_login: whether the programme's calls carry a partner login. in_sandbox: whether the sandbox is called.
    """

    vin = VinField(label=_("Vehicle identification number (VIN)"), required=False)

    def __init__(self, *args: Any, has_login: bool = True, in_sandbox: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        proves = _WITH_LOGIN if has_login else _WITHOUT_TOKEN
        example = format_html(str(_SANDBOX_VEHICLE), vin=format_html('<span class="mono">{}</span>', SANDBOX_VIN))
        said = [proves, _VIN_IS_ERASED, *([example] if in_sandbox else [])]
        self.fields["vin"].help_text = format_html_join(mark_safe("<br>"), "{}", ((text,) for text in said))


_WITH_LOGIN = _(
    "After all other checks the API is asked what this vehicle can do. An answer shows that the vehicle is one that "
    "your login may ask about. If there is none, the run passes all the same, with a warning."
)
_WITHOUT_TOKEN = _(
    "After all other checks the API is asked what this vehicle can do, without a driver's token. An answer shows that "
    "the API knows the vehicle; not that its driver has consented, nor that data will come. That it answers without a "
    "token is our assumption: if it does not, the run passes all the same, with a warning."
)
_VIN_IS_ERASED = _(
    "A VIN leads to a person: it is sealed, used for this run only, and erased when the run ends. Results show its "
    "last four characters."
)
_SANDBOX_VEHICLE = _("The sandbox knows {vin}.")


class OneRunKeyForm(RunForm):
    """Custody `own` or `browser`: the key, for one run."""

    field_order = ("key", "passphrase", "vin")

    key = BoundedFileField(
        label=_("Private key"),
        widget=FileDrop,
        help_text=_(
            "The file private-key.pem. Used for this one call, sealed until then, and destroyed when the call ends."
        ),
        error_messages={"required": _("Choose the private key's file.")},
    )
    passphrase = SecretField(
        label=_("Passphrase of the key"),
        required=False,
        help_text=_("If the file is encrypted, as OpenSSL and your browser make it."),
    )

    def __init__(self, *args: Any, made_in_browser: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.made_in_browser = made_in_browser

    def clean_passphrase(self) -> str:
        """The page's script encrypts under the composed form (NFC) of what was typed; other programs, as it is."""
        passphrase: str = self.cleaned_data["passphrase"]
        return unicodedata.normalize("NFC", passphrase) if self.made_in_browser else passphrase


class ExportKeyForm(PortalForm):
    """Custody `vault`: the passphrase under which a copy of the key is taken away."""

    passphrase = forms.CharField(
        label=_("Passphrase"),
        min_length=16,
        max_length=200,
        strip=False,
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Encrypts the file. Note it before you download: it is not kept here. At least 16 characters."),
    )

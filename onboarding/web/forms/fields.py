"""Fields that several forms share: bounded texts, bounded uploads."""

import unicodedata
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from onboarding.fleet import vin

# Bidirectional overrides can make a text read differently from what it is.
DIRECTION_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

JOINERS = frozenset("\u200c\u200d")
"""They shape what stands around them, in emoji and in some scripts; alone they are nothing."""
SHAPELESS = str.maketrans("", "", "\u00ad\u200b\u2060\ufeff")
"""Soft hyphens and spaces of no width: they come along with what is pasted, and make alike texts differ."""


def written(value: Any) -> Any:
    """Return a text without what has no shape; empty if nothing in it can be seen. What is no text stays as it is."""
    if not isinstance(value, str):
        return value
    text = value.translate(SHAPELESS)
    is_seen = any(unicodedata.category(one)[0] not in "MZ" and one not in JOINERS for one in text)
    return text if is_seen else ""


def printable(value: str) -> None:
    """Raise ValidationError for control characters (save line breaks and tabs) and direction marks."""
    for character in value:
        if character in DIRECTION_MARKS or (
            unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn") and character not in "\n\r\t"
        ):
            raise ValidationError(
                _("This holds a character that cannot be shown (U+%(code)s). Type it again instead of pasting it."),
                code="unprintable",
                params={"code": f"{ord(character):04X}"},
            )


class LineField(forms.CharField):
    """One line of text, of bounded length."""

    default_validators = [*forms.CharField.default_validators, printable]

    def to_python(self, value: Any) -> str:
        return super().to_python(written(value)) or ""

    def clean(self, value: Any) -> str:
        cleaned: str = super().clean(value)
        if any(character in cleaned for character in "\n\r\t\u2028\u2029"):
            raise ValidationError(_("Write this on one line."), code="line_break")
        return cleaned


class TextField(forms.CharField):
    """Several lines of text, of bounded length."""

    default_validators = [*forms.CharField.default_validators, printable]
    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        # Before the length is checked: browsers count a line break as one character, and send two.
        return (super().to_python(written(value)) or "").replace("\r\n", "\n")


def deliverable(value: str) -> None:
    """Raise ValidationError where mail could not be sent: Django lets some letters through that are none of ASCII's."""
    if not value.rpartition("@")[0].isascii():
        raise ValidationError(
            _("Before the @ only plain letters, digits and signs can stand: mail would not arrive."), code="invalid"
        )


class AddressField(forms.EmailField):
    """An e-mail address that can be written to."""

    default_validators = [*forms.EmailField.default_validators, deliverable]


class SecretField(forms.CharField):
    """A secret: never trimmed, never sent back to the page."""

    widget = forms.PasswordInput(attrs={"autocomplete": "off"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, max_length=1000, **kwargs)


class VinField(forms.CharField):
    """A vehicle identification number, in any case and with blanks; empty where there is none."""

    widget = forms.TextInput(
        attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false", "class": "mono"}
    )
    default_error_messages = {
        "characters": _("A VIN has digits and letters, but no I, O and Q, which look like 1 and 0. Check: %(found)s"),
        "length": _("A VIN has %(expected)s characters; this has %(count)s. Copy it again, whole."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=100, **kwargs)

    def clean(self, value: Any) -> str:
        typed: str = super().clean(value)
        if not typed:
            return ""
        try:
            return vin.read(typed)
        except vin.BadVin as bad:
            code = "characters" if bad.characters else "length"
            params = {"found": " ".join(bad.characters), "expected": vin.LENGTH, "count": bad.length}
            raise ValidationError(self.error_messages[code], code=code, params=params) from None


class BoundedFileField(forms.FileField):
    """An uploaded file of at most MAX_UPLOAD_BYTES."""

    default_error_messages = {
        "empty": _("This file is empty. Choose another one."),
        "too_large": _("This file is larger than %(limit)s KiB. Choose the file itself, not a scan or a whole folder."),
    }

    def clean(self, data: Any, initial: Any = None) -> Any:
        file = super().clean(data, initial)
        if isinstance(file, UploadedFile) and (file.size or 0) > settings.MAX_UPLOAD_BYTES:
            raise ValidationError(
                self.error_messages["too_large"],
                code="too_large",
                params={"limit": settings.MAX_UPLOAD_BYTES // 1024},
            )
        return file

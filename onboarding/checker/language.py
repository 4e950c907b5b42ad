"""The reader's language, from the compiled catalogues that are in the file."""

import gettext
import io
import locale
import os
import pkgutil
from collections.abc import Callable, Mapping

Translate = Callable[[str], str]

ENGLISH = "en"
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")  # in the order in which POSIX looks at them


def chosen(asked: str | None, environ: Mapping[str, str]) -> str:
    """Return the language to speak: the one asked for, or the one that the system speaks. "en", "fr", …"""
    said = asked or next((environ[name] for name in _VARIABLES if environ.get(name)), "")
    if not said and os.name == "nt":
        said = (locale.getlocale()[0] or "").replace("French", "fr")
    language = said[:2].lower()
    return language if len(language) == 2 and language.isalpha() and language.isascii() else ENGLISH


def translator(language: str) -> Translate:
    """Return the translation into a language; English where the file has no catalogue of it."""
    try:
        catalogue = pkgutil.get_data(__package__, f"locale/{language}/LC_MESSAGES/django.mo")
    except OSError:
        return str
    return gettext.GNUTranslations(io.BytesIO(catalogue)).gettext if catalogue else str

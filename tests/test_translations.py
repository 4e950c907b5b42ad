"""The product in each of its languages: nothing is missing, and nothing says another thing than the English does."""

import re
import string
import subprocess
from collections.abc import Callable
from copy import deepcopy
from itertools import zip_longest
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.mofile import read_mo
from django.test import Client
from django.utils import translation

from onboarding import translations
from onboarding.findings import Finding, Severity, explain
from onboarding.fleet import faults
from onboarding.fleet import messages as fleet
from onboarding.fleet.checks import Check, Result, Rung, Turn
from onboarding.notifications.mails import render
from onboarding.notifications.models import Mail
from onboarding.partners.models import User
from onboarding.pki import messages as pki

CATALOGUES = sorted(translations.LOCALE.glob("*/LC_MESSAGES/django.po"))


@pytest.fixture(params=CATALOGUES, ids=lambda path: path.parent.parent.name)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def catalogue(path: Path) -> Catalog:
    return translations.read(path)


@pytest.fixture(scope="module")
def extracted() -> Catalog:
    return translations.extracted()


def texts(value: object) -> tuple[str, ...]:
    """Return the forms of a message or of its translation: one, or singular and plural."""
    return tuple(value) if isinstance(value, list | tuple) else (value,)  # type: ignore[return-value]


def entries(catalogue: Catalog) -> set[tuple[str | None, tuple[str, ...], tuple[str, ...]]]:
    """Return what a catalogue says, without its header."""
    return {(message.context, texts(message.id), texts(message.string)) for message in catalogue if message.id}


def placeholders(text: str) -> list[str]:
    """Return what is filled in: {found} and %(operator)s, each as often as it is there."""
    return sorted(re.findall(r"%\(\w+\)[a-z]|%[ds%]|\{\w*\}", text))


def test_french_is_there() -> None:
    assert [path.parent.parent.name for path in CATALOGUES] == ["fr"]


def test_every_text_of_the_product_is_translated(catalogue: Catalog, extracted: Catalog) -> None:
    missing = []
    for text in extracted:
        known = catalogue.get(text.id, text.context) if text.id else text
        if known is None or (text.id and not translations.is_translated(known)):
            missing.append(text.id)
    assert missing == [], "make messages brings these in; then translate them"


def test_nothing_is_left_of_texts_that_are_gone(catalogue: Catalog, extracted: Catalog) -> None:
    assert [text.id for text in catalogue if text.id and extracted.get(text.id, text.context) is None] == []


def test_no_translation_is_a_guess(catalogue: Catalog) -> None:
    assert [message.id for message in catalogue if message.fuzzy] == []


def test_a_translation_fills_in_what_the_english_does(catalogue: Catalog) -> None:
    """Form by form; a language with more forms than English has the English plural before it in all further ones."""
    differing = [
        (english, form)
        for message in catalogue
        for english, form in zip_longest(texts(message.id), texts(message.string), fillvalue=texts(message.id)[-1])
        if message.id and form and placeholders(form) != placeholders(english)
    ]
    assert differing == []


def test_a_translation_can_be_filled_in_wherever_the_english_can(catalogue: Catalog) -> None:
    """No brace or per cent sign too many: `str.format` and `%` would raise where the English is fine."""
    for message in catalogue:
        if message.id and "python-brace-format" in message.flags:
            for form in texts(message.string):
                list(string.Formatter().parse(form))
        assert not list(message.check(catalogue)), message.id


def test_line_ends_around_a_text_are_kept(catalogue: Catalog) -> None:
    for message in catalogue:
        for form in texts(message.string) if message.id else ():
            english = texts(message.id)[0]
            assert (english.startswith("\n"), english.endswith("\n")) == (form.startswith("\n"), form.endswith("\n"))


def test_marks_in_french_stand_behind_a_space_that_does_not_break(extracted: Catalog) -> None:
    catalogue = translations.read(translations.LOCALE / "fr" / "LC_MESSAGES" / "django.po")
    assert [m.id for m in catalogue if m.id and any(re.search(' [:;?!»]|« |"', form) for form in texts(m.string))] == []


def test_each_fault_and_each_finding_speaks_french() -> None:
    catalogue = translations.read(translations.LOCALE / "fr" / "LC_MESSAGES" / "django.po")
    for message in [*pki.MESSAGES.values(), *(fleet.MESSAGES[fault.code] for fault in faults.FAULTS)]:
        for text in filter(None, (message.title, message.remedy)):
            assert catalogue.get(text) is not None, text
            assert catalogue[text].string, text


@pytest.mark.needs("msgfmt")
def test_gnu_gettext_finds_nothing_wrong_with_it(path: Path) -> None:
    command = ["msgfmt", "--check-format", "--check-domain", "--output-file=-", path]
    said = subprocess.run(command, capture_output=True, check=False)
    assert (said.returncode, said.stderr) == (0, b"")


MAILS = sorted(path.stem for path in (translations.ROOT / "templates" / "mail").glob("*.txt"))


@pytest.mark.parametrize("kind", MAILS)
def test_each_mail_is_written_in_the_language_of_its_reader(kind: str) -> None:
    values = ("application", "application_id", "reference", "organisation", "environment", "mzp", "note", "what",
              "registration_id", "certificate_request_id")  # fmt: skip
    check = Check(Rung.CLIENT_ID, "client_id_missing", Result.FAILED, Turn.OPERATOR)
    params = {name: f"<{name}>" for name in values} | {"check": check.to_json(), "stage": "review"}
    english, french = (
        render(Mail(kind=kind, language=language, address="a@b.c", params=params)) for language in ("en", "fr")
    )
    filled = re.compile(r"<\w+>|http://[^ \n]+")
    assert english.subject != french.subject
    assert sorted(filled.findall(english.body)) == sorted(filled.findall(french.body))
    assert not re.search(r"\b(the|your|and|has)\b", filled.sub("", french.body))


def test_who_has_signed_in_reads_their_own_language_whatever_the_browser_asks_for(
    owner: User, signed_in: Callable[[User], Client], stranger: Client
) -> None:
    owner.language = "fr"
    owner.save()
    for client, asked, language in ((signed_in(owner), "en", "fr"), (stranger, "fr", "fr"), (stranger, "de", "en")):
        answer = client.get("/", headers={"Accept-Language": asked})
        assert answer.headers["Content-Language"] == language
        assert f'<html lang="{language}">' in answer.content.decode()


def test_the_name_of_a_field_in_a_finding_is_translated_too() -> None:
    missing = Finding(
        "attribute_missing", Severity.ERROR, "C", params={"label": "Country", "example": "FR", "command": ""}
    )
    with translation.override("fr"):
        assert explain(missing, pki.MESSAGES, translation.gettext).title == "Pays (C) manque."


def test_the_portal_reads_the_catalogue_as_it_is_now(path: Path, catalogue: Catalog) -> None:
    """`make setup` made the .mo file of this .po file."""
    with path.with_suffix(".mo").open("rb") as file:
        made = entries(read_mo(file))
    assert made == entries(catalogue), "make setup makes it anew"


def test_make_messages_brings_in_what_is_new_untranslated_and_takes_out_what_is_gone(
    path: Path, extracted: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = translations.read(path)
    older.delete("Country")
    older.add("Countries", "Des pays")
    file = tmp_path / path.relative_to(translations.LOCALE)
    file.parent.mkdir(parents=True)
    file.write_bytes(translations.written(older))
    monkeypatch.setattr(translations, "ROOT", tmp_path)
    monkeypatch.setattr(translations, "LOCALE", tmp_path)
    monkeypatch.setattr(translations, "extracted", lambda: deepcopy(extracted))
    translations.update()
    updated = translations.read(file)
    assert updated.get("Countries") is None
    assert updated["Country"].string == ""
    assert entries(updated) == {
        (context, id_, ("",) if id_ == ("Country",) else string)
        for context, id_, string in entries(translations.read(path))
    }

"""The pages in French: one person walks in English, a colleague reads each page in French."""

import re
from collections.abc import Iterator

import pytest

from tests.browser import steps
from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor

NAME = "Tableau de bord"
ENGLISH = re.compile(r"\b(the|your|this|with|which|what|cannot|was|been|not|and|of|for)\b", re.I)

# Commands, names that are the same in every language, and what people wrote themselves.
_TEXT = """
() => {
  const copy = document.body.cloneNode(true);
  for (const one of copy.querySelectorAll("pre, code, option, script, template, .mono, [lang]")) one.remove();
  return copy.textContent;
}
"""
_FOREIGN = (steps.CONCEPT, steps.PURPOSE, "Accessing Party for End-Users API")


def read(person: Visitor, path: str) -> None:
    """Open a page, and expect that it fits on a phone and has no English on it."""
    person.open(path)
    no_english(person)


def no_english(person: Visitor) -> None:
    """Expect that the page fits on a phone and has no English on it."""
    person.examiner.measure(person.page, f"{person.path}, in French")
    text = " ".join(person.page.evaluate(_TEXT).split())
    for foreign in _FOREIGN:
        text = text.replace(foreign, "")
    assert person.page.locator("html").get_attribute("lang") == "fr"
    left = [text[max(0, found.start() - 40) : found.end() + 40] for found in ENGLISH.finditer(text)]
    assert left == [], person.path


@pytest.fixture
def french(visit: Visit) -> Iterator[Visit]:
    """Like visit, for people who have chosen French; at the end they have English again."""
    people: list[Visitor] = []

    def bring(role: str, **options: object) -> Visitor:
        person = visit(role, **options).open("/profile/").choose("Français").press("Save")
        people.append(person)
        return person

    yield bring
    for person in people:
        person.open("/profile/").choose("English").press("Enregistrer")


def test_strangers_read_the_language_that_their_browser_asks_for(visit: Visit) -> None:
    stranger = visit(locale="fr-FR")
    for path in ("/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/no/such/page/"):
        read(stranger, path)


def test_the_journey_speaks_french(visit: Visit, french: Visit) -> None:
    walker, reviewer = visit("Example Mobility Owner"), visit("Reviewer")
    reader = french("Example Mobility Developer")
    read(reader, "/applications/new/")
    path = steps.describe(walker, steps.FLEET_OWNER, NAME, "Example Mobility")
    for step in ("programme", "concept", "company", "usage", "data", "purposes", "compliance", "environments", "check"):
        read(reader, f"{path}describe/{step}/")
    walker.press("Submit for review")
    read(reader, f"{path}describe/receipt/1/")
    read(reader, path)
    steps.approve(reviewer, NAME, "MZP400004")
    for page in ("conversation", "history", "submissions"):
        read(reader, f"{path}{page}/")
    read(reader, f"{path}sandbox/key/")
    steps.name_the_key(walker, path, "You make it, and keep it")
    read(reader, f"{path}sandbox/key/upload/")
    reader.give("Fichier de la CSR", "request.csr", b"-----BEGIN PRIVATE KEY-----\n").press(
        "Vérifier et soumettre la CSR"
    )
    no_english(reader)
    steps.name_the_key(walker, path, "It is kept here")
    read(reader, f"{path}sandbox/key/make/")
    walker.press("Make the key and submit the CSR").wait_for_key()
    read(reader, f"{path}sandbox/csr/")
    desk = french("Issuer")
    read(desk, "/desk/certificates/")
    desk.follow(re.compile(NAME))
    no_english(desk)
    desk.press("Signer avec la CA intégrée").sees("Signée.")
    for page in ("certificate", "credentials", "kit", "validate", "rehearse"):
        read(reader, f"{path}sandbox/{page}/")
    reader.open(f"{path}sandbox/credentials/").fill({"Mot de passe de votre identifiant": "not the right one"}).press(
        "Enregistrer"
    )
    reader.open(f"{path}sandbox/validate/").press("Valider").wait_for_run("Échec")
    read(reader, reader.path)
    read(reader, path)
    for page in ("/", "/profile/", "/profile/history/", "/accounts/email/", "/accounts/2fa/", "/accounts/sessions/"):
        read(reader, page)

"""Company names that people would take for one another."""

import pytest

from onboarding.partners.models import Contact, Organisation
from onboarding.partners.names import alike, domain_sketch, name_key, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Société Dupont, S.A.S.", "SOCIETE DUPONT"),
        ("Example Mobility GmbH & Co. KG", "example-mobility"),
        ("Trans Sp. z o.o.", "TRANS"),
        ("Müller A/S", "Muller"),
        ("АСМЕ Ltd", "ACME"),  # Cyrillic letters
        ("L’Oréal S. A.", "L'Oreal"),
    ],
)
def test_two_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other) != ""


def test_a_name_that_is_all_legal_forms_keeps_a_word() -> None:
    assert words("SAS AB") == ["sas"]


@pytest.mark.parametrize("other", ["Exampel Mobility", "Examp1e Mobility", "Exarnple Mobility", "Mobility Example"])
def test_a_slip_a_lookalike_or_words_in_another_order_are_alike(other: str) -> None:
    assert alike("Example Mobility", f"{other} GmbH")


def test_a_groups_companies_are_alike_and_a_rival_is_not() -> None:
    assert alike("Example Mobility", "Example Mobility Germany GmbH")
    assert not alike("Example Mobility", "Rival Mobility")


def test_a_domain_is_compared_by_how_it_looks() -> None:
    assert domain_sketch("exarnple-mobi1ity.com") == domain_sketch("example-mobility.com")


def test_rows_keep_what_they_are_found_by_however_they_are_made(db: None) -> None:
    Organisation.objects.bulk_create([Organisation(name="Société Dupont SAS", country="FR")])
    organisation = Organisation.objects.get(name_key="societedupont")
    contact = Contact.objects.create(organisation=organisation, name="C", email="Fleet@Dupont.example")
    assert contact.domain == "dupont.example"
    assert Contact.objects.create(organisation=organisation, name="F", email="dupont@gmail.com").domain == ""

"""What stands out in a request: worked out from facts."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from onboarding.partners.models import Contact, Organisation, PartnerLogin, User
from onboarding.programmes import RateLimits, catalogue
from onboarding.registrations import flows
from onboarding.registrations.hint_facts import gather
from onboarding.registrations.hints import CODES, Distribution, Facts, Hint, hints
from onboarding.registrations.models import Application
from onboarding.registrations.usage_figures import count_usage, kept, percentiles
from tests.conftest import staff
from tests.journey import ANSWERS, described, submitted

LIMITS = RateLimits(per_day=100_000, per_second=100)


def facts(**more: Any) -> Facts:
    answers = {**ANSWERS, "programme": "fleet_owner", **more.pop("answers", {})}
    own = frozenset({"owner@example-mobility.example"})
    return Facts(**{"answers": answers, "company": "Example Mobility", "limits": LIMITS, "addresses": own} | more)


def look(found: Facts) -> dict[str, Hint]:
    return {hint.finding.code: hint for hint in hints(found) if hint.is_worth_a_look}


def of(application: Application) -> dict[str, Hint]:
    return look(gather(application, application.registration.answers))


def test_an_ordinary_request_has_nothing_that_stands_out() -> None:
    assert look(facts()) == {}


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"contact_email": "example.mobility@gmail.com"}, "free_mail"),
        ({"contact_email": "fleet@example-mobi1ity.example"}, "lookalike_domain"),
        ({"contact_email": "fleet@agency.example"}, "other_domain"),
        ({"purpose_location": ""}, "no_purpose"),
        ({"purpose_location": "Needed."}, "short_purpose"),
        ({"purpose_telemetry": ANSWERS["purpose_location"].upper()}, "repeated_purpose"),
        ({"concept": "Vans."}, "short_concept"),
        ({"requests_per_month": 3_000_030}, "over_limit"),
        ({"company": "Exаmple Mobility"}, "lookalikes"),  # a Cyrillic letter
        ({"company": "Sample Mobility"}, "renamed"),
        ({"mzp": "MZP123456"}, "login_example"),
        ({"data_items": [item.id for category in catalogue() for item in category.items]}, "all_data"),
    ],
)
def test_what_the_description_says_can_stand_out(answers: dict[str, Any], code: str) -> None:
    assert code in look(facts(answers=answers))


def test_without_a_domain_of_its_own_nothing_shows_that_the_contact_is_the_companys() -> None:
    assert "no_domain" in look(facts(addresses=frozenset({"dupont@gmail.com"})))


def test_usage_stands_out_above_95_in_a_hundred_of_enough_others() -> None:
    others = percentiles(sorted(range(1000, 101_000, 1000)))
    assert "unusual" not in look(facts(usage={"requests_per_month": Distribution(100, others)}))
    assert "unusual" not in look(facts(usage={"requests_per_month": Distribution(5, [1.0] * 101)}))
    assert "unusual" in look(facts(usage={"requests_per_month": Distribution(100, [1.0] * 101)}))


def test_the_figures_of_others_are_counted_in_the_background(owner: User) -> None:
    submitted(owner)
    assert kept("fleet_owner") == {}
    count_usage()
    found = kept("fleet_owner")["requests_per_month"]
    assert (found.count, found.percentiles[95], found.below(90_000), found.below(90_001)) == (1, 90_000, 0, 100)


def test_names_like_this_one_are_found_without_reading_all(owner: User, partner: Organisation) -> None:
    made = [f"Company {number:03}" for number in range(200)]
    Organisation.objects.bulk_create(Organisation(name=name, country="FR") for name in made)
    Organisation.objects.create(name="EXAMPLE MOBILITY S.A.", country="FR")
    Organisation.objects.create(name="Exampel Mobility", country="FR")
    Organisation.objects.create(name="Example Mobility Iberia SL", country="ES")
    found = of(submitted(owner))
    assert [link.label for link in found["same_name"].links] == ["EXAMPLE MOBILITY S.A."]
    assert {link.label for link in found["similar_name"].links} == {"Exampel Mobility", "Example Mobility Iberia SL"}


def test_another_organisation_at_the_contacts_domain_is_named(owner: User, rival_partner: Organisation) -> None:
    Contact.objects.create(
        organisation=rival_partner, name="R", email="r@example-mobility.example", verified_at=timezone.now()
    )
    assert [link.label for link in of(submitted(owner))["domain_elsewhere"].links] == ["Rival Fleet Services"]


def test_what_became_of_the_companys_other_applications(owner: User, reviewer: User) -> None:
    first = submitted(owner).registration
    flows.take(first, actor=staff(reviewer))
    flows.decline(first, reason="concept", note="No.", actor=staff(reviewer))
    found = of(submitted(owner))
    assert [(link.label, link.state) for link in found["refused_before"].links] == [("Depot dashboard", "declined")]
    assert "same_application" in found


@pytest.mark.parametrize(
    ("theirs", "code"),
    [
        ({"confirmed_at": timezone.now()}, "login_of_other"),
        ({}, "login_claimed"),
        ({"confirmed_at": timezone.now(), "retired_at": timezone.now()}, "login_retired"),
    ],
)
def test_a_partner_login_that_another_has_or_claims(
    owner: User, rival_partner: Organisation, theirs: dict[str, Any], code: str
) -> None:
    PartnerLogin.objects.create(organisation=rival_partner, mzp="MZP222222", **theirs)
    assert code in of(described(owner, mzp="MZP222222"))


def test_looking_facts_up_costs_the_same_with_many_organisations(owner: User, rival_partner: Organisation) -> None:
    application = submitted(owner)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            gather(application, application.registration.answers)
        return len(queries)

    before = cost()
    for number in range(5):
        Organisation.objects.create(name=f"Example Mobility {number}", country="FR")
        submitted(owner)
    assert cost() == before <= 14


def test_every_hint_has_its_words(owner: User, reviewer: User, signed_in: Callable[[User], Client]) -> None:
    used = {hint.finding.code for hint in hints(facts())}
    assert used <= set(CODES)
    Organisation.objects.create(name="EXAMPLE MOBILITY S.A.", country="FR")
    registration = submitted(owner).registration
    shown = signed_in(reviewer).get(f"/desk/registrations/{registration.pk}/").content.decode()
    assert "Another organisation has the same name" in shown
    assert "EXAMPLE MOBILITY S.A.</a>" in shown
    assert 'id="step-company"' in shown


def test_no_partner_reads_hints(owner: User, signed_in: Callable[[User], Client]) -> None:
    Organisation.objects.create(name="EXAMPLE MOBILITY S.A.", country="FR")
    application = submitted(owner)
    client = signed_in(owner)
    assert client.get(f"/desk/registrations/{application.registration.pk}/").status_code in (403, 404)
    for page in ("", "history/", "describe/check/"):
        shown = client.get(f"/applications/{application.pk}/{page}").content.decode()
        assert "EXAMPLE MOBILITY S.A." not in shown

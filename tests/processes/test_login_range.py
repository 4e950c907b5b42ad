"""Partner logins out of a configured range: one after the other, each once."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from onboarding.partners.login_range import LoginRange
from onboarding.partners.models import Organisation, PartnerLogin, User
from onboarding.registrations import flows, logins
from onboarding.registrations.models import Registration
from onboarding.web.checks import settings_agree
from tests.conftest import staff
from tests.journey import submitted

Browser = Callable[[User], Client]


@pytest.fixture(autouse=True)
def a_range(settings: object) -> None:
    settings.PARTNER_LOGIN_RANGE = "MZP100000-MZP100003"


def taken(owner: User, reviewer: User) -> Registration:
    registration = submitted(owner).registration
    flows.take(registration, actor=staff(reviewer))
    return registration


def test_the_lowest_that_nobody_has_had_or_claims_is_next(
    partner: Organisation, rival_partner: Organisation, reviewer: User
) -> None:
    now = timezone.now()
    PartnerLogin.objects.create(organisation=rival_partner, mzp="MZP100000", confirmed_at=now, retired_at=now)
    PartnerLogin.objects.create(organisation=rival_partner, mzp="MZP100002")
    given = [logins.assign_next(partner, actor=staff(reviewer)).mzp for _time in range(2)]
    assert given == ["MZP100001", "MZP100003"]
    assert logins.next_of_range() == logins.Next("", 0)
    with pytest.raises(logins.RangeExhausted):
        logins.assign_next(partner, actor=staff(reviewer))


def test_what_was_given_once_is_not_given_again_though_its_row_is_gone(partner: Organisation, reviewer: User) -> None:
    logins.assign_next(partner, actor=staff(reviewer))
    PartnerLogin.objects.all().delete()
    assert logins.next_of_range() == logins.Next("MZP100001", 3)


def test_an_approval_that_fails_uses_nothing_up(owner: User, reviewer: User) -> None:
    registration = taken(owner, reviewer)
    with pytest.raises(logins.NextMoved):
        flows.approve(registration, of_range=True, seen="MZP100009", actor=staff(reviewer))
    assert logins.next_of_range() == logins.Next("MZP100000", 4)
    assert flows.approve(registration, of_range=True, seen="MZP100000", actor=staff(reviewer)).mzp == "MZP100000"


@pytest.mark.parametrize(
    "text", ["MZP100000", "MZP1-MZP02", "MZP2-MZP1", "ABC100-MZP200", "mzp100-mzp200", "1000-2000", "A1-A2"]
)
def test_a_range_that_is_none_is_refused_at_start(settings: object, text: str) -> None:
    settings.PARTNER_LOGIN_RANGE = text
    with pytest.raises(ValueError, match=r"\w"):
        LoginRange.parse(text)
    assert "portal.E014" in {found.id for found in settings_agree()}


def test_the_form_offers_the_companys_own_the_next_one_and_another(
    owner: User, reviewer: User, partner: Organisation, signed_in: Browser
) -> None:
    PartnerLogin.objects.create(organisation=partner, mzp="MZP128745", confirmed_at=timezone.now())
    registration = taken(owner, reviewer)
    url = f"/desk/registrations/{registration.pk}/"
    client = signed_in(reviewer)
    shown = client.get(url).content.decode()
    assert "MZP128745, which this company has" in shown
    assert "MZP100000, the next of the range" in shown
    assert "4 partner logins are left in the range" in shown
    assert client.post(f"{url}approve/", {"login": "next", "mzp": "", "seen": "MZP100000"}).status_code == 302
    assert Registration.objects.get().application.partner_login.mzp == "MZP100000"


def test_who_saw_another_next_one_is_told_and_shown_the_new_one(
    owner: User, reviewer: User, rival_partner: Organisation, signed_in: Browser
) -> None:
    registration = taken(owner, reviewer)
    logins.assign_next(rival_partner, actor=staff(reviewer))
    url = f"/desk/registrations/{registration.pk}/"
    response = signed_in(reviewer).post(f"{url}approve/", {"login": "next", "seen": "MZP100000"})
    assert response.status_code == 409
    assert "the next partner login is MZP100001 now" in response.content.decode()
    assert "MZP100001, the next of the range" in response.content.decode()


def test_what_was_typed_beside_another_choice_is_not_passed_over(
    owner: User, reviewer: User, signed_in: Browser
) -> None:
    url = f"/desk/registrations/{taken(owner, reviewer).pk}/approve/"
    response = signed_in(reviewer).post(url, {"login": "next", "mzp": "MZP555555", "seen": "MZP100000"})
    assert (response.status_code, set(response.context["approve"].errors)) == (422, {"login"})
    assert Registration.objects.get().state == "in_review"


@pytest.mark.parametrize(
    ("mzp", "theirs", "words"),
    [
        ("mzp-1", None, "only capital letters and digits"),
        ("MZP555555", {}, "belongs to another company (Rival Fleet Services)"),
        ("MZP555555", {"retired_at": timezone.now()}, "was retired"),
        ("", None, "Name the partner login"),
    ],
)
def test_a_typed_one_that_cannot_be_is_named_with_the_remedy(
    owner: User, reviewer: User, rival_partner: Organisation, signed_in: Browser, mzp: str, theirs: object, words: str
) -> None:
    if theirs is not None:
        PartnerLogin.objects.create(organisation=rival_partner, mzp=mzp, confirmed_at=timezone.now(), **theirs)
    url = f"/desk/registrations/{taken(owner, reviewer).pk}/approve/"
    response = signed_in(reviewer).post(url, {"login": "typed", "mzp": mzp})
    assert response.status_code == 422
    assert words in response.context["approve"].errors["mzp"][0]
    assert f'value="{mzp}"' in response.content.decode() or not mzp

"""A company that is deleted in the moment in which another request of it writes: a clear page, and nothing by half."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, OperationalError, transaction
from django.test import Client

from onboarding.partners.models import Membership, Organisation, User


@pytest.mark.django_db(transaction=True)
def test_a_reference_to_what_is_gone_is_said_on_either_database(
    partner: Organisation, owner: User, signed_in: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(owner)

    def start(organisation: Organisation, *_given: Any, **_more: Any) -> None:
        with transaction.atomic():
            Membership.objects.create(organisation_id=owner.pk, user=owner, role="viewer")  # no such organisation

    monkeypatch.setattr("onboarding.web.views.application.flows.start_application", start)
    answer = client.post("/applications/new/", {"organisation": str(partner.pk), "programme": "fleet_owner"})
    assert answer.status_code == 410


@pytest.mark.parametrize("gone", [True, False])
def test_a_row_that_is_missed_is_only_excused_where_the_company_is_gone(
    partner: Organisation,
    owner: User,
    colleague: User,
    signed_in: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
    gone: bool,
) -> None:
    client = signed_in(owner)

    def missing(*_given: Any, **_more: Any) -> None:
        if gone:
            Organisation.objects.filter(pk=partner.pk).delete()
        raise Membership.DoesNotExist

    monkeypatch.setattr("onboarding.web.views.organisation.members.leave", missing)
    if gone:
        assert client.post(f"/organisation/{partner.pk}/leave/").status_code == 410
    else:
        with pytest.raises(ObjectDoesNotExist):
            client.post(f"/organisation/{partner.pk}/leave/")


@pytest.mark.django_db(transaction=True)
def test_other_mistakes_of_ours_stay_mistakes(
    partner: Organisation, owner: User, signed_in: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(owner)

    def start(*_given: Any, **_more: Any) -> None:
        Membership.objects.create(organisation=partner, user=owner, role="owner")  # a second time

    monkeypatch.setattr("onboarding.web.views.application.flows.start_application", start)
    with pytest.raises(IntegrityError):
        client.post("/applications/new/", {"organisation": str(partner.pk), "programme": "fleet_owner"})


def test_whoever_the_database_gives_up_for_another_reads_that_nothing_was_done(
    partner: Organisation, owner: User, signed_in: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deadlock(Exception):
        sqlstate = "40P01"

    def clash(*_given: Any, **_more: Any) -> None:
        raise OperationalError("deadlock detected") from Deadlock()

    monkeypatch.setattr("onboarding.web.views.organisation.members.leave", clash)
    answer = signed_in(owner).post(f"/organisation/{partner.pk}/leave/")
    assert answer.status_code == 409
    assert "What you sent was not carried out" in answer.content.decode()

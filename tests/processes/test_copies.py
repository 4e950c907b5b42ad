"""An application copied: the same answers, and nothing else."""

import pytest

from onboarding.partners.models import User
from onboarding.registrations import flows
from onboarding.registrations.description import missing
from onboarding.registrations.models import Registration
from tests.conftest import member, staff
from tests.journey import described, submitted


def test_a_copy_has_the_answers_and_asks_for_the_attestations_anew(owner: User, reviewer: User) -> None:
    first = submitted(owner)
    flows.take(first.registration, actor=staff(reviewer))
    flows.decline(first.registration, reason="concept", note="Not this one.", actor=staff(reviewer))
    copy = flows.copy_application(first, actor=member(owner))
    assert (copy.name, copy.registration.state, copy.partner_login) == ("Depot dashboard (copy)", "draft", None)
    assert copy.reference != first.reference
    assert [question.name for question in missing(copy.registration.answers)] == ["exve", "gdpr", "maker_rules"]
    same = {"concept", "brands", "data_items", "requests_per_month", "contact_email"}
    assert all(copy.registration.answers[name] == first.registration.answers[name] for name in same)
    assert copy.registration.submissions.count() == 0


def test_a_long_name_still_fits_its_field(owner: User) -> None:
    first = described(owner, name="n" * 120)
    assert len(flows.copy_application(first, actor=member(owner)).name) <= 120


def test_what_was_erased_cannot_be_copied(owner: User) -> None:
    first = described(owner)
    Registration.objects.filter(pk=first.registration.pk).update(erased_at=first.created_at, answers={})
    first.refresh_from_db()
    first.registration.refresh_from_db()
    with pytest.raises(flows.NothingToCopy):
        flows.copy_application(first, actor=member(owner))

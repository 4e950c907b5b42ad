"""Two reviewers at the very same moment. Run on PostgreSQL by test_deciding_on_postgresql.py: SQLite has one writer."""

from collections.abc import Callable, Sequence
from threading import Barrier, Thread

import pytest
from django.db import connections

from onboarding.audit.models import Entry
from onboarding.credentials import sandboxing
from onboarding.lifecycle import IllegalTransition
from onboarding.partners.models import PartnerLogin, User
from onboarding.registrations import flows
from onboarding.registrations.models import Application, Registration
from onboarding.worklist import assigning
from onboarding.worklist.following import open_item
from tests.conftest import member, staff
from tests.journey import submitted

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*verbs: Callable[[], object]) -> Sequence[Exception]:
    """Call all of them at the same moment; return what they raised."""
    start, raised = Barrier(len(verbs)), []

    def call(verb: Callable[[], object]) -> None:
        try:
            start.wait()
            verb()
        except Exception as error:
            raised.append(error)
        finally:
            connections.close_all()

    threads = [Thread(target=call, args=(verb,)) for verb in verbs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def taken(owner: User, reviewer: User) -> Registration:
    registration = submitted(owner).registration
    flows.take(registration, actor=staff(reviewer))
    return registration


def test_the_range_gives_each_of_two_another_one(
    owner: User, rival: User, reviewer: User, second_reviewer: User, settings: object
) -> None:
    settings.PARTNER_LOGIN_RANGE = "MZP100000-MZP199999"
    mine, theirs = taken(owner, reviewer), taken(rival, second_reviewer)
    raised = at_once(
        lambda: flows.approve(mine, of_range=True, actor=staff(reviewer)),
        lambda: flows.approve(theirs, of_range=True, actor=staff(second_reviewer)),
    )
    assert raised == []
    assert set(PartnerLogin.objects.values_list("mzp", flat=True)) == {"MZP100000", "MZP100001"}


def test_of_two_decisions_one_is_made_and_the_other_is_told(owner: User, reviewer: User) -> None:
    registration = taken(owner, reviewer)
    one, other = (Registration.objects.select_related("application__organisation").get() for _copy in range(2))
    raised = at_once(
        lambda: flows.approve(one, mzp="MZP128745", actor=staff(reviewer)),
        lambda: flows.decline(other, reason="concept", note="No.", actor=staff(reviewer)),
    )
    assert [type(error) for error in raised] == [IllegalTransition]
    registration.refresh_from_db()
    decided = Entry.objects.filter(event__in=["registration:approve", "registration:decline"])
    assert [entry.data["to"] for entry in decided] == [registration.state]


def test_of_two_who_take_it_one_has_it(owner: User, reviewer: User, second_reviewer: User) -> None:
    submitted(owner)
    one, other = (Registration.objects.select_related("application__organisation").get() for _copy in range(2))
    raised = at_once(
        lambda: flows.take(one, actor=staff(reviewer)), lambda: flows.take(other, actor=staff(second_reviewer))
    )
    assert all(isinstance(error, (IllegalTransition, assigning.MovedOn)) for error in raised)
    assert len(Entry.objects.filter(event="registration:take")) == 1


def test_who_declines_and_who_hands_it_over_do_not_wait_for_each_other(
    owner: User, reviewer: User, second_reviewer: User
) -> None:
    registration = taken(owner, reviewer)
    item = open_item(registration)
    assert item is not None
    raised = at_once(
        lambda: flows.decline(registration, reason="concept", note="No.", actor=staff(reviewer)),
        lambda: assigning.assign(item, second_reviewer, actor=staff(reviewer)),
    )
    assert all(isinstance(error, (assigning.NotHeld, assigning.MovedOn)) for error in raised)


def test_who_approves_and_who_gets_sandbox_credentials_do_not_wait_for_each_other(owner: User, reviewer: User) -> None:
    registration = taken(owner, reviewer)
    application = Application.objects.get()
    raised = at_once(
        lambda: flows.approve(registration, mzp="MZP128745", actor=staff(reviewer)),
        lambda: sandboxing.get_credentials(application, actor=member(owner)),
    )
    assert raised == []

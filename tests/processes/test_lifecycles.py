"""Every lifecycle, whole: legal pairs move and are recorded, illegal ones raise and change nothing."""

import itertools

import pytest

from onboarding.audit.events import Event
from onboarding.audit.models import Entry
from onboarding.credentials import states as certificate_states
from onboarding.credentials.models import CertificateRequest
from onboarding.lifecycle import IllegalTransition, Lifecycle
from onboarding.memberships import states as join_states
from onboarding.memberships.models import JoinRequest
from onboarding.partners.actors import SYSTEM
from onboarding.partners.models import User
from onboarding.registrations import flows
from onboarding.registrations import states as registration_states
from onboarding.registrations.models import PartnerLogin, Registration
from onboarding.worklist.transitions import advance
from tests.conftest import member
from tests.journey import described

LIFECYCLES = (registration_states.LIFECYCLE, certificate_states.LIFECYCLE, join_states.LIFECYCLE)
PAIRS = [
    pytest.param(lifecycle, state, event, id=f"{lifecycle.name}-{state}-{event}")
    for lifecycle in LIFECYCLES
    for state, event in itertools.product(lifecycle.states, lifecycle.events)
]


@pytest.fixture
def row(owner: User, lifecycle: Lifecycle) -> Registration | CertificateRequest | JoinRequest:
    """One that a lifecycle is of; the test says in which state it is."""
    organisation = owner.organisations.get()
    if lifecycle is join_states.LIFECYCLE:
        return JoinRequest.objects.create(organisation=organisation, user=owner, domain="x.example")
    application = flows.start_application(organisation, "fleet_owner", actor=member(owner))
    if lifecycle is registration_states.LIFECYCLE:
        return application.registration
    login = PartnerLogin.objects.create(organisation=organisation, mzp="MZP128745")
    return CertificateRequest.objects.create(application=application, partner_login=login, environment="sandbox")


@pytest.mark.parametrize(("lifecycle", "state", "event"), PAIRS)
def test_each_event_in_each_state_moves_as_the_table_says_or_changes_nothing(
    row: Registration | CertificateRequest | JoinRequest, lifecycle: Lifecycle, state: str, event: str
) -> None:
    text = "domain" if isinstance(row, JoinRequest) else "note"
    before = getattr(row, text)
    type(row).objects.filter(pk=row.pk).update(state=state)
    row.refresh_from_db()
    entries = Entry.objects.count()
    if (state, event) in lifecycle.transitions:
        advance(row, lifecycle, event, actor=SYSTEM)
        assert row.state == lifecycle.transitions[state, event]
        assert Entry.objects.count() == entries + 1
        return
    with pytest.raises(IllegalTransition):
        advance(row, lifecycle, event, actor=SYSTEM, **{text: "must not be written"})
    row.refresh_from_db()
    assert (row.state, getattr(row, text)) == (state, before)
    assert Entry.objects.count() == entries


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=lambda lifecycle: lifecycle.name)
def test_every_event_of_a_lifecycle_is_in_the_audits_vocabulary(lifecycle: Lifecycle) -> None:
    for event in lifecycle.events:
        assert Event(f"{lifecycle.name}:{event}")


@pytest.mark.parametrize(
    ("lifecycle", "states"),
    [
        (registration_states.LIFECYCLE, registration_states.State),
        (certificate_states.LIFECYCLE, certificate_states.State),
        (join_states.LIFECYCLE, join_states.State),
    ],
    ids=["registration", "certificate_request", "join"],
)
def test_every_state_can_be_reached(lifecycle: Lifecycle, states: type) -> None:
    assert set(lifecycle.states) == set(states.values)


def test_of_two_who_decide_at_once_one_wins_and_the_other_is_told_where_it_stands(owner: User) -> None:
    mine = described(owner).registration
    theirs = Registration.objects.get(pk=mine.pk)
    advance(mine, registration_states.LIFECYCLE, "submit", actor=SYSTEM)
    with pytest.raises(IllegalTransition) as caught:
        advance(theirs, registration_states.LIFECYCLE, "submit", actor=SYSTEM)
    assert caught.value.state == "submitted"
    assert Entry.objects.filter(event=Event.REGISTRATION_SUBMITTED).count() == 1

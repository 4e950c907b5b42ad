"""The audit: one chain per organisation, each entry bound to the one before."""

import hmac

from onboarding.audit.events import Event
from onboarding.audit.models import Chain, Entry
from onboarding.audit.record import entry_mac, record
from onboarding.partners.actors import SYSTEM
from onboarding.partners.models import Organisation, User
from tests.journey import submitted


def chain_holds(chain: Chain) -> bool:
    previous = ""
    for position, entry in enumerate(chain.entries.order_by("position"), start=1):
        if entry.position != position or not hmac.compare_digest(entry.mac, entry_mac(entry, previous)):
            return False
        previous = entry.mac
    return chain.head == previous


def test_a_journey_leaves_a_chain_that_holds(owner: User, rival: User) -> None:
    submitted(owner)
    submitted(rival)
    assert Chain.objects.count() == 2
    assert all(chain_holds(chain) for chain in Chain.objects.all())


def test_an_edited_entry_breaks_the_chain(owner: User) -> None:
    application = submitted(owner)
    chain = Chain.objects.get(organisation=application.organisation)
    assert chain_holds(chain)
    Entry.objects.filter(chain=chain, position=1).update(data={"programme": "end_user"})
    assert not chain_holds(chain)


def test_a_deleted_entry_breaks_the_chain(owner: User) -> None:
    chain = Chain.objects.get(organisation=submitted(owner).organisation)
    Entry.objects.filter(chain=chain, position=1).delete()
    assert not chain_holds(chain)


def test_what_concerns_no_partner_has_one_chain_of_its_own(partner: Organisation, owner: User) -> None:
    for _ in range(2):
        record(Event.ROLE_GRANTED, owner, actor=SYSTEM, organisation=None)
    chain = Chain.objects.get(organisation=None)
    assert chain.length == 2
    assert chain_holds(chain)


def test_entries_name_people_by_id_only(owner: User) -> None:
    submitted(owner)
    for entry in Entry.objects.all():
        text = str([entry.data, entry.event, entry.subject_type])
        assert owner.email not in text
        assert owner.name not in text

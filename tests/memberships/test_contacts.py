"""Role mailbox and second contact: named, asked, confirmed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from onboarding.audit.models import Entry
from onboarding.memberships import contacts
from onboarding.notifications.models import Mail
from onboarding.partners.models import Contact, Organisation, User
from onboarding.partners.people import contact_addresses, missing_contacts, verified_addresses
from onboarding.registrations.flows import create_organisation
from tests.conftest import member
from tests.memberships.links import latest, token_in

MAILBOX, SECOND = Contact.Kind.ROLE_MAILBOX, Contact.Kind.SECOND
DESK = "fleet@example-mobility.example"


def named(organisation: Organisation, by: User, kind: str = MAILBOX, email: str = DESK) -> Contact:
    return contacts.name_contact(organisation, kind, name="Fleet desk", email=email, by=by, actor=member(by))


def serial(contact: Contact) -> int:
    return Contact.objects.get(pk=contact.pk).link_serial


def test_a_named_contact_counts_once_it_has_confirmed(owner: User, partner: Organisation) -> None:
    contact = named(partner, owner)
    assert missing_contacts(partner) == [MAILBOX, SECOND]
    assert DESK not in verified_addresses(partner)
    found, works = contacts.from_link(token_in(latest("contact_confirmation")))
    assert (found, works) == (contact, True)
    contacts.confirm(contact, serial(contact))
    assert missing_contacts(partner) == [SECOND]
    assert DESK in verified_addresses(partner)
    assert DESK not in str(list(Entry.objects.values()))


def test_a_second_click_on_the_link_changes_nothing(owner: User, partner: Organisation) -> None:
    contact = named(partner, owner)
    contacts.confirm(contact, 1)
    first = contact.verified_at
    contacts.confirm(contact, 1)
    assert contact.verified_at == first
    assert Entry.objects.filter(event="contact:confirmed").count() == 1


def test_a_link_that_is_too_old_or_not_the_latest_does_not_confirm(owner: User, partner: Organisation) -> None:
    contact = named(partner, owner)
    long_ago = timezone.now() - timedelta(days=8)
    Contact.objects.update(link_sent_at=long_ago)
    with pytest.raises(contacts.Outdated):
        contacts.confirm(contact, 1)
    contacts.ask_again(contact, by=owner, actor=member(owner))
    with pytest.raises(contacts.Outdated):
        contacts.confirm(contact, 1)
    contacts.confirm(contact, 2)
    assert Mail.objects.filter(kind="contact_confirmation").count() == 2


def test_another_address_has_to_confirm_anew_and_the_old_link_leads_nowhere(owner: User, partner: Organisation) -> None:
    contact = named(partner, owner)
    old = token_in(latest("contact_confirmation"))
    contacts.confirm(contact, 1)
    other = named(partner, owner, email="api@example-mobility.example")
    assert (other.verified_at, contacts.from_link(old)) == (None, (None, False))
    assert missing_contacts(partner) == [MAILBOX, SECOND]


def test_another_name_for_the_same_address_keeps_the_confirmation(owner: User, partner: Organisation) -> None:
    contacts.confirm(named(partner, owner), 1)
    again = contacts.name_contact(
        partner, MAILBOX, name="Vehicle data", email=DESK.upper(), by=owner, actor=member(owner)
    )
    assert (again.name, again.verified_at is None) == ("Vehicle data", False)


def test_both_contacts_cannot_have_one_address(owner: User, partner: Organisation) -> None:
    named(partner, owner)
    with pytest.raises(contacts.SameAddress):
        named(partner, owner, kind=SECOND)


def test_the_founders_own_address_is_confirmed_already_as_second_contact(owner: User) -> None:
    organisation = create_organisation(owner, name="New", country="FR", actor=member(owner))
    contact = named(organisation, owner, kind=SECOND, email=owner.email)
    assert contact.verified_at is not None
    assert missing_contacts(organisation) == [MAILBOX]
    assert not Mail.objects.exists()


def test_the_role_mailbox_is_offered_before_the_second_contact_and_all_others(
    owner: User, partner: Organisation
) -> None:
    for kind, email in ((Contact.Kind.OTHER, "a@x.example"), (SECOND, "b@x.example"), (MAILBOX, "c@x.example")):
        Contact.objects.create(organisation=partner, kind=kind, name="N", email=email, verified_at=timezone.now())
    assert contact_addresses(partner) == ["c@x.example", "b@x.example", "a@x.example"]


def test_an_address_is_not_written_to_twice_within_a_minute_nor_without_end(
    owner: User, partner: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = named(partner, owner)
    with pytest.raises(contacts.TooSoon):
        contacts.ask_again(contact, by=owner, actor=member(owner))
    monkeypatch.setattr(contacts, "NAMED_A_DAY", 2)
    named(partner, owner, email="one@x.example")
    with pytest.raises(contacts.TooSoon):
        named(partner, owner, email="two@x.example")
    assert Contact.objects.get(kind=MAILBOX).email == "one@x.example"


def test_a_contact_that_was_replaced_meanwhile_neither_confirms_nor_is_asked_again(
    owner: User, partner: Organisation
) -> None:
    stale = named(partner, owner)
    named(partner, owner, email="other@x.example")
    with pytest.raises(contacts.Outdated):
        contacts.confirm(stale, 1)
    with pytest.raises(contacts.Outdated):
        contacts.ask_again(stale, by=owner, actor=member(owner))

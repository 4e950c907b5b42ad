"""Export and erasure: everything that names a person is told, then gone, and history makes sense without them."""

import json
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import models

from onboarding.audit.models import Entry
from onboarding.memberships import erasure, export, invitations
from onboarding.memberships.models import Invitation
from onboarding.notifications.mails import deliver
from onboarding.notifications.models import Mail
from onboarding.partners.models import Contact, Membership, Organisation, StaffRole, User
from onboarding.registrations.flows import create_organisation
from onboarding.registrations.models import Application
from onboarding.validation.flows import request_run
from onboarding.vault.models import Secret
from onboarding.vault.seal import open_secret
from onboarding.web.timeline import timeline
from tests.conftest import _user, member
from tests.journey import issued, submitted
from tests.records.chains import chains_hold


@pytest.fixture
def second_owner(colleague: User) -> User:
    Membership.objects.filter(user=colleague).update(role="owner")
    return colleague


def test_every_table_that_names_people_is_told_of_and_lets_them_go(db: None) -> None:
    told = {(section.model, section.person) for section in export.SECTIONS}
    for relation in export._relations():
        assert (relation.related_model._meta.label_lower, relation.field.name) in told
        assert relation.on_delete in (models.CASCADE, models.SET_NULL)
    for section in export.SECTIONS:
        if (model := export._installed(section.model)) is not None:
            list(model._default_manager.values(*section.fields)[:1])


def test_the_export_holds_what_somebody_did_and_no_secret(
    owner: User, colleague: User, reviewer: User, issuer: User
) -> None:
    held = issued(owner, reviewer, issuer)
    request_run(held, actor=member(owner))
    invitations.invite(owner.organisations.get(), email="x@y.example", role="viewer", by=owner, actor=member(owner))
    document = export.export(owner, actor=member(owner))
    text = json.dumps(document)
    assert document["account"]["email"] == owner.email
    assert [row["organisation"] for row in document["memberships"]] == ["Example Mobility"]
    assert document["applications_begun"][0]["reference"] == held.application.reference
    assert document["validations_asked_for"][0]["reference"] == held.application.reference
    assert document["invitations_sent"][0]["email"] == "x@y.example"
    assert {"application:created", "registration:submit"} <= {row["event"] for row in document["history"]}
    assert document["mails"]
    assert colleague.email not in text
    assert owner.password not in text
    secrets = [open_secret(one).decode("latin-1") for one in Secret.objects.exclude(kind="private_key")]
    assert secrets
    assert not any(secret in text for secret in secrets)
    assert Entry.objects.filter(event="person:exported", actor_id=owner.pk).count() == 1


def test_an_erased_person_is_gone_everywhere_and_history_stays(owner: User, second_owner: User) -> None:
    application = submitted(owner)
    partner = owner.organisations.get()
    Contact.objects.create(organisation=partner, name=owner.name, email=owner.email)
    invitations.invite(partner, email="x@y.example", role="viewer", by=owner, actor=member(owner))
    user_id, email = owner.pk, owner.email
    erasure.erase(owner, actor=member(owner))
    assert not User.objects.filter(pk=user_id).exists()
    assert not EmailAddress.objects.filter(email=email).exists()
    assert not Contact.objects.filter(email=email).exists()
    application = Application.objects.get(pk=application.pk)
    assert application.created_by is None
    assert application.registration.submissions.get().submitted_by is None
    assert Invitation.objects.get().invited_by is None
    assert chains_hold()
    shown = timeline(Entry.objects.filter(application_id=application.pk), reader=second_owner)
    assert {entry["who"] for entry in shown} == {"a former member"}
    last = Mail.objects.get(address=email)
    assert last.kind == "account_erased"
    assert deliver(last.pk)


def test_the_role_mailbox_is_the_companys_and_stays(owner: User, second_owner: User) -> None:
    partner = owner.organisations.get()
    Contact.objects.create(organisation=partner, kind="role-mailbox", name="Fleet desk", email=owner.email)
    erasure.erase(owner, actor=member(owner))
    assert Contact.objects.get().name == "Fleet desk"


@pytest.mark.parametrize("with_others", [True, False])
def test_the_last_owner_of_an_organisation_that_goes_on_is_not_erased(
    owner: User, with_others: bool, request: Any
) -> None:
    if with_others:
        request.getfixturevalue("viewer")
    else:
        submitted(owner)
    with pytest.raises(erasure.Obstructed) as caught:
        erasure.erase(owner, actor=member(owner))
    assert caught.value.obstacles.organisations == (owner.organisations.get(),)
    assert User.objects.filter(pk=owner.pk).exists()
    assert not Entry.objects.filter(event="person:erased").exists()


def test_an_organisation_that_is_empty_goes_along(db: None) -> None:
    person = _user("alone@new.example", "Alone")
    create_organisation(person, name="New", country="FR", actor=member(person))
    assert [one.name for one in erasure.goes_along(person)] == ["New"]
    erasure.erase(person, actor=member(person))
    assert not Organisation.objects.exists()
    assert list(Entry.objects.order_by("position").values_list("event", flat=True).filter(chain__organisation_id=None))


def test_nobody_but_the_last_administrator_is_kept_at_the_desk(administrator: User, reviewer: User) -> None:
    erasure.erase(reviewer, actor=member(reviewer))
    with pytest.raises(erasure.Obstructed) as caught:
        erasure.erase(administrator, actor=member(administrator))
    assert caught.value.obstacles.last_administrator
    assert list(StaffRole.objects.values_list("role", flat=True)) == ["administrator"]


def test_erased_twice_at_once_is_erased_once(owner: User, second_owner: User) -> None:
    stale = User.objects.get(pk=owner.pk)
    erasure.erase(owner, actor=member(stale))
    erasure.erase(stale, actor=member(stale))
    assert Entry.objects.filter(event="person:erased").count() == 1
    assert Mail.objects.filter(kind="account_erased").count() == 1

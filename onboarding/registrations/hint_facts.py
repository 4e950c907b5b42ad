"""Looking up what the hints are worked out from: a constant number of queries, each by an index."""

from collections.abc import Iterable

from django.db.models import Count
from django.db.models.functions import Lower

from onboarding.partners.mail_domains import company_domain
from onboarding.partners.models import Contact, Organisation, PartnerLogin
from onboarding.partners.names import alike, name_key, name_sketch
from onboarding.partners.people import verified_addresses
from onboarding.registrations.description import Answers
from onboarding.registrations.hints import Facts, Link, LinkTo, Login
from onboarding.registrations.models import Application
from onboarding.registrations.usage_figures import kept

SHOWN = 5
"""Rows of one kind that a hint names."""
NEIGHBOURS = 25
"""Organisations that are looked at before and after a name in the order of names."""


def gather(application: Application, answers: Answers) -> Facts:
    """Return the facts about a request with these answers."""
    organisation = application.organisation
    mine = Application.objects.filter(organisation=organisation).exclude(pk=application.pk)
    described = mine.select_related("registration").order_by("-created_at")
    by_state = dict(mine.values_list("registration__state").annotate(Count("pk")).order_by())
    name = str(answers.get("name") or "")
    same, similar = _named_like(organisation, str(answers.get("company") or organisation.name))
    domain = company_domain(str(answers.get("contact_email") or ""))
    return Facts(
        answers=answers,
        company=organisation.name,
        limits=application.profile.rate_limits,
        by_state={state or "": count for state, count in by_state.items()},
        latest=tuple(_application(one) for one in described[:SHOWN]),
        namesakes=tuple(_application(one) for one in described.filter(name__iexact=name)[:SHOWN]) if name else (),
        same=same,
        similar=similar,
        addresses=verified_addresses(organisation),
        at_domain=_at(domain, organisation) if domain else (),
        logins=_logins(organisation, str(answers.get("mzp") or "")),
        usage=kept(application.programme),
    )


def _named_like(organisation: Organisation, name: str) -> tuple[tuple[Link, ...], tuple[Link, ...]]:
    """Return other organisations with the same name, and those with one like it."""
    others = Organisation.objects.exclude(pk=organisation.pk)
    key, sketch = name_key(name), name_sketch(name)
    # Each by one index and in its order: it ends after a few rows, even where thousands are called alike.
    found = list(others.filter(name_key__in={key, organisation.name_key}).order_by("name_key")[:NEIGHBOURS])
    found += others.filter(name_sketch=sketch).order_by("name_sketch")[:NEIGHBOURS]
    found += others.filter(name_key__gt=key).order_by("name_key")[:NEIGHBOURS]
    found += others.filter(name_key__lt=key).order_by("-name_key")[:NEIGHBOURS]
    unique = {one.pk: one for one in found}.values()
    same = [one for one in unique if one.name_key in (key, organisation.name_key)]
    similar = [one for one in unique if one not in same and alike(one.name, name)]
    return _organisations(same), _organisations(similar)


def _at(domain: str, organisation: Organisation) -> tuple[Link, ...]:
    """Return other organisations with a confirmed contact at this domain."""
    contacts = Contact.objects.filter(domain=domain, verified_at__isnull=False).exclude(organisation=organisation)
    found = contacts.select_related("organisation").order_by("created_at")[:NEIGHBOURS]
    return _organisations({contact.organisation_id: contact.organisation for contact in found}.values())


def _logins(organisation: Organisation, mzp: str) -> tuple[Login, ...]:
    if not mzp:
        return ()
    rows = PartnerLogin.objects.alias(lowered=Lower("mzp")).filter(lowered=mzp.lower(), environment="")
    return tuple(
        Login(
            is_own=row.organisation_id == organisation.pk,
            is_confirmed=row.confirmed_at is not None,
            is_retired=row.retired_at is not None,
            organisation=_organisation(row.organisation),
        )
        for row in rows.select_related("organisation")[:NEIGHBOURS]
    )


def _application(application: Application) -> Link:
    registration = getattr(application, "registration", None)
    return Link(
        LinkTo.REGISTRATION,
        str(registration.pk) if registration else "",
        str(application),
        registration.state if registration else "",
    )


def _organisations(organisations: Iterable[Organisation]) -> tuple[Link, ...]:
    return tuple(_organisation(one) for one in list(organisations)[:SHOWN])


def _organisation(organisation: Organisation) -> Link:
    return Link(LinkTo.ORGANISATION, str(organisation.pk), organisation.name)

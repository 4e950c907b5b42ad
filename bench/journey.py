"""A partner with many applications, and the pages of one of them, at every stage; needs Django to be set up."""

from collections.abc import Iterator
from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.urls import reverse

from bench.web import Cookies, Page
from onboarding.credentials.embedded_ca import sandbox_ca
from onboarding.partners.actors import SYSTEM
from onboarding.partners.models import Membership, Organisation, StaffRole, User
from onboarding.registrations.description import STEPS
from onboarding.validation.flows import request_run
from tests.journey import described, issued, submitted


def session(user: User) -> Cookies:
    """Return the cookies of a browser in which somebody has signed in."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return {settings.SESSION_COOKIE_NAME: store.session_key}


def _person(email: str, role: str) -> User:
    user = User.objects.create_user(email, name=role.title())
    StaffRole.objects.create(user=user, role=role)
    return user


def pages(applications: int) -> list[Page]:
    """Make the partner and `applications` applications in their stages; return the pages in the order of a visit."""
    sandbox_ca()
    organisation = Organisation.objects.create(name="Example Mobility", country="FR")
    owner = User.objects.create_user("owner@example-mobility.example", name="Owner")
    Membership.objects.create(organisation=organisation, user=owner, role=Membership.Role.OWNER)
    reviewer, issuer = _person("reviewer@desk.example", "reviewer"), _person("issuer@desk.example", "issuer")
    held = issued(owner, reviewer, issuer)
    run = request_run(held, actor=SYSTEM)
    draft = described(owner)
    for number in range(applications):
        (described, submitted)[number % 2](owner)
    company = str(organisation.pk)
    return list(
        _pages(session(owner), session(reviewer), company, str(draft.pk), str(held.application_id), str(run.pk))
    )


def _pages(owner: Cookies, reviewer: Cookies, company: str, draft: str, held: str, run: str) -> Iterator[Page]:
    yield Page("welcome", reverse("home"), {})
    yield Page("sign in", reverse("account_login"), {})
    for name in ("home", "new_application"):
        yield Page(name, reverse(name), owner)
    yield Page("company", reverse("organisation", args=[company]), owner)
    yield Page("application, draft", reverse("application", args=[draft]), owner)
    for step, _label in STEPS:
        yield Page(f"describe {step}", reverse("describe", args=[draft, step]), owner)
    yield Page("check your answers", reverse("describe_check", args=[draft]), owner)
    yield Page("application, issued", reverse("application", args=[held]), owner)
    for name in ("csr", "certificate", "credentials", "validate"):
        yield Page(name, reverse(name, args=[held, "sandbox"]), owner)
    for name in ("application_mails", "my_mails", "profile"):
        yield Page(name, reverse(name, args=[held] if name.startswith("application") else []), owner)
    for name in ("conversation", "application_history", "submissions"):
        yield Page(name, reverse(name, args=[held]), owner)
    yield Page("run", reverse("run", args=[run]), owner)
    yield Page("desk", reverse("desk"), reviewer)

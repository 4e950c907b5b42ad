"""Every route, by every actor. A route that declares no access, or that this table does not know, fails here."""

import uuid
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from onboarding.credentials.models import CredentialSet, Drop, Dropped
from onboarding.memberships.contacts import name_contact
from onboarding.memberships.invitations import invite
from onboarding.memberships.models import JoinRequest
from onboarding.notifications import links
from onboarding.notifications.models import Mail
from onboarding.partners.models import Organisation, User
from onboarding.validation.flows import request_run
from onboarding.validation.models import PartnerReport
from onboarding.web.access import Access
from tests.conftest import member
from tests.journey import issued

ACTORS = ("stranger", "owner", "colleague", "viewer", "rival", "reviewer", "issuer", "auditor", "administrator")
PARTNERS = {"owner", "colleague", "viewer"}
BUILDERS = frozenset({"owner", "colleague"})
STAFF = {"reviewer", "issuer", "auditor", "administrator"}
EVERYBODY = set(ACTORS)
SIGNED_IN = EVERYBODY - {"stranger"}

# Who may read each page (GET). Everybody else gets a sign-in page (strangers), 404 (what is not theirs) or 403 (staff).
READERS: dict[str, set[str]] = {
    "home": EVERYBODY,
    "theme": EVERYBODY,
    "styleguide": EVERYBODY,
    "outbox": EVERYBODY,
    "outbox_mail": EVERYBODY,
    "healthz": EVERYBODY,
    "new_organisation": SIGNED_IN,
    "profile": SIGNED_IN,
    "my_mails": SIGNED_IN,
    "mail": PARTNERS,
    "account_history": SIGNED_IN,
    "account_confirm_email": EVERYBODY,
    "account_email_verification_sent": EVERYBODY,
    "mfa_list_webauthn": SIGNED_IN,
    "mfa_add_webauthn": SIGNED_IN,
    "session_end": SIGNED_IN,
    "language": EVERYBODY,
    "new_application": SIGNED_IN,
    "organisations": SIGNED_IN,
    "join_take_back": SIGNED_IN,
    "data": SIGNED_IN,
    "data_download": SIGNED_IN,
    "erase": SIGNED_IN,
    "invitation": EVERYBODY,
    "contact_confirm": EVERYBODY,
    "invitation_accept": set(),  # nobody of the cast is invited
    "run": PARTNERS | STAFF,
    "run_bundle": PARTNERS | STAFF,
    "run_cancel": PARTNERS,
    "desk_health": STAFF,
    "report": PARTNERS,
    "bring_credentials": SIGNED_IN,
    "desk": STAFF,
    "desk_export": STAFF,
    "desk_assign": STAFF,
    "desk_view_save": STAFF,
    "desk_view_delete": STAFF,
    "desk_registration": STAFF,
    "desk_registration_decide": STAFF,
    "desk_certificates": STAFF,
    "desk_certificate": STAFF,
    "desk_certificate_csr": STAFF,
    "desk_certificate_issue": STAFF,
    "desk_logins": STAFF,
    "desk_login_decide": STAFF,
    "desk_archive": STAFF,
    "desk_figures": STAFF,
    "desk_drops": STAFF,
    "desk_drop": STAFF,
    "desk_drop_release": STAFF,
    "desk_dropped": STAFF,
} | dict.fromkeys(
    (
        "application",
        "application_mails",
        "application_copy",
        "application_withdraw",
        "describe",
        "describe_check",
        "receipt",
        "key",
        "key_browser",
        "key_config",
        "key_import",
        "key_make",
        "key_making",
        "key_upload",
        "csr",
        "certificate",
        "certificate_download",
        "certificate_key",
        "certificate_receive",
        "certificate_renew",
        "certificate_calendar",
        "kit",
        "credentials",
        "credentials_reveal",
        "validate",
        "checker",
        "checker_download",
        "rehearse",
        "live",
        "organisation",
        "organisation_delete",
        "organisation_leave",
        "invite",
        "invitation_decide",
        "join_request",
        "member",
        "member_remove",
        "contact",
        "contact_send",
        "sandbox_start",
        "sandbox_delete",
    ),
    PARTNERS,
)

# Who may send each page's form (POST); what is missing here is for nobody but its readers to try.
WRITERS: dict[str, AbstractSet[str]] = dict.fromkeys(
    (
        "application_copy",
        "application_withdraw",
        "describe",
        "describe_check",
        "key",
        "key_browser",
        "key_import",
        "key_make",
        "key_upload",
        "csr",
        "certificate_key",
        "certificate_receive",
        "certificate_renew",
        "kit",
        "credentials",
        "credentials_reveal",
        "validate",
        "checker",
        "rehearse",
        "sandbox_start",
        "sandbox_delete",
        "run_cancel",
        "contact",
        "contact_send",
    ),
    BUILDERS,
) | {
    "organisation_leave": PARTNERS,
    "organisation_delete": {"owner"},
    "invite": {"owner"},
    "invitation_decide": {"owner"},
    "join_request": {"owner"},
    "member": {"owner"},
    "member_remove": {"owner"},
    "desk_registration_decide": {"reviewer"},
    "desk_certificate_issue": {"issuer"},
    "desk_login_decide": {"reviewer"},
    "desk_drops": {"issuer"},
    "desk_drop_release": {"issuer"},
    "desk_assign": {"reviewer", "issuer"},
    "desk_view_save": {"reviewer", "issuer"},
    "desk_view_delete": {"reviewer", "issuer"},
}


# django-allauth's own pages, which it opens to everybody; the others it opens to whoever has signed in.
THEIRS_OPEN = {
    "account_login",
    "account_signup",
    "account_inactive",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_confirm_login_code",
    "mfa_authenticate",
    "mfa_login_webauthn",
}
THEIRS_SIGNED_IN = {
    "account_logout",
    "account_reauthenticate",
    "account_email",
    "account_change_password",
    "account_set_password",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes",
    "mfa_edit_webauthn",
    "mfa_remove_webauthn",
    "mfa_reauthenticate_webauthn",
    "usersessions_list",
}


def routes(resolver: URLResolver | None = None) -> Iterator[URLPattern]:
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLPattern):
            yield entry
        else:
            yield from routes(entry)


OURS = {route.name: route for route in routes() if route.callback.__module__.startswith("onboarding.")}


THEIRS = {route.name: route for route in routes() if route.name not in OURS}


@pytest.fixture
def held(owner: User, reviewer: User, issuer: User, settings: Any) -> CredentialSet:
    settings.DEMO = True
    settings.ACCENT_COLOUR = "#0b5a78"
    return issued(owner, reviewer, issuer)


@pytest.fixture
def coming(owner: User, viewer: User, partner: Organisation) -> dict[str, Any]:
    """What the addresses of a company's pages name, by what they name it as."""
    invited = invite(partner, email="new@x.example", role="viewer", by=owner, actor=member(owner))
    newcomer = User.objects.create_user("other@x.example")
    contact = name_contact(partner, "role-mailbox", name="D", email="d@x.example", by=owner, actor=member(owner))
    return {
        "organisation_id": partner.pk,
        "membership_id": viewer.memberships.get().pk,
        "invitation_id": invited.pk,
        "join_request": JoinRequest.objects.create(organisation=partner, user=newcomer, domain="x.example").pk,
        "invitation": links.token("invitation", invited.pk, 1),
        "contact_confirm": links.token("contact", contact.pk, 1),
    }


@pytest.fixture
def cast(
    owner: User,
    colleague: User,
    viewer: User,
    rival: User,
    reviewer: User,
    issuer: User,
    auditor: User,
    administrator: User,
    signed_in: Callable[[User], Client],
) -> dict[str, Client]:
    people = (owner, colleague, viewer, rival, reviewer, issuer, auditor, administrator)
    return {"stranger": Client(), **{actor: signed_in(user) for actor, user in zip(ACTORS[1:], people, strict=True)}}


def _dropped(name: str) -> dict[str, Any]:
    """A drop with one certificate, where a page is about it."""
    if not name.startswith("desk_drop"):
        return {"drop_id": uuid.uuid4(), "dropped_id": uuid.uuid4()}
    drop = Drop.objects.create()
    one = Dropped.objects.create(drop=drop, position=1, not_valid_after=timezone.now(), certificate_sha256="00")
    return {"drop_id": drop.pk, "dropped_id": one.pk}


def address(name: str, held: CredentialSet, coming: dict[str, Any]) -> str:
    application = held.application
    values = {
        "application_id": application.pk,
        "environment_id": "sandbox",
        "step": "concept",
        "number": 1,
        "view_id": uuid.uuid4(),
        **_dropped(name),
        "what": {"certificate_download": "client-certificate", "credentials_reveal": "password"}.get(name, ""),
        "report_id": held.reports.get().pk if name == "report" else uuid.uuid4(),
        "mail_id": Mail.objects.filter(application_id=application.pk).values_list("pk", flat=True)[0],
        "run_id": held.runs.get().pk if name.startswith("run") else uuid.uuid4(),
        "registration_id": application.registration.pk,
        "request_id": coming["join_request"] if name == "join_request" else held.certificate_request_id,
        "login_id": held.certificate_request.partner_login_id,
        "verb": {
            "desk_registration_decide": "take",
            "desk_certificate_issue": "refuse",
            "desk_login_decide": "confirm",
            "invitation_decide": "withdraw",
        }.get(name, ""),
        "key": "none",
        "session_id": 0,
        "kind": "role-mailbox" if name.startswith("contact") else "txt",
        "token": coming.get(name, ""),
        **coming,
    }
    wanted = OURS[name].pattern.converters
    return reverse(name, kwargs={key: values[key] for key in wanted})


def test_every_route_declares_its_access_and_is_in_the_table() -> None:
    assert set(OURS) == set(READERS)
    for name, route in OURS.items():
        assert isinstance(getattr(route.callback, "access", None), Access), name


@pytest.mark.parametrize("name", sorted(READERS))
def test_each_page_opens_to_its_readers_and_to_nobody_else(
    name: str, held: CredentialSet, coming: dict[str, Any], owner: User, cast: dict[str, Client]
) -> None:
    if name.startswith("run"):
        request_run(held, actor=member(owner))
    if name == "report":
        moment = timezone.now()
        PartnerReport.objects.create(
            credential_set=held, nonce="1", signed=True, result="passed", began_at=moment, ended_at=moment
        )
    url = address(name, held, coming)
    for actor, client in cast.items():
        response = client.get(url)
        if actor in READERS[name]:
            assert response.status_code in (200, 302, 404, 503), (actor, response.status_code)
            assert "/accounts/login/" not in response.headers.get("Location", ""), actor
            if name not in ("outbox_mail", "certificate_key"):
                assert response.status_code != 404, actor
        elif actor == "stranger":
            assert response.status_code == 302, actor
            assert response.headers["Location"].startswith("/accounts/login/"), actor
        elif name.startswith("desk"):
            assert response.status_code == 403, actor
        else:
            assert response.status_code == 404, actor


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_each_form_is_taken_from_its_writers_and_from_nobody_else(
    name: str, held: CredentialSet, coming: dict[str, Any], owner: User, cast: dict[str, Client]
) -> None:
    if name.startswith("run"):
        request_run(held, actor=member(owner))
    url = address(name, held, coming)
    for actor in [*(EVERYBODY - WRITERS[name]), *WRITERS[name]]:
        response = cast[actor].post(url)
        location = response.headers.get("Location", "")
        if actor in WRITERS[name]:
            assert response.status_code in (200, 302, 404, 409, 422), (actor, response.status_code)
            assert "/accounts/login/" not in location
        elif actor == "stranger":
            assert location.startswith("/accounts/login/")
        elif name.startswith("desk") or actor in PARTNERS:
            assert response.status_code == 403, actor
        else:
            assert response.status_code == 404, actor


def test_each_page_of_allauth_is_known_and_opens_as_it_says(
    owner: User, reviewer: User, signed_in: Callable[[User], Client]
) -> None:
    assert set(THEIRS) == THEIRS_OPEN | THEIRS_SIGNED_IN
    readers = [signed_in(owner), signed_in(reviewer)]
    arguments = {
        "mfa_edit_webauthn": {"pk": 1},
        "mfa_remove_webauthn": {"pk": 1},
        "account_reset_password_from_key": {"uidb36": "1", "key": "none"},
    }
    for name in sorted(THEIRS_SIGNED_IN) + sorted(THEIRS_OPEN):
        url = reverse(name, kwargs=arguments.get(name))
        answer = Client().get(url)
        if name in THEIRS_SIGNED_IN:
            assert answer.headers.get("Location", "").startswith("/accounts/login/"), name
            assert all("/accounts/login/" not in one.get(url).headers.get("Location", "") for one in readers), name
        else:
            assert answer.status_code in (200, 302), name


@pytest.mark.parametrize("name", ["outbox", "outbox_mail", "styleguide"])
def test_the_demos_pages_do_not_exist_outside_the_demo(name: str, settings: Any) -> None:
    settings.DEMO = False
    assert Client().get(reverse(name, kwargs={"key": "none"} if name == "outbox_mail" else {})).status_code == 404


def test_a_form_without_its_token_is_refused_with_an_explanation(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, "allauth.account.auth_backends.AuthenticationBackend")
    response = client.post(reverse("new_organisation"), {"name": "X", "country": "FR"})
    assert response.status_code == 403
    assert owner.organisations.count() == 1


def test_the_content_security_policy_allows_nothing_inline_and_nobody_else(db: None) -> None:
    policy = Client().get("/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http:" not in policy
    assert "https:" not in policy

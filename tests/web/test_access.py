"""Every route, by every actor. A route that declares no access, or that this table does not know, fails here."""

import uuid
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from onboarding.activation import rehearsing
from onboarding.activation.models import TraceReport
from onboarding.credentials.models import CredentialSet, Drop, Dropped
from onboarding.fleet.virtual_key import Asked
from onboarding.memberships import desk
from onboarding.memberships.contacts import name_contact
from onboarding.memberships.invitations import invite
from onboarding.memberships.models import JoinRequest
from onboarding.notifications import links
from onboarding.notifications.models import Mail
from onboarding.partners.models import Organisation, User
from onboarding.validation.flows import request_run
from onboarding.validation.models import PartnerReport
from onboarding.vault.models import Secret
from onboarding.vault.seal import seal_secret
from onboarding.virtualkeys.flows import ask as ask_for_token
from onboarding.web.access import Access
from tests.conftest import member, staff
from tests.journey import issued

ACTORS = ("stranger", "owner", "colleague", "viewer", "rival", "reviewer", "issuer", "auditor", "administrator")
PARTNERS = {"owner", "colleague", "viewer"}
BUILDERS = frozenset({"owner", "colleague"})
STAFF = {"reviewer", "issuer", "auditor", "administrator"}
AUDIT_READERS = {"auditor", "administrator"}
EVERYBODY = set(ACTORS)
SIGNED_IN = EVERYBODY - {"stranger"}
NOBODY: set[str] = set()

# Who may read each page (GET). Everybody else gets a sign-in page (strangers), 404 (what is not theirs) or 403 (staff).
READERS: dict[str, set[str]] = {
    "home": EVERYBODY,
    "first_account": EVERYBODY,
    "sso": EVERYBODY,
    "sso_callback": EVERYBODY,
    "theme": EVERYBODY,
    "revocation_list": EVERYBODY,
    "styleguide": EVERYBODY,
    "outbox": EVERYBODY,
    "outbox_mail": EVERYBODY,
    "healthz": EVERYBODY,
    "sdk_openapi": EVERYBODY,
    **dict.fromkeys(
        (
            "sdk_state",
            "sdk_calls",
            "sdk_phones",
            "sdk_switches",
            "sdk_provoke",
            "sdk_clock",
            "sdk_reset",
            "sdk_trace",
            "sdk_check",
        ),
        NOBODY,  # a token opens it, whoever has signed in
    ),
    "idp_authorize": EVERYBODY,
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
    "trace_report": PARTNERS | STAFF,
    "trace_report_json": PARTNERS | STAFF,
    "run_cancel": PARTNERS,
    "virtual_key_token": {"owner"},  # who asked for it, and nobody else
    "desk_health": STAFF,
    "report": PARTNERS,
    "bring_credentials": SIGNED_IN,
    "desk": STAFF,
    "desk_export": STAFF,
    "desk_assign": STAFF,
    "desk_view_delete": STAFF,
    "desk_registration": STAFF,
    "desk_registration_decide": STAFF,
    "desk_conversation": STAFF,
    "desk_submissions": STAFF,
    "desk_certificates": STAFF,
    "desk_certificate": STAFF,
    "desk_certificate_csr": STAFF,
    "desk_certificate_issue": STAFF,
    "desk_join": STAFF,
    "desk_logins": STAFF,
    "desk_login_decide": STAFF,
    "staff_invitation": EVERYBODY,
    "desk_people": AUDIT_READERS,
    "desk_people_add": AUDIT_READERS,
    "desk_person": AUDIT_READERS,
    "desk_invitation_decide": AUDIT_READERS,
    "desk_audit": AUDIT_READERS,
    "desk_audit_export": AUDIT_READERS,
    "desk_archive": STAFF,
    "desk_messages": STAFF,
    "desk_figures": STAFF,
    "desk_drops": STAFF,
    "desk_drop": STAFF,
    "desk_drop_release": STAFF,
    "desk_dropped": STAFF,
} | dict.fromkeys(
    (
        "application",
        "application_login",
        "dossier",
        "dossier_print",
        "dossier_file",
        "answer",
        "answer_record",
        "outside_correct",
        "csr_dossier",
        "csr_dossier_print",
        "csr_dossier_file",
        "csr_refused",
        "application_mails",
        "application_copy",
        "application_withdraw",
        "describe",
        "describe_check",
        "receipt",
        "conversation",
        "application_history",
        "submissions",
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
        "certificate_revoke",
        "certificate_calendar",
        "kit",
        "credentials",
        "credentials_reveal",
        "validate",
        "checker",
        "checker_download",
        "rehearse",
        "rehearsals",
        "rehearsal",
        "rehearsal_trace",
        "rehearsal_do",
        "live",
        "virtual_key",
        "virtual_key_request",
        "virtual_key_cancel",
        "virtual_key_calendar",
        "enrol",
        "enrol_walk",
        "enrol_callback",
        "walk",
        "organisation",
        "organisation_delete",
        "organisation_leave",
        "organisation_activity",
        "invite",
        "invitation_decide",
        "join_request",
        "member",
        "member_remove",
        "contact",
        "contact_send",
        "sandbox_start",
        "sandbox_delete",
        "activation",
        "activation_service",
        "activation_reader",
        "activation_carkey",
        "carkey_checklist",
        "activation_traces",
        "trace_json",
        "trace_attach",
        "trace_sample",
        "trace_recorder",
    ),
    PARTNERS,
)

# Who may send each page's form (POST); what is missing here is for nobody but its readers to try.
WRITERS: dict[str, AbstractSet[str]] = dict.fromkeys(
    (
        "application_copy",
        "application_login",
        "application_withdraw",
        "dossier",
        "answer_record",
        "outside_correct",
        "csr_dossier",
        "csr_refused",
        "describe",
        "describe_check",
        "conversation",
        "key",
        "key_browser",
        "key_import",
        "key_make",
        "key_upload",
        "csr",
        "certificate_key",
        "certificate_receive",
        "certificate_renew",
        "certificate_revoke",
        "kit",
        "credentials",
        "credentials_reveal",
        "validate",
        "checker",
        "rehearse",
        "rehearsals",
        "rehearsal_do",
        "virtual_key",
        "virtual_key_cancel",
        "virtual_key_token",
        "enrol_walk",
        "sandbox_start",
        "sandbox_delete",
        "run_cancel",
        "contact",
        "contact_send",
    ),
    BUILDERS,
) | {
    "activation_service": PARTNERS,
    "activation_reader": PARTNERS,
    "activation_carkey": PARTNERS,
    "activation_traces": PARTNERS,
    "trace_json": PARTNERS,
    "trace_attach": BUILDERS,
    "trace_report": BUILDERS,
    "enrol": PARTNERS,
    "organisation_leave": PARTNERS,
    "organisation_delete": {"owner"},
    "invite": {"owner"},
    "invitation_decide": {"owner"},
    "join_request": {"owner"},
    "member": {"owner"},
    "member_remove": {"owner"},
    "desk_registration_decide": {"reviewer"},
    "desk_conversation": {"reviewer"},
    "desk_certificate_issue": {"issuer"},
    "desk_join": {"reviewer"},
    "desk_login_decide": {"reviewer"},
    "desk_people_add": {"administrator"},
    "desk_person": {"administrator"},
    "desk_invitation_decide": {"administrator"},
    "desk_drops": {"issuer"},
    "desk_drop_release": {"issuer"},
    "desk_assign": {"reviewer", "issuer"},
    "desk": {"reviewer", "issuer"},
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
def coming(owner: User, viewer: User, administrator: User, partner: Organisation) -> dict[str, Any]:
    """What the addresses of a company's pages name, by what they name it as."""
    invited = invite(partner, email="new@x.example", role="viewer", by=owner, actor=member(owner))
    newcomer = User.objects.create_user("other@x.example")
    offered = desk.add("new@maker.example", ["issuer"], by=administrator, actor=staff(administrator))
    contact = name_contact(partner, "role-mailbox", name="D", email="d@x.example", by=owner, actor=member(owner))
    return {
        "organisation_id": partner.pk,
        "membership_id": viewer.memberships.get().pk,
        "invitation_id": invited.pk,
        "join_request": JoinRequest.objects.create(organisation=partner, user=newcomer, domain="x.example").pk,
        "invitation": links.token("invitation", invited.pk, 1),
        "contact_confirm": links.token("contact", contact.pk, 1),
        "first_account": "used",
        "staff_invitation_id": offered.pk,
        "staff_invitation": links.token("staff", offered.pk, 1),
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
) -> Callable[[str], Client]:
    """Return a function that brings in one of the actors, signed in."""
    people = (owner, colleague, viewer, rival, reviewer, issuer, auditor, administrator)
    users = dict(zip(ACTORS[1:], people, strict=True))
    return lambda actor: signed_in(users[actor]) if actor in users else Client()


@pytest.fixture
def addresses(held: CredentialSet, coming: dict[str, Any], owner: User) -> dict[str, str]:
    """Where each page is, of a credential set that was checked by a run and by its partner."""
    request_run(held, actor=member(owner))
    moment = timezone.now()
    PartnerReport.objects.create(
        credential_set=held, nonce="1", signed=True, result="passed", began_at=moment, ended_at=moment
    )
    rehearsing.begin(held.application, name="App", version="2.3", by=owner, actor=member(owner))
    ask_for_token(held, Asked("QQ==", "QQ=="), actor=member(owner))
    sealed = seal_secret(held.organisation, Secret.Kind.VIRTUAL_KEY, b'{"token": "QQ==", "signature": ""}')
    later = moment + timedelta(minutes=5)
    held.token_requests.update(state="granted", token=sealed, kept_until=later, expires_at=later)
    TraceReport.objects.create(
        application=held.application, trace_sha256="00", size=1, lines=1, calls=1, messages=0, checked_at=moment
    )
    return {name: address(name, held, coming) for name in READERS}


@contextmanager
def undone() -> Iterator[None]:
    """Forget at the end of the block what was written in it: each page is met as it was at the beginning."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


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
        "service": "vehicle_status",
        "which": "right",
        "language": "kotlin",
        "trace_id": TraceReport.objects.get().pk,
        "number": 1,
        "view_id": uuid.uuid4(),
        "entry_id": uuid.uuid4(),
        **_dropped(name),
        "what": {"certificate_download": "client-certificate", "credentials_reveal": "password"}.get(name, "dossier"),
        "report_id": held.reports.get().pk,
        "rehearsal_id": application.rehearsals.get().pk,
        "mail_id": Mail.objects.filter(application_id=application.pk).values_list("pk", flat=True)[0],
        "run_id": held.runs.get().pk,
        "registration_id": application.registration.pk,
        "request_id": coming["join_request"]
        if name in ("join_request", "desk_join")
        else held.token_requests.get().pk
        if name.startswith("virtual_key")
        else held.certificate_request_id,
        "login_id": held.certificate_request.partner_login_id,
        "verb": {
            "desk_registration_decide": "take",
            "desk_certificate_issue": "refuse",
            "desk_login_decide": "confirm",
            "invitation_decide": "withdraw",
            "answer_record": "approved",
            "rehearsal_do": "reset",
            "desk_invitation_decide": "withdraw",
        }.get(name, ""),
        "key": "none",
        "brand_id": "peugeot",
        "walk_id": uuid.uuid4(),
        "session_id": 0,
        "user_id": User.objects.get(email="reviewer@maker.example").pk,
        "kind": {"contact": "role-mailbox", "desk_audit_export": "jsonl"}.get(
            "contact" if name.startswith("contact") else name, "txt"
        ),
        "token": coming.get(name, ""),
        **coming,
    }
    if name == "desk_invitation_decide":
        values["invitation_id"] = coming["staff_invitation_id"]
    wanted = OURS[name].pattern.converters
    return reverse(name, kwargs={key: values[key] for key in wanted})


def test_every_route_declares_its_access_and_is_in_the_table() -> None:
    assert set(OURS) == set(READERS)
    for name, route in OURS.items():
        assert isinstance(getattr(route.callback, "access", None), Access), name


@pytest.mark.parametrize("actor", ACTORS)
def test_each_page_opens_to_its_readers_and_to_nobody_else(
    actor: str, addresses: dict[str, str], cast: Callable[[str], Client], settings: Any
) -> None:
    client = cast(actor)
    for name, url in addresses.items():
        settings.PORTAL_MODE = OURS[name].callback.access.mode or "hub"
        with undone():
            response = client.get(url)
        location = response.headers.get("Location", "")
        if OURS[name].callback.access.kind == "token":
            assert response.status_code == 401, name
        elif actor in READERS[name]:
            assert response.status_code in (200, 302, 400, 404, 410, 503), (name, response.status_code)
            assert "/accounts/login/" not in location, name
            absent = {"sso", "sso_callback"}  # unless single sign-on is configured
            if name not in (
                "outbox_mail",
                "certificate_key",
                "csr_dossier_file",
                "csr_dossier_print",
                "outside_correct",
                *absent,
            ):
                assert response.status_code != 404, name
        elif actor == "stranger":
            assert response.status_code == 302, name
            assert location.startswith("/accounts/login/"), name
        else:
            assert response.status_code == (403 if name.startswith("desk") else 404), name


@pytest.mark.parametrize("actor", ACTORS)
def test_each_form_is_taken_from_its_writers_and_from_nobody_else(
    actor: str, addresses: dict[str, str], cast: Callable[[str], Client], settings: Any
) -> None:
    client = cast(actor)
    for name, writers in WRITERS.items():
        settings.PORTAL_MODE = OURS[name].callback.access.mode or "hub"
        with undone():
            response = client.post(addresses[name])
        location = response.headers.get("Location", "")
        if actor in writers:
            assert response.status_code in (200, 302, 404, 409, 422), (name, response.status_code)
            assert "/accounts/login/" not in location, name
        elif actor == "stranger":
            assert location.startswith("/accounts/login/"), name
        else:
            forbidden = name.startswith("desk") or actor in PARTNERS
            assert response.status_code == (403 if forbidden else 404), name


@pytest.mark.parametrize("actor", ["stranger", "owner", "reviewer"])
@pytest.mark.parametrize("mode", ["hub", "solo"])
def test_a_page_of_the_other_mode_exists_for_nobody(
    mode: str, actor: str, addresses: dict[str, str], cast: Callable[[str], Client], settings: Any
) -> None:
    others = {name for name, route in OURS.items() if route.callback.access.mode not in ("", mode)}
    assert len(others) > 5
    settings.PORTAL_MODE = mode
    client = cast(actor)
    for name in others:
        assert client.get(addresses[name]).status_code == 404, name
        assert client.post(addresses[name]).status_code == 404, name


@pytest.mark.parametrize("actor", ["stranger", "owner", "rival", "reviewer"])
def test_in_solo_mode_each_page_opens_to_members_and_those_with_a_staff_role_are_nobody(
    actor: str, addresses: dict[str, str], cast: Callable[[str], Client], settings: Any
) -> None:
    shared = [name for name, route in OURS.items() if not route.callback.access.mode]
    settings.PORTAL_MODE = "solo"
    client = cast(actor)
    for name in shared:
        readers = READERS[name] if READERS[name] in (EVERYBODY, SIGNED_IN) else READERS[name] - STAFF
        if name == "erase" or name.endswith("_webauthn"):
            continue
        with undone():
            response = client.get(addresses[name])
        if OURS[name].callback.access.kind == "token":
            assert response.status_code == 401, name
            continue
        turned_away = response.headers.get("Location", "").startswith("/accounts/login/")
        assert turned_away == (actor == "stranger" and actor not in readers), name
        if actor not in readers and actor != "stranger":
            assert response.status_code == 404, name
        elif actor in readers and name not in ("outbox_mail", "certificate_key"):
            assert response.status_code in (200, 302, 400, 503), (name, response.status_code)


def test_auditors_read_every_page_of_the_desk_and_send_none() -> None:
    desk_pages = {name for name, route in OURS.items() if route.callback.access.kind == "staff"}
    assert len(desk_pages) > 10
    assert all("auditor" in READERS[name] for name in desk_pages)
    assert not any("auditor" in WRITERS.get(name, ()) for name in desk_pages)


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

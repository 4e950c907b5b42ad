"""The number of database queries of a page does not grow with what is on it."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from onboarding.activation.models import TraceReport
from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.credentials.models import CertificateRequest, CredentialSet, Drop, Dropped
from onboarding.memberships.invitations import invite
from onboarding.memberships.joining import JoinRequest
from onboarding.notifications.models import Mail
from onboarding.partners.models import Membership, Organisation, PartnerLogin, User
from onboarding.registrations import conversation, flows
from onboarding.registrations.models import Registration, Side
from onboarding.validation.flows import request_run
from onboarding.validation.models import PartnerReport, Run
from onboarding.virtualkeys.models import TokenRequest
from tests.conftest import member, staff
from tests.journey import issued, submitted


def count(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


@pytest.mark.parametrize("reader", ["owner", "owner who searches", "reviewer", "reviewer who answers", "issuer"])
def test_lists_cost_the_same_with_one_and_with_many(
    reader: str, owner: User, reviewer: User, issuer: User, signed_in: Callable[[User], Client], request: Any
) -> None:
    url = {
        "owner": "/",
        "owner who searches": "/?search=depot&show=waiting",
        "reviewer": "/desk/",
        "reviewer who answers": "/desk/?show=messages",
        "issuer": "/desk/certificates/?show=decided",
    }[reader]
    issued(owner, reviewer, issuer)
    talked(submitted(owner).registration, owner, reviewer)
    client = signed_in(request.getfixturevalue(reader.split()[0]))
    before = count(client, url)
    for _ in range(3):
        issued(owner, reviewer, issuer, programme="end_user")
        talked(submitted(owner).registration, owner, reviewer)
    assert count(client, url) == before


def add_people(organisation: Organisation, by: User, prefix: str) -> None:
    """A member, an invitation, a request to join, and another company that this person belongs to."""
    newcomer, asker = (User.objects.create_user(f"{prefix}-{one}@x.example") for one in ("member", "asker"))
    Membership.objects.create(organisation=organisation, user=newcomer, role="viewer")
    invite(organisation, email=f"{prefix}-guest@x.example", role="viewer", by=by, actor=member(by))
    JoinRequest.objects.create(organisation=organisation, user=asker, domain="x.example")
    other = Organisation.objects.create(name=f"{prefix} GmbH", country="DE")
    Membership.objects.create(organisation=other, user=by, role="owner")
    invite(other, email=f"{prefix}-other@x.example", role="viewer", by=by, actor=member(by))
    PartnerLogin.objects.create(organisation=other, mzp=f"MZP{abs(hash(prefix)) % 10**6:06}")


def add_work(held: CredentialSet, owner: User, reviewer: User) -> None:
    """A round of review with comments, a failed run, a report, and the mails and entries that come with them."""
    registration = held.application.registration
    registration.refresh_from_db()
    flows.take(registration, actor=staff(reviewer))
    flows.request_changes(registration, note="More", comments={"concept": "Why?"}, whole=True, actor=staff(reviewer))
    flows.save_answers(
        registration,
        {"concept": f"{registration.answers['concept']} And more."},
        seen_version=registration.version,
        actor=member(owner),
    )
    flows.submit(registration, actor=member(owner))
    run = request_run(held, actor=member(owner))
    now = timezone.now()
    Run.objects.filter(pk=run.pk).update(
        state="failed", finished_at=now, stopped_at="http", fault="client_refused", stands=True, failing_since=now
    )
    PartnerReport.objects.create(
        credential_set=held, nonce=str(run.pk), signed=True, result="passed", began_at=now, ended_at=now
    )
    TokenRequest.objects.create(
        credential_set=held, requested_by=owner, seconds=3600, state="failed", stopped_at="answer", fault="unavailable"
    )
    TraceReport.objects.create(
        application=held.application, trace_sha256=run.pk.hex, size=1, lines=1, calls=1, messages=0, checked_at=now
    )
    Mail.objects.filter(user=None).update(user=owner)
    record(Event.SIGNED_IN, owner, actor=member(owner), organisation=None, data={"browser": "", "with": ["password"]})


def add_dropped(drop: Drop, cycle: CertificateRequest) -> None:
    """A certificate that answers a request, one that answers none, and another drop."""
    Drop.objects.create(dropped_by=drop.dropped_by)
    for request, state in ((cycle, "taken"), (None, "unknown")):
        Dropped.objects.create(
            drop=drop,
            position=drop.certificates.count(),
            certificate_pem="-",
            certificate_sha256="0",
            spki_sha256="0",
            not_valid_after=timezone.now(),
            state=state,
            request=request,
        )


PAGES = {
    "owner": (
        "/organisation/",
        "/organisation/{organisation}/",
        "/applications/new/",
        "/applications/bring/",
        "/applications/{application}/",
        "/applications/{application}/mails/",
        "/applications/{application}/activation/traces/",
        "/applications/{application}/describe/check/",
        "/applications/{application}/describe/receipt/1/",
        "/applications/{application}/sandbox/certificate/",
        "/applications/{application}/sandbox/credentials/",
        "/applications/{application}/sandbox/validate/",
        "/applications/{application}/sandbox/virtual-key/",
        "/applications/{application}/sandbox/checker/",
        "/profile/mails/",
        "/profile/history/",
        "/profile/erase/",
        "/accounts/email/",
        "/accounts/sessions/",
    ),
    "reviewer": (
        "/desk/registrations/{registration}/",
        "/desk/logins/",
        "/desk/logins/?show=decided",
        "/desk/?words=depot&stage=csr&country=FR",
        "/desk/?show=done",
        "/desk/messages/",
        "/desk/certificates/{cycle}/",
        "/desk/figures/",
        "/desk/health/",
    ),
    "issuer": ("/desk/certificates/", "/desk/drops/", "/desk/drops/{drop}/", "/desk/drops/{drop}/?state=unknown"),
}


def test_every_page_with_a_list_costs_the_same_however_long_it_grows(
    owner: User,
    colleague: User,
    reviewer: User,
    issuer: User,
    partner: Organisation,
    signed_in: Callable[[User], Client],
) -> None:
    held = issued(owner, reviewer, issuer)
    Registration.objects.update(state="submitted")  # once more, to go round
    add_people(partner, owner, "first")
    add_work(held, owner, reviewer)
    dropped = Drop.objects.create(dropped_by=issuer)
    add_dropped(dropped, held.certificate_request)
    named = {
        "drop": dropped.pk,
        "organisation": partner.pk,
        "application": held.application_id,
        "registration": held.application.registration.pk,
        "cycle": held.certificate_request_id,
    }
    browsers = {"owner": signed_in(owner), "reviewer": signed_in(reviewer), "issuer": signed_in(issuer)}

    def costs() -> dict[str, int]:
        cache.clear()
        return {url: count(browsers[reader], url.format(**named)) for reader, urls in PAGES.items() for url in urls}

    before = costs()
    for number in range(2):
        add_people(partner, owner, f"further{number}")
        add_work(held, owner, reviewer)
        add_dropped(dropped, held.certificate_request)
    assert costs() == before
    assert max(before.values()) <= 40


def talked(registration: Registration, owner: User, reviewer: User) -> None:
    """Let both sides write and ask."""
    for side, actor in ((Side.STAFF, staff(reviewer)), (Side.PARTNER, member(owner))):
        conversation.write(registration, side=side, text="?", asks=True, key=uuid.uuid4(), seen=None, actor=actor)


@pytest.mark.parametrize(
    ("reader", "url"),
    [
        ("owner", "/applications/{0.pk}/"),
        ("owner", "/applications/{0.pk}/conversation/"),
        ("owner", "/applications/{0.pk}/history/"),
        ("reviewer", "/desk/registrations/{0.registration.pk}/conversation/"),
        ("reviewer", "/desk/registrations/{0.registration.pk}/"),
    ],
)
def test_an_application_costs_the_same_with_little_and_with_much_of_it(
    reader: str, url: str, owner: User, reviewer: User, signed_in: Callable[[User], Client], request: Any
) -> None:
    application = submitted(owner)
    talked(application.registration, owner, reviewer)
    client = signed_in(request.getfixturevalue(reader))
    before = count(client, url.format(application))
    for _ in range(3):
        talked(application.registration, owner, reviewer)
    assert count(client, url.format(application)) == before

"""Bringing an application to a stage of solo mode, by the same verbs that the pages call."""

from onboarding.credentials import flows, recording
from onboarding.credentials.models import CertificateRequest
from onboarding.partners.models import User
from onboarding.pki.csr import build_csr
from onboarding.registrations.models import Application
from tests.alone.conftest import ago
from tests.conftest import member
from tests.corporate_ca import KEY
from tests.journey import SUBJECT, described

MZP = "MZP128745"


def sent(owner: User, days: int = 9) -> Application:
    """A description that was sent on so many days ago."""
    application = described(owner)
    registration = application.registration
    recording.send_description(registration, seen_version=registration.version, outside=ago(days), actor=member(owner))
    return fresh(application)


def approved(owner: User) -> Application:
    application = sent(owner)
    recording.record_approval(application.registration, mzp=MZP, outside=ago(2), actor=member(owner))
    return fresh(application)


def with_csr(application: Application, owner: User) -> CertificateRequest:
    """A CSR for production, ready to be sent."""
    request = flows.open_request(application, "production", actor=member(owner))
    flows.describe_key(request, subject=SUBJECT, custody="own")
    assert flows.submit_csr(request, build_csr(KEY, request.subject), actor=member(owner)).fit
    return request


def fresh(application: Application) -> Application:
    return Application.objects.select_related("organisation", "registration", "partner_login").get(pk=application.pk)

"""A CSR held against the records: what `onboarding.pki.known` words is looked up here."""

from collections.abc import Iterator
from dataclasses import replace

from onboarding.credentials.matching import mere_claim_by_others
from onboarding.credentials.models import CertificateRequest
from onboarding.credentials.reasons import Reason
from onboarding.findings import Finding
from onboarding.partners.models import Organisation
from onboarding.partners.people import verified_addresses
from onboarding.pki.csr import CsrReport
from onboarding.pki.known import contact_findings, reuse_findings


def with_records(request: CertificateRequest, report: CsrReport) -> CsrReport:
    """Return the report together with what the records tell of the CSR. Not much, of one that could not be read."""
    email = report.subject.get("emailAddress", "")
    known = (*_reuse(request, report), *email_findings(request.organisation, email))
    return replace(report, findings=(*report.findings, *known))


def email_findings(organisation: Organisation, email: str) -> tuple[Finding, ...]:
    """Return what is to be said of the e-mail address that an organisation's CSR has, or is to have."""
    return tuple(contact_findings(email, verified_addresses(organisation)))


def _reuse(request: CertificateRequest, report: CsrReport) -> Iterator[Finding]:
    same_key = CertificateRequest.objects.filter(spki_sha256=report.spki_sha256 or "none").exclude(pk=request.pk)
    own = same_key.filter(partner_login__organisation=request.organisation)
    other_logins = own.exclude(partner_login=request.partner_login).values_list("partner_login__mzp", flat=True)
    return reuse_findings(
        by_others=same_key.exclude(partner_login__organisation=request.organisation)
        .exclude(mere_claim_by_others(request.organisation))
        .exists(),
        other_logins=sorted(set(other_logins)),
        before=own.filter(partner_login=request.partner_login).exists(),
        exposed=own.filter(revocation_reason=Reason.KEY_COMPROMISE).exists(),
    )

"""What pages say of a certificate that is, or is to be, revoked."""

from typing import Any

from cryptography import x509
from django.utils.translation import gettext as _

from onboarding.credentials.models import CertificateRequest
from onboarding.pki import names
from onboarding.web.journey.saying import end_in_words


def facts_of(cycle: CertificateRequest) -> dict[str, Any]:
    """Return by what the CA knows a certificate: its serial number, and who issued it; why and when it was revoked."""
    return {
        "serial": cycle.serial_number,
        "issuer": _issuer(cycle),
        "reason": _(cycle.get_revocation_reason_display()) if cycle.revocation_reason else "",
        "note": cycle.note,
        "at": cycle.revoked_at,
    }


def described(cycle: CertificateRequest) -> str:
    """Return a certificate in words: its state, its end and its serial number."""
    end = end_in_words(cycle.not_valid_after)
    return _("%(state)s, until %(day)s, serial number %(serial)s") % {
        "state": cycle.get_state_display(),
        "day": end,
        "serial": cycle.serial_number,
    }


def _issuer(cycle: CertificateRequest) -> str:
    if not cycle.certificate_pem:
        return ""
    return names.render(x509.load_pem_x509_certificate(cycle.certificate_pem.encode("ascii")).issuer)

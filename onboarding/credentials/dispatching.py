"""CSRs on their way to the corporate CA: one ZIP, with a manifest that says whose each is and what is wanted."""

import io
import json
import zipfile
from collections.abc import Iterable
from typing import Any

from onboarding.credentials.models import CertificateRequest
from onboarding.findings import Severity

MOST = 5_000


def archive(requests: Iterable[CertificateRequest]) -> bytes:
    """Return a ZIP with each CSR as PEM, and `manifest.json`: one entry a CSR, in the order of the files.

    requests: with a CSR, at most MOST of them. A file's name holds the partner login, the environment and the first
    letters of the key's digest, so that none is there twice and each can be told by a person.
    """
    data = io.BytesIO()
    entries = []
    with zipfile.ZipFile(data, "w", compression=zipfile.ZIP_DEFLATED) as packed:
        for request in requests:
            name = f"{request.partner_login.mzp}-{request.environment}-{request.spki_sha256[:8]}.csr"
            packed.writestr(name, request.csr_pem)
            entries.append({"file": name, **_described(request)})
        packed.writestr("manifest.json", json.dumps({"requests": entries}, indent=2, ensure_ascii=False))
    return data.getvalue()


def _described(request: CertificateRequest) -> dict[str, Any]:
    application = request.application
    findings = [finding["code"] for finding in request.findings]
    errors = [finding for finding in request.findings if finding["severity"] == Severity.ERROR]
    return {
        "request_id": str(request.pk),
        "company": application.organisation.name,
        "country": application.organisation.country,
        "application": str(application),
        "reference": application.reference,
        "programme": application.programme,
        "environment": request.environment,
        "partner_login": request.partner_login.mzp,
        "subject": request.subject,
        "spki_sha256": request.spki_sha256,
        "checked": "refused" if errors else "fit",
        "findings": findings,
        "submitted_at": request.state_since.isoformat(timespec="seconds"),
    }

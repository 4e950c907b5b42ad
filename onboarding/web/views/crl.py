"""The list of what the embedded CA has revoked, for everybody."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import http_date, quote_etag
from django.views.decorators.http import require_safe

from onboarding.credentials import revocation_lists
from onboarding.web import access

MAX_AGE = 300
"""Seconds for which a copy may be kept: a certificate that was revoked meanwhile is not on it."""


@access.public
@require_safe
def revoked(request: HttpRequest) -> HttpResponse:
    """The newest list, in DER (RFC 5280, section 4.2.1.13)."""
    if not settings.SANDBOX:
        raise Http404
    newest = revocation_lists.current()
    headers = {
        "Cache-Control": f"public, max-age={MAX_AGE}",
        "Last-Modified": http_date(newest.this_update.timestamp()),
        "ETag": quote_etag(f"{newest.number}"),
    }
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(bytes(newest.der), content_type="application/pkix-crl", headers=headers)

"""What the embedded CA has revoked, as a signed list: made anew with each revocation, and long before it ends.

The requests' rows are the truth, the newest list's row is what goes out. Whoever asks for the list after its day gets a
new one: so it ends only where nobody asks.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urljoin

from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from onboarding.credentials.embedded_ca import sandbox_ca
from onboarding.credentials.models import Authority, CertificateRequest, RevocationList
from onboarding.pki.revocation import Revoked, sign_list
from onboarding.programmes import SANDBOX

LIFE = timedelta(days=7)
"""From one list to the day by which there is another; whoever holds an older one may refuse every certificate."""

RENEW_AFTER = timedelta(days=1)
KEPT = 20
"""Lists that are kept, the newest among them."""


def publish(now: datetime | None = None) -> RevocationList:
    """Make a new list of all that is revoked now, with the next number. Of two at once, each gets a number."""
    now = now or timezone.now()
    with transaction.atomic():
        ca, ca_key = sandbox_ca()
        authority = Authority.objects.select_for_update().get(environment=SANDBOX)
        number = 1 + (authority.revocation_lists.order_by("-number").values_list("number", flat=True).first() or 0)
        signed = sign_list(_revoked(now), ca=ca, ca_key=ca_key, number=number, now=now, next_update=now + LIFE)
        made = RevocationList.objects.create(
            authority=authority,
            number=number,
            this_update=now,
            next_update=now + LIFE,
            der=signed.public_bytes(Encoding.DER),
        )
        authority.revocation_lists.filter(number__lte=number - KEPT).delete()
    return made


def current(now: datetime | None = None) -> RevocationList:
    """Return the list that counts; a new one where there is none yet, or the newest is a day old."""
    now = now or timezone.now()
    newest = RevocationList.objects.filter(authority__environment=SANDBOX).order_by("-number")
    held = newest.defer("der").first()  # it may be long, and most often it is known already
    return held if held is not None and now < held.this_update + RENEW_AFTER else publish(now)


def address() -> str:
    """Return where the list is published: the certificates name it."""
    return urljoin(settings.PUBLIC_URL, "/crl/sandbox.crl")


def _revoked(now: datetime) -> Iterator[Revoked]:
    """Yield what is revoked, until some time after it would have ended anyway (RFC 5280, section 3.3)."""
    rows = CertificateRequest.objects.filter(environment=SANDBOX, revoked_at__isnull=False)
    listed = rows.exclude(serial_number="").filter(not_valid_after__gt=now - 2 * LIFE).order_by("revoked_at", "pk")
    for serial_number, at, reason in listed.values_list("serial_number", "revoked_at", "revocation_reason").iterator():
        if at is not None:
            yield Revoked(int(serial_number, 16), at, reason)

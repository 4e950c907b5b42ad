"""A drop of CERTIFICATES (5,000), a tenth of them wrong: how long each step takes, and how much memory.

Run by `bench.desk`, in a process of its own, on its large database. No key is made: what is certified is a number
that nobody knows the factors of, as good as a public key for whoever only reads it.
"""

import io
import os
import resource
import secrets
import sys
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import gcd, prod
from types import SimpleNamespace
from typing import Any

CERTIFICATES = int(os.environ.get("CERTIFICATES", "5000"))
LIMITS = {"read": 60.0, "check": 900.0, "release": 900.0}
"""Seconds: what a page may wait (gunicorn's limit), and what a worker has for one drop (`drops.TIME_LIMIT`)."""
MEMORY = 512.0
"""MiB above what the process had before."""
A_COMPANY = 50
"""Requests of one company."""
WRONG = ("another subject", "expired", "another CA", "unknown key")
"""In turn, of each tenth certificate."""
SMALL_PRIMES = prod(n for n in range(3, 2000, 2) if all(n % divisor for divisor in range(3, 45, 2) if divisor < n))


def _public_key() -> Any:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    while True:
        number = secrets.randbits(2048) | (1 << 2047) | 1
        if gcd(number, SMALL_PRIMES) == 1:
            return RSAPublicNumbers(65537, number).public_key()


def make() -> bytes:
    """Make requests that wait for a certificate, and return the ZIP with what their CA made of them."""
    from cryptography.hazmat.primitives.serialization import Encoding
    from django.db import transaction
    from django.utils import timezone

    from onboarding.credentials.models import CertificateRequest
    from onboarding.partners.models import Membership, Organisation, PartnerLogin, User
    from onboarding.pki import embedded_ca, keys, names
    from onboarding.registrations.models import Application
    from onboarding.worklist.following import follow
    from tests.authority import Authority
    from tests.journey import SUBJECT

    ca, stranger, made = Authority(), Authority(), io.BytesIO()
    with transaction.atomic(), zipfile.ZipFile(made, "w") as archive:
        archive.writestr("ca.pem", ca.pem)
        for number in range(CERTIFICATES):
            if number % A_COMPANY == 0:
                organisation = Organisation.objects.create(name=f"Dropped {number}", country="FR")
                owner = User.objects.create_user(f"owner@{organisation.pk}.example", name="Owner")
                Membership.objects.create(organisation=organisation, user=owner, role=Membership.Role.OWNER)
                mzp = f"MZP{organisation.pk.int % 10**12}"
                login = PartnerLogin.objects.create(organisation=organisation, mzp=mzp, confirmed_at=timezone.now())
            wrong = WRONG[number // 10 % len(WRONG)] if number % 10 == 0 else ""
            subject = SUBJECT | {"CN": login.mzp}
            key = _public_key()
            request = CertificateRequest.objects.create(
                partner_login=login,
                application=Application.objects.create(
                    organisation=organisation,
                    programme=Application.Programme.FLEET_OWNER,
                    name=f"Depot {number}",
                    brands=["peugeot"],
                    partner_login=login,
                ),
                environment="production",
                state="csr_submitted",
                custody=CertificateRequest.Custody.OWN,
                subject=subject,
                csr_pem="-",
                spki_sha256=keys.spki_sha256(_public_key() if wrong == "unknown key" else key),
            )
            follow(request, request.card())
            changed = subject | ({"O": "Another Company"} if wrong == "another subject" else {})
            by = stranger if wrong == "another CA" else ca
            certificate = embedded_ca.sign_client(
                SimpleNamespace(subject=names.build_name(changed), public_key=lambda key=key: key),  # type: ignore[arg-type]
                ca=by.certificate,
                ca_key=by.key,
                now=datetime.now(UTC) - timedelta(days=400 if wrong == "expired" else 0),
            )
            archive.writestr(f"{number}.pem", certificate.public_bytes(Encoding.PEM))
    return made.getvalue()


def main() -> int:
    """Make, read, check and release them; return the exit code."""
    import django

    django.setup()
    from django.db import connection

    from bench.backlog import quiet
    from onboarding.credentials import drops
    from onboarding.credentials.models import Dropped
    from onboarding.partners.actors import Actor, ActorKind
    from onboarding.partners.models import User

    quiet()
    began = time.perf_counter()
    data = make()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    took = time.perf_counter() - began
    print(f"\ndrop of {CERTIFICATES:,} certificates, {len(data) / 2**20:.1f} MiB (made in {took:.0f} s)", flush=True)
    person = User.objects.get(email="desk0@maker.example")
    before, met = _peak(), True

    def step(name: str, work: Callable[[], Any]) -> Any:
        nonlocal met
        began = time.perf_counter()
        found = work()
        took = time.perf_counter() - began
        met = met and took <= LIMITS[name]
        verdict = "" if took <= LIMITS[name] else f"   at most {LIMITS[name]:.0f} s   MISSED"
        each = took / CERTIFICATES * 1e3
        print(f"{name:<10}{took:>8.1f} s{each:>8.1f} ms each{_peak() - before:>+8.0f} MiB{verdict}", flush=True)
        return found

    drop = step("read", lambda: drops.drop([drops.File("all.zip", data)], by=person))
    step("check", lambda: drops.check(drop.pk))
    counts = drops.counts(drop)
    drops.want_released(drop.certificates.all(), actor=Actor(ActorKind.STAFF, person.pk))
    released = step("release", lambda: drops.release(str(drop.pk)))
    print(", ".join(f"{state}: {number:,}" for state, number in counts.items() if number) + f"; released: {released:,}")
    right = CERTIFICATES - len(range(0, CERTIFICATES, 10))
    is_right = released == counts[Dropped.State.FITS] == right
    more = _peak() - before
    if not is_right:
        print(f"released should be {right:,}   MISSED")
    if more > MEMORY:
        print(f"at most {MEMORY:.0f} MiB more   MISSED")
    return 0 if met and is_right and more <= MEMORY else 1


def _peak() -> float:
    """Return the most memory that this process ever had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())

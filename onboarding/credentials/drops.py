"""What comes back from the corporate CA, by the hundred: each certificate finds its request by its public key.

Files are read while the page waits (bounded, see `pki.intake`), so that a private key among them is never kept. A
worker then checks each certificate as one that came alone would be; only what fits can be released, and is checked
once more as it is. Nothing here releases by itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import transaction
from django.db.models import Count, QuerySet, Subquery
from django.utils import timezone

from onboarding import leases
from onboarding.audit.events import Event
from onboarding.celery import SCHEDULE, wake
from onboarding.credentials import issuing
from onboarding.credentials.duties import SameHands
from onboarding.credentials.entitlement import is_ended
from onboarding.credentials.matching import claims_on
from onboarding.credentials.models import CertificateRequest, Drop, Dropped
from onboarding.credentials.states import State
from onboarding.findings import Finding, Severity
from onboarding.lifecycle import IllegalTransition
from onboarding.partners.actors import Actor, ActorKind
from onboarding.partners.models import User
from onboarding.partners.people import OwnOrganisation
from onboarding.pki import certificates, keys, names
from onboarding.pki.certificates import CertificateReport, Claims
from onboarding.pki.intake import MAX_CERTIFICATES, Offer, read_certificates, sort
from onboarding.pki.traits import fingerprint, is_ca
from onboarding.worklist.models import Item

CHECK, RELEASE = "onboarding.credentials.tasks.check_drop", "onboarding.credentials.tasks.release_drop"
MOST = 10_000
"""Certificates of one drop."""

MOST_NOTES = 50
TIME_LIMIT = 900.0
"""Seconds for one drop, or one release of it."""

LEASE = timedelta(seconds=TIME_LIMIT + 60)
BATCH = 200
WAITING = (State.CSR_SUBMITTED, State.CSR_ACCEPTED)


class NothingDropped(Exception):
    """No certificate of an end entity is in what was dropped. notes: why."""

    def __init__(self, notes: Sequence[Finding]) -> None:
        super().__init__(", ".join(note.code for note in notes))
        self.notes = notes


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was uploaded."""

    name: str
    data: bytes


def drop(files: Iterable[File], *, by: User) -> Drop:
    """Read what came back, and queue its check. Raises NothingDropped; a private key in a file leaves that file out."""
    found: dict[x509.Certificate, str] = {}
    notes: list[Finding] = []
    for file in files:
        for read in read_certificates(file.data):
            if read.certificate is None:
                if read.finding is not None and len(notes) < MOST_NOTES:
                    notes.append(Finding(read.finding.code, Severity.NOTE, read.file or file.name, read.finding.found))
            elif read.certificate in found or len(found) < MOST:
                found.setdefault(read.certificate, read.file or file.name)
            else:
                notes.append(Finding("certificate_too_many", Severity.NOTE, file.name, f"> {MOST}", f"{MOST}"))
                break
    ordered = sort(list(found))
    above = (*ordered.intermediates, *ordered.roots)
    # A CA's certificate for the key of a CSR is an answer to it, and a wrong one; trusted it is not.
    mistaken = _with_key_of_csr(above)
    answers = (*ordered.leaves, *mistaken)
    if not answers:
        raise NothingDropped(notes)
    authorities = [one for one in above if one not in mistaken][:MAX_CERTIFICATES]
    with transaction.atomic():
        made = Drop.objects.create(
            dropped_by=by,
            ca_pem="".join(_pem(one) for one in authorities),
            notes=[note.to_json() for note in notes],
        )
        Dropped.objects.bulk_create(
            [_row(made, position, one, found[one]) for position, one in enumerate(answers, start=1)],
            batch_size=BATCH,
        )
        wake(CHECK, str(made.pk), queue=SCHEDULE)
    return made


def check(drop_id: str | UUID) -> None:
    """Check the certificates of a drop. Safe to call twice: one call works on it, and goes on where another ended."""
    drop_ = leases.claim(Drop.objects.all(), drop_id, lease=LEASE)
    if drop_ is None:
        return
    authorities = _Authorities(drop_)
    fits = drop_.certificates.filter(state__in=(Dropped.State.FITS, Dropped.State.RELEASED))
    answered = set(fits.exclude(request=None).values_list("request_id", flat=True))
    while batch := list(drop_.certificates.filter(state=Dropped.State.UNCHECKED).order_by("position")[:BATCH]):
        requests = _requests_for(one.spki_sha256 for one in batch)
        read = {one.pk: x509.load_pem_x509_certificate(one.certificate_pem.encode()) for one in batch}
        everybodys = CertificateRequest.objects.select_related("application", "partner_login")
        claims = claims_on(list(read.values()), among=everybodys)
        for one in batch:
            one.request = requests.get(one.spki_sha256)
            if one.request is None:
                one.state = Dropped.State.UNKNOWN
                continue
            report = _report(read[one.pk], one.request, authorities, claims)
            one.report, one.state = report.to_json(), _verdict(one, one.request, report, answered)
            if one.state == Dropped.State.FITS:
                answered.add(one.request.pk)
        Dropped.objects.bulk_update(batch, ["state", "request", "report"], batch_size=BATCH)
    leases.finish(drop_, Drop.State.DONE)


def want_released(rows: QuerySet[Dropped], *, actor: Actor) -> int:
    """Note that staff want these released, as far as they fit; return how many. A worker does it."""
    with transaction.atomic():
        wanted = rows.filter(state=Dropped.State.FITS, wanted_at=None)
        drops = list(wanted.values_list("drop", flat=True).distinct())
        number = wanted.update(released_by=actor.user_id, wanted_at=timezone.now())
        for drop_id in drops:
            wake(RELEASE, str(drop_id), queue=SCHEDULE)
    return number


def release(drop_id: str) -> int:
    """Release what staff want released of a drop; return how many. Safe to call twice, also at once."""
    wanted = Dropped.objects.filter(drop=UUID(drop_id), state=Dropped.State.FITS, wanted_at__isnull=False)
    ids = list(wanted.order_by("position").values_list("pk", flat=True))
    drop_ = Drop.objects.filter(pk=drop_id).first()
    if drop_ is None or not ids:
        return 0
    authorities = _Authorities(drop_)
    return sum(_release(pk, authorities) for pk in ids)


def counts(drop_: Drop) -> dict[str, int]:
    """Return how many certificates of a drop are in each state."""
    rows = drop_.certificates.values("state").annotate(number=Count("pk")).order_by()
    found = {row["state"]: row["number"] for row in rows}
    return {state: found.get(state, 0) for state in Dropped.State.values}


def sweep() -> None:
    """Look after drops that nobody looks after."""
    leases.sweep(Drop.objects.all(), CHECK, give_up=_give_up, queue=SCHEDULE)
    long_ago = timezone.now() - leases.NEVER_CLAIMED
    forgotten = Dropped.objects.filter(state=Dropped.State.FITS, wanted_at__lt=long_ago)
    for drop_id in forgotten.values_list("drop", flat=True).distinct():
        wake(RELEASE, str(drop_id), queue=SCHEDULE)


def _with_key_of_csr(certificates: Sequence[x509.Certificate]) -> set[x509.Certificate]:
    by_key = {keys.spki_sha256(one.public_key()): one for one in certificates}
    known = CertificateRequest.objects.filter(spki_sha256__in=by_key).values_list("spki_sha256", flat=True)
    return {by_key[spki] for spki in known}


def _give_up(drop_: Drop) -> None:
    leases.finish(drop_, Drop.State.ABANDONED)


def _row(drop_: Drop, position: int, certificate: x509.Certificate, file: str) -> Dropped:
    subject = names.subject_values(certificate.subject)
    return Dropped(
        drop=drop_,
        position=position,
        file=file[:255],
        certificate_pem=_pem(certificate),
        certificate_sha256=fingerprint(certificate),
        spki_sha256=keys.spki_sha256(certificate.public_key()),
        common_name=", ".join(subject.get("CN", []))[:255],
        not_valid_after=certificate.not_valid_after_utc,
    )


def _requests_for(spkis: Iterable[str]) -> dict[str, CertificateRequest]:
    """Return the newest request for each key, one that waits before one that does not."""
    rows = CertificateRequest.objects.filter(spki_sha256__in=list(spkis)).exclude(spki_sha256="")
    rows = rows.select_related("application__organisation", "application__registration", "partner_login")
    rows = rows.order_by("created_at")
    ordered = sorted(rows, key=lambda one: one.state in WAITING)
    return {one.spki_sha256: one for one in ordered}


def _report(
    certificate: x509.Certificate, request: CertificateRequest, authorities: "_Authorities", claims: Claims
) -> CertificateReport:
    """Check it as one that came alone. claims: what these certificates, or their like, were taken in for."""
    claim = claims.by_certificate.get(fingerprint(certificate))
    others = {fingerprint(certificate): claim} if claim and claim.request_id != str(request.pk) else {}
    return certificates.check_offer(
        authorities.offer(certificate, request.environment),
        csr_spki_sha256=request.spki_sha256,
        subject=request.subject,
        now=timezone.now(),
        claims=Claims(by_certificate=others, by_serial=claims.by_serial),
    )


def _verdict(one: Dropped, request: CertificateRequest, report: CertificateReport, answered: set[UUID]) -> str:
    """Return the certificate's state. One by one somebody may take in what only differs; by the hundred, no one."""
    if request.certificate_sha256 == one.certificate_sha256:
        return Dropped.State.TAKEN
    if not issuing.is_clean(report) or request.state not in WAITING or is_ended(request.application):
        return Dropped.State.REFUSED
    return Dropped.State.AGAIN if request.pk in answered else Dropped.State.FITS


class _Authorities:
    """The CA certificates that a drop's certificates are checked against: its own, or the environment's usual ones.

    The CA seldom changes, so what the latest certificate came with that staff released in the same environment need
    not come again. What partners took in or brought along never counts: servers are trusted by it afterwards.
    """

    def __init__(self, drop_: Drop) -> None:
        self.own = _load(drop_.ca_pem)
        self.usual: dict[str, list[x509.Certificate]] = {}

    def of(self, environment: str) -> list[x509.Certificate]:
        """Return those for one environment."""
        if self.own:
            return self.own
        if environment not in self.usual:
            released = Item.objects.filter(environment=environment, outcome=Event.CERTIFICATE_ISSUED)
            latest = released.order_by("-closed_at").values("subject_id")[:1]
            pems = CertificateRequest.objects.filter(pk=Subquery(latest)).values_list("ca_pem", "certificate_pem")
            self.usual[environment] = [one for one in _load("".join(pems.first() or ())) if is_ca(one)]
        return self.usual[environment]

    def offer(self, certificate: x509.Certificate, environment: str) -> Offer:
        """Return a certificate with what it is checked against."""
        found = sort(self.of(environment))
        above = (*found.intermediates, *found.roots)
        return Offer((certificate,), found.roots or found.intermediates, above)


def _load(pem: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(pem.encode()) if pem else []


def _release(pk: UUID, authorities: _Authorities) -> bool:
    """Release one, in the transaction that notes it: of two workers, one does.

    What this issuer may not release stays for another, with who tried in `released_by`.
    """
    try:
        with transaction.atomic():
            claimed = Dropped.objects.filter(pk=pk, state=Dropped.State.FITS)
            if not claimed.update(state=Dropped.State.RELEASED):
                return False
            one = Dropped.objects.select_related(
                "request__application__organisation", "request__partner_login__organisation"
            ).get(pk=pk)
            if one.request is None or one.released_by_id is None:
                raise IllegalTransition("dropped", one.state, "release")
            pem = one.certificate_pem + "".join(map(_pem, authorities.of(one.request.environment)))
            issuing.take_in(one.request, certificate=pem.encode(), actor=Actor(ActorKind.STAFF, one.released_by_id))
    except (OwnOrganisation, SameHands):
        Dropped.objects.filter(pk=pk, state=Dropped.State.FITS).update(wanted_at=None)
        return False
    except (issuing.CertificateRefused, IllegalTransition) as error:
        report = error.report.to_json() if isinstance(error, issuing.CertificateRefused) else {}
        changes = {"report": report} if report else {}
        Dropped.objects.filter(pk=pk, state=Dropped.State.FITS).update(
            state=Dropped.State.REFUSED, wanted_at=None, **changes
        )
        return False
    return True


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode("ascii")

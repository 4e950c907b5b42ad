"""Certificates, and what else a call of an application needs."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from onboarding.credentials.reasons import Reason
from onboarding.credentials.states import LIFECYCLE, USABLE, State
from onboarding.leases import Work
from onboarding.partners.models import Organisation, PartnerLogin
from onboarding.registrations.models import Application
from onboarding.vault.models import Secret
from onboarding.worklist.following import Card
from onboarding.worklist.models import Stage


class Authority(models.Model):
    """A certificate authority whose key we hold: the embedded CA of one environment (the sandbox's)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    environment = models.CharField(max_length=40, unique=True)
    certificate_pem = models.TextField()
    key = models.ForeignKey(Secret, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.environment


class RevocationList(models.Model):
    """What an authority of ours has revoked, signed: the newest counts, and is published.

    number: counts up by one with each (RFC 5280, section 5.2.3). der: the list as it goes out.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    authority = models.ForeignKey(Authority, models.CASCADE, related_name="revocation_lists")
    number = models.PositiveBigIntegerField()
    this_update = models.DateTimeField()
    next_update = models.DateTimeField()
    der = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["authority", "number"], name="revocation_list_number")]

    def __str__(self) -> str:
        return f"{self.authority} {self.number}"


class CertificateRequest(models.Model):
    """One signing cycle of a partner login in one environment: CSR in, certificate out.

    application: the one whose pages opened it. subject: the DN fields entered, or the CSR's own, by short name.
    key: custody vault only. spki_sha256: of the CSR's public key, hex. findings: of the last CSR check.
    certificate_report: what the certificate's check found (`CertificateReport.to_json`); empty before.
    certificate_pem: the leaf, then intermediates if any. ca_pem: what the fleet API's server is checked against.
    serial_number, certificate_sha256: hex, of the leaf.
    revoked_at: when it was revoked, by the CA's word. revocation_reason: why, also while a partner only asks for it;
    `note` says more then. revocation_asked_at: since when a partner does.
    reminded_at_days: how many days before the end the latest reminder was due; -1 before the first.
    """

    class Custody(models.TextChoices):
        BROWSER = "browser", _("Made in your browser")
        OWN = "own", _("Made by you")
        VAULT = "vault", _("Sealed here")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partner_login = models.ForeignKey(PartnerLogin, models.PROTECT, related_name="certificate_requests")
    application = models.ForeignKey(Application, models.PROTECT, related_name="certificate_requests")
    environment = models.CharField(max_length=40)
    state = models.CharField(max_length=20, choices=State, default=LIFECYCLE.initial)
    state_since = models.DateTimeField(auto_now_add=True)
    created_at = models.DateTimeField(auto_now_add=True)
    custody = models.CharField(max_length=10, choices=Custody, blank=True)
    key = models.ForeignKey(Secret, models.PROTECT, null=True, related_name="+")
    subject = models.JSONField(default=dict)
    csr_pem = models.TextField(blank=True)
    spki_sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    findings = models.JSONField(default=list)
    certificate_report = models.JSONField(default=dict)
    note = models.TextField(blank=True)
    certificate_pem = models.TextField(blank=True)
    ca_pem = models.TextField(blank=True)
    serial_number = models.CharField(max_length=64, blank=True, db_index=True)
    certificate_sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    not_valid_before = models.DateTimeField(null=True)
    not_valid_after = models.DateTimeField(null=True)
    reminded_at_days = models.SmallIntegerField(default=-1)
    revoked_at = models.DateTimeField(null=True)
    revocation_reason = models.CharField(max_length=24, choices=Reason, blank=True)
    revocation_asked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # What the list of revoked certificates is made of.
            models.Index(
                fields=["environment", "revoked_at"],
                condition=models.Q(revoked_at__isnull=False),
                name="certificate_request_revoked",
            ),
            models.Index(fields=["state", "state_since"], name="certificate_request_state"),
            # The desk's two lists, in their order, whichever states are in them.
            models.Index(
                fields=["state_since", "id"],
                condition=models.Q(state__in=["csr_submitted", "csr_accepted"]),
                name="certificate_request_waiting",
            ),
            models.Index(
                fields=["state_since", "id"],
                condition=models.Q(state__in=["issued", "active", "csr_refused", "superseded", "revoked"]),
                name="certificate_request_decided",
            ),
            models.Index(
                fields=["not_valid_after", "environment"],
                condition=models.Q(state__in=["issued", "active"]),
                name="certificate_request_end",
            ),
            # Rows are wide (PEM): these answer which can be called with, and by whom, without reading them.
            models.Index(
                fields=["id"], condition=models.Q(state__in=["issued", "active"]), name="certificate_request_usable"
            ),
            models.Index(
                fields=["id"],
                include=["partner_login"],
                condition=models.Q(state="active", key__isnull=False),
                name="certificate_request_live",
            ),
        ]
        constraints = [
            # One cycle at a time: the first certificate, and each renewal after it.
            models.UniqueConstraint(
                fields=["application", "environment"],
                condition=models.Q(state__in=["awaiting_csr", "csr_submitted", "csr_refused", "csr_accepted"]),
                name="certificate_request_one_open",
            )
        ]

    def __str__(self) -> str:
        return f"{self.partner_login} in {self.environment}: {self.state}"

    @property
    def organisation(self) -> Organisation:
        """Whose it is."""
        return self.partner_login.organisation

    def card(self) -> Card | None:
        """Return what of it waits for staff, if it does. With a login of the sandbox's own nobody is waited for."""
        stage = self._stage()
        if stage is None or self.partner_login.is_of_sandbox:
            return None
        application = self.application
        return Card(
            stage,
            application.organisation,
            title=str(application),
            reference=application.reference,
            application_id=application.pk,
            programme=application.programme,
            environment=self.environment,
            words=[self.partner_login.mzp],
        )

    def _stage(self) -> Stage | None:
        if self.revocation_asked_at is not None and LIFECYCLE.allows(self.state, "revoke"):
            return Stage.REVOKE
        if LIFECYCLE.turn.get(self.state) == "operator":
            usable = self.application.certificate_requests.filter(environment=self.environment, state__in=USABLE)
            return Stage.RENEWAL if usable.exists() else Stage.CSR
        if self.state not in USABLE or self.is_brought_in:
            return None
        has_password = self.partner_login.passwords.filter(environment=self.environment).exists()
        sets = self.credential_sets.filter(retired_at=None)
        return Stage.HAND_OUT if any(one.missing(has_password=has_password) for one in sets) else None

    @property
    def is_brought_in(self) -> bool:
        """Whether the certificate was in use before it came here: there never was a CSR."""
        return bool(self.certificate_pem) and not self.csr_pem


class KeyOrder(Work):
    """Custody `vault`: the making of one private key, by a worker.

    step: how far the worker is. findings: why the key that was made was not kept. actor_kind, actor_id: who asked.
    first_call: whether the set that comes of it is still to be validated without anybody asking for that again.
    """

    class State(models.TextChoices):
        QUEUED = Work.QUEUED, _("Waiting for a worker")
        RUNNING = Work.RUNNING, _("Being made")
        DONE = "done", _("Made and sealed")
        FAILED = "failed", _("Not made")
        ABANDONED = "abandoned", _("Given up")
        CANCELLED = "cancelled", _("Cancelled")

    class Step(models.TextChoices):
        MAKING = "making", _("Make the key")
        CHECKING = "checking", _("Check the key and its CSR")
        SEALING = "sealing", _("Seal the key, submit the CSR")

    UNSUCCESSFUL = (State.FAILED, State.ABANDONED)

    certificate_request = models.ForeignKey(CertificateRequest, models.PROTECT, related_name="key_orders")
    bits = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    step = models.CharField(max_length=10, choices=Step, blank=True)
    findings = models.JSONField(default=list)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.UUIDField(null=True)
    first_call = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["certificate_request"],
                condition=models.Q(state__in=["queued", "running"]),
                name="key_order_one_at_a_time",
            )
        ]
        indexes = [
            models.Index(
                fields=["created_at"], condition=models.Q(state__in=["queued", "running"]), name="key_order_open"
            )
        ]

    def __str__(self) -> str:
        return f"RSA {self.bits} for {self.certificate_request_id}: {self.state}"


class IssuerOrder(Work):
    """What a CA that is not asked while a page waits is to do about a certificate request: a worker asks it.

    issuer: as `ISSUERS` names it. said: what the CA, or its module, said where it did not do it. report: of the check
    of what it signed (`CertificateReport.to_json`), with the certificate, where that was not released. actor_kind,
    actor_id: who asked.
    """

    class Verb(models.TextChoices):
        SIGN = "sign", _("Sign")
        REVOKE = "revoke", _("Revoke")

    class State(models.TextChoices):
        QUEUED = Work.QUEUED, _("Waiting for a worker")
        RUNNING = Work.RUNNING, _("The CA is being asked")
        DONE = "done", _("Done")
        HANDED_ON = "handed_on", _("Handed on: nothing yet")
        REFUSED = "refused", _("Refused by the CA")
        UNCLEAN = "unclean", _("Signed, but not clean")
        FAILED = "failed", _("The CA cannot be reached")
        BROKEN = "broken", _("The CA's module has failed")
        CANCELLED = "cancelled", _("Cancelled: it moved on meanwhile")

    certificate_request = models.ForeignKey(CertificateRequest, models.PROTECT, related_name="issuer_orders")
    verb = models.CharField(max_length=10, choices=Verb)
    issuer = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    said = models.TextField(blank=True)
    report = models.JSONField(default=dict)
    certificate_pem = models.TextField(blank=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["certificate_request", "verb"],
                condition=models.Q(state__in=["queued", "running"]),
                name="issuer_order_one_at_a_time",
            )
        ]
        indexes = [
            models.Index(
                fields=["created_at"], condition=models.Q(state__in=["queued", "running"]), name="issuer_order_open"
            )
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.certificate_request_id}: {self.state}"


class Drop(Work):
    """What came back from the corporate CA, all at once: read when it came, checked by a worker, released by staff.

    ca_pem: the CA certificates in it. notes: findings on what in it is no certificate.
    """

    class State(models.TextChoices):
        QUEUED = Work.QUEUED, _("Waiting for a worker")
        RUNNING = Work.RUNNING, _("Being checked")
        DONE = "done", _("Checked")
        ABANDONED = "abandoned", _("Given up")

    dropped_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="drops")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    ca_pem = models.TextField(blank=True)
    notes = models.JSONField(default=list)

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], condition=models.Q(state__in=["queued", "running"]), name="drop_open")
        ]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}: {self.state}"


class Dropped(models.Model):
    """One certificate of a drop, and the request that it was found to answer.

    file: its name in the ZIP, or the upload's. report: of its check (`CertificateReport.to_json`); empty before, and
    where it answers no request. released_by: who wants it released; the worker does that, once.
    """

    class State(models.TextChoices):
        UNCHECKED = "unchecked", _("Not checked yet")
        FITS = "fits", _("Fits")
        REFUSED = "refused", _("Not clean")
        UNKNOWN = "unknown", _("Answers no request")
        AGAIN = "again", _("There twice")
        TAKEN = "taken", _("Released before")
        RELEASED = "released", _("Released")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    drop = models.ForeignKey(Drop, models.CASCADE, related_name="certificates")
    position = models.PositiveIntegerField()
    file = models.CharField(max_length=255, blank=True)
    certificate_pem = models.TextField()
    certificate_sha256 = models.CharField(max_length=64)
    spki_sha256 = models.CharField(max_length=64)
    common_name = models.CharField(max_length=255, blank=True)
    not_valid_after = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.UNCHECKED)
    request = models.ForeignKey(CertificateRequest, models.PROTECT, null=True, related_name="dropped")
    report = models.JSONField(default=dict)
    released_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="released")
    wanted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["drop", "position"], name="dropped_position")]
        indexes = [
            models.Index(fields=["drop", "state", "position"], name="dropped_state"),
            models.Index(
                fields=["wanted_at"], condition=models.Q(state="fits", wanted_at__isnull=False), name="dropped_wanted"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.common_name}: {self.state}"


class PartnerPassword(models.Model):
    """The password of a partner login in one environment, shared by all its applications."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partner_login = models.ForeignKey(PartnerLogin, models.PROTECT, related_name="passwords")
    environment = models.CharField(max_length=40)
    secret = models.ForeignKey(Secret, models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["partner_login", "environment"], name="password_once")]

    def __str__(self) -> str:
        return f"{self.partner_login} in {self.environment}"


class CredentialSet(models.Model):
    """What a call of one application in one environment needs.

    The MZP's password hangs on the partner login; certificate and key on the certificate request.
    A new set can overlap the old one until that is retired. changed_at: when something was last stored in it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, models.PROTECT, related_name="credential_sets")
    environment = models.CharField(max_length=40)
    certificate_request = models.ForeignKey(CertificateRequest, models.PROTECT, related_name="credential_sets")
    client_id = models.CharField(max_length=120, blank=True)
    client_secret = models.ForeignKey(Secret, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "client_id", "certificate_request"],
                condition=~models.Q(client_id=""),
                name="client_id_once_per_certificate",
            )
        ]
        indexes = [
            models.Index(fields=["environment", "client_id"], name="credential_set_client_id"),
            # What the regular checks and the desk go through; with the columns that lead on, where the database can.
            models.Index(
                fields=["environment", "id"],
                include=["application", "certificate_request"],
                condition=models.Q(retired_at=None),
                name="credential_set_in_use",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application} in {self.environment}"

    @property
    def organisation(self) -> Organisation:
        """Whose it is."""
        return self.application.organisation

    def missing(self, *, has_password: bool) -> tuple[str, ...]:
        """Return what the set still lacks of what its programme needs: "client_id", "client_secret", "password".

        has_password: whether the partner login's password is stored for the set's environment.
        """
        held = {
            "mzp": True,
            "client_id": bool(self.client_id),
            "client_secret": self.client_secret_id is not None,
            "password": has_password,
        }
        return tuple(name for name in self.application.profile.credentials if not held[name])


class SandboxClient(models.Model):
    """A client as the sandbox knows it: what was handed out, whatever the partner stores afterwards.

    Any certificate of the application that may be used is let in with it. client_secret: end user only;
    password: fleet owner only, the same for all applications of a partner login.
    fault: the failure that is being rehearsed, a name of `onboarding.rehearsals`; blank for none.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.OneToOneField(Application, models.PROTECT, related_name="sandbox_client")
    client_id = models.CharField(max_length=120, unique=True)
    client_secret = models.ForeignKey(Secret, models.PROTECT, null=True, related_name="+")
    password = models.ForeignKey(Secret, models.PROTECT, null=True, related_name="+")
    fault = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["application"], condition=~models.Q(fault=""), name="sandbox_client_rehearsing")
        ]

    def __str__(self) -> str:
        return self.client_id

"""Applications, and the review of what partners say about them."""

import secrets
import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from onboarding import programmes
from onboarding.partners.models import Organisation, PartnerLogin
from onboarding.registrations.states import EDITABLE, LIFECYCLE, State
from onboarding.worklist.following import Card
from onboarding.worklist.models import Stage

REFERENCE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that is mistaken for another

SEARCHED = ("company", "concept", "mzp")
"""Answers by whose words staff find a request. No person's name or address: they can be erased."""


def new_reference() -> str:
    """Return a new number for people to quote, like "FA-7K3Q9M", which no application has yet."""
    while True:
        reference = "FA-" + "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(6))
        if not Application.objects.filter(reference=reference).exists():
            return reference


class Application(models.Model):
    """What a partner registers. It may exist without a registration (imported)."""

    class Programme(models.TextChoices):
        FLEET_OWNER = "fleet_owner", _("Fleet Owner API")
        END_USER = "end_user", _("Accessing Party for End-Users API")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(max_length=12, unique=True, default=new_reference, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="applications")
    programme = models.CharField(max_length=20, choices=Programme)
    name = models.CharField(max_length=120, blank=True)
    brands = models.JSONField(default=list)
    partner_login = models.ForeignKey(PartnerLogin, models.PROTECT, null=True, related_name="applications")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name or self.reference

    @property
    def profile(self) -> programmes.Profile:
        """The programme's profile."""
        return programmes.profile(self.programme)

    @property
    def brand(self) -> programmes.Brand:
        """The brand whose identity provider and realm calls name: the first one asked for that still exists."""
        offered = self.profile.brands
        return next((brand for brand in offered if brand.id in self.brands), offered[0])

    @property
    def confirmed_login(self) -> PartnerLogin | None:
        """The car maker's partner login that certificates may be asked for with; None while it is only claimed."""
        login = self.partner_login
        usable = login is not None and login.confirmed_at is not None and not login.is_of_sandbox
        return login if usable else None

    @property
    def application_id(self) -> uuid.UUID:
        """Its own id, as rows that hang on an application name it."""
        return self.pk


class Registration(models.Model):
    """The description of an application and its review.

    answers: the draft, by question name. version: counts its changes, each of which is a DraftEdit.
    reason: the typed one, of a decline or a suspension; empty otherwise.
    comments: what reviewers ask to be changed, by question name, until it is submitted again.
    reopened: the steps that can be changed meanwhile; none: all of them.
    erased_at: when the description was erased because it need not be kept any longer, see retention.py.
    """

    class DeclineReason(models.TextChoices):
        CONCEPT = "concept", _("The concept does not fit the programme")
        DATA = "data", _("The data asked for is more than the concept needs")
        COMPLIANCE = "compliance", _("The ExVe, GDPR or maker's rules are not met")
        CAPACITY = "capacity", _("The requests per month cannot be served")
        IDENTITY = "identity", _("We could not confirm the company")
        OTHER = "other", _("Another reason")

    class SuspendReason(models.TextChoices):
        SECURITY = "security", _("Keys or credentials may be in the wrong hands")
        MISUSE = "misuse", _("The API is used otherwise than described")
        RULES = "rules", _("The ExVe, GDPR or maker's rules are no longer met")
        LOAD = "load", _("It calls far more often than was agreed")
        CONTRACT = "contract", _("The contract has ended, or is at rest")
        OTHER = "other", _("Another reason")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.OneToOneField(Application, models.PROTECT, related_name="registration")
    state = models.CharField(max_length=20, choices=State, default=LIFECYCLE.initial)
    state_since = models.DateTimeField(auto_now_add=True)
    answers = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=0)
    reason = models.CharField(
        max_length=20, choices=dict(DeclineReason.choices) | dict(SuspendReason.choices), blank=True
    )
    note = models.TextField(blank=True)
    comments = models.JSONField(default=dict)
    reopened = models.JSONField(default=list)
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "state_since"], name="registration_state")]

    def __str__(self) -> str:
        return f"{self.application}: {self.state}"

    @property
    def organisation(self) -> Organisation:
        """Whose it is."""
        return self.application.organisation

    def card(self) -> Card | None:
        """Return what of it waits for staff, if it does."""
        if LIFECYCLE.turn.get(self.state) != "operator":
            return None
        application = self.application
        return Card(
            Stage.REVIEW,
            application.organisation,
            title=str(application),
            reference=application.reference,
            application_id=application.pk,
            programme=application.programme,
            words=[str(self.answers.get(name, "")) for name in SEARCHED],
        )

    @property
    def is_editable(self) -> bool:
        """Whether the partner may change the description now."""
        return self.state in EDITABLE


class DraftEdit(models.Model):
    """One change of a draft: what the answers were before it. So any earlier version can be told from the present one.

    version: the one it made. before: the answers it changed, by question name, as they had been; None: not given.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    registration = models.ForeignKey(Registration, models.CASCADE, related_name="edits")
    version = models.PositiveIntegerField()
    before = models.JSONField()
    edited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    edited_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["registration", "version"], name="draft_edit_version")]
        ordering = ["version"]

    def __str__(self) -> str:
        return f"{self.registration_id} v{self.version}"


class Submission(models.Model):
    """What was submitted, as it was: never changed.

    answers: those that the programme asks for, each attestation among them with its text's version, by whom and when.
    comments, note: what reviewers had asked for before it was submitted (again): by question name, and in general.
    decide_by: the day by which the operator meant to decide, as the partner was told; None if nothing was said.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    registration = models.ForeignKey(Registration, models.PROTECT, related_name="submissions")
    number = models.PositiveIntegerField()
    answers = models.JSONField()
    comments = models.JSONField(default=dict)
    note = models.TextField(blank=True)
    decide_by = models.DateField(null=True)
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    submitted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["registration", "number"], name="submission_number")]
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.registration_id} #{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write it once. Raises TypeError for one that was written before."""
        if not self._state.adding:
            raise TypeError("A submission is never changed.")
        super().save(*args, **kwargs)

    @property
    def receipt(self) -> str:
        """Its number for people to quote, such as "FA-7K3Q9M/1"."""
        return f"{self.registration.application.reference}/{self.number}"


class Side(models.TextChoices):
    """Who talks with whom about a request."""

    PARTNER = "partner", _("Partner")
    STAFF = "staff", _("Staff")

    @property
    def other(self) -> "Side":
        """The side that is talked to."""
        return Side.STAFF if self is Side.PARTNER else Side.PARTNER


class Message(models.Model):
    """What somebody wrote to the other side about a request. Written once; see conversation.py.

    asks: whether the writer needs an answer. answered_at: when the other side wrote back, or said that it needs none.
    read_at: when the first of the other side had read it who may answer. told_at: when those who had not were mailed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    registration = models.ForeignKey(Registration, models.PROTECT, related_name="messages")
    side = models.CharField(max_length=10, choices=Side)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    text = models.TextField()
    asks = models.BooleanField(default=False)
    written_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["registration", "written_at"], name="message_registration"),
            models.Index(
                fields=["side", "registration"],
                condition=models.Q(read_at=None) | models.Q(asks=True, answered_at=None),
                name="message_waiting",
            ),
            models.Index(fields=["written_at"], condition=models.Q(told_at=None), name="message_untold"),
        ]
        ordering = ["written_at"]

    def __str__(self) -> str:
        return f"{self.registration_id} {self.side} {self.written_at}"

    @property
    def organisation(self) -> Organisation:
        """Whose request it is about."""
        return self.registration.organisation


class Reading(models.Model):
    """How far somebody who may answer has read what the other side wrote. read_to: when the last of it was written."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    registration = models.ForeignKey(Registration, models.PROTECT, related_name="readings")
    side = models.CharField(max_length=10, choices=Side)
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    read_to = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["registration", "side", "reader"], name="reading_once"),
        ]

    def __str__(self) -> str:
        return f"{self.registration_id} {self.side} {self.read_to}"


class Dispatch(models.Model):
    """A dossier that a member has sent to the car maker, outside this portal; for it they are waited for. Solo mode.

    submission: the description that was sent. certificate_request_id, spki_sha256: the CSR, by the request it is of
    and its key; a foreign key would point at a package above this one. One of the two is given.
    along_with: the dispatch of the description that took the CSR along.
    reference: theirs. reminded_at_days: of the latest reminder, after how many working days it was due; 0: none yet.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, models.PROTECT, related_name="dispatches")
    submission = models.OneToOneField(Submission, models.PROTECT, null=True, related_name="dispatch")
    certificate_request_id = models.UUIDField(null=True)
    spki_sha256 = models.CharField(max_length=64, blank=True)
    along_with = models.ForeignKey("self", models.PROTECT, null=True, related_name="took_along")
    sent_on = models.DateField()
    reference = models.CharField(max_length=80, blank=True)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    recorded_at = models.DateTimeField(auto_now_add=True)
    reminded_at_days = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["certificate_request_id", "spki_sha256"], name="dispatch_of_csr_once"),
            models.CheckConstraint(
                condition=models.Q(submission=None) ^ models.Q(certificate_request_id=None),
                name="dispatch_of_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application} on {self.sent_on}"


class UsageFigures(models.Model):
    """What the applications of a programme ask for, counted now and then by usage_figures.py.

    measure: the question. count: how many have answered it. percentiles: the values below which each hundredth of the
    answers lies, 0 to 100; empty if there are none.
    """

    programme = models.CharField(max_length=20)
    measure = models.CharField(max_length=40)
    count = models.PositiveIntegerField()
    percentiles = models.JSONField()
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["programme", "measure"], name="usage_figures_once")]

    def __str__(self) -> str:
        return f"{self.programme} {self.measure}"


def mail_params(registration: Registration) -> dict[str, str]:
    """Return what the mails about a registration are filled with."""
    application = registration.application
    return {
        "application": str(application),
        "application_id": str(application.pk),
        "registration_id": str(registration.pk),
        "reference": application.reference,
        "organisation": registration.organisation.name,
    }

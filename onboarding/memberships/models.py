"""How people come into an organisation: they are invited, or they ask."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from onboarding.memberships.states import State
from onboarding.partners.models import Membership, Organisation
from onboarding.worklist.following import Card
from onboarding.worklist.models import Stage


class Offer(models.Model):
    """What is offered to whoever proves to read an e-mail address; see offers.py for what is done with one.

    link_serial: the number of the mail with the link; only the latest one works. The link itself is stored nowhere.
    """

    class State(models.TextChoices):
        OPEN = "open", _("Waiting for an answer")
        ACCEPTED = "accepted", _("Accepted")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("e-mail address"), max_length=254)
    language = models.CharField(max_length=5)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    link_serial = models.PositiveIntegerField(default=1)
    link_sent_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.email}: {self.state}"

    @property
    def has_expired(self) -> bool:
        """Whether its time is over. Sent again, it gets a new one."""
        return self.state == self.State.OPEN and self.expires_at <= timezone.now()

    @property
    def is_open(self) -> bool:
        """Whether it can be accepted now."""
        return self.state == self.State.OPEN and not self.has_expired


class Invitation(Offer):
    """A place in an organisation."""

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=20, choices=Membership.Role)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "organisation", Lower("email"), condition=models.Q(state="open"), name="invitation_open_once"
            )
        ]
        indexes = [models.Index(Lower("email"), condition=models.Q(state="open"), name="invitation_by_address")]


class StaffInvitation(Offer):
    """Roles at the desk: values of StaffRole.Role."""

    roles = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), condition=models.Q(state="open"), name="staff_invitation_open_once")
        ]


class ProviderIdentity(models.Model):
    """Who one of the staff is to the provider of single sign-on: what it calls them (`sub`), never their address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="provider_identities")
    issuer = models.CharField(max_length=300)
    subject = models.CharField(max_length=255)
    linked_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="provider_identity_once"),
            models.UniqueConstraint(fields=["issuer", "user"], name="provider_identity_one_each"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.issuer}"


def link_lifetime() -> timedelta:
    """Return how long links work."""
    return timedelta(days=settings.LINK_DAYS)


class JoinRequest(models.Model):
    """Somebody with an address at an organisation's domain asks to belong to it; its owners decide, or staff for them.

    domain: what of the person's address is the organisation's, too.
    owners_until: the day after which staff decide, as the person was told; None: only owners do.
    """

    State = State
    application_id = None  # it is about no application; see `worklist.transitions.advance`

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="join_requests")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="join_requests")
    domain = models.CharField(max_length=253)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    state_since = models.DateTimeField(default=timezone.now)
    owners_until = models.DateField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "user"],
                condition=models.Q(state__in=["waiting", "with_staff"]),
                name="join_request_once",
            )
        ]
        indexes = [
            models.Index(fields=["owners_until"], condition=models.Q(state="waiting"), name="join_request_waiting")
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.state}"

    def card(self) -> Card | None:
        """Return what of it waits for staff. It names the domain and not the person, whom it may outlive."""
        return Card(Stage.JOIN, self.organisation, title=self.domain) if self.state == State.WITH_STAFF else None

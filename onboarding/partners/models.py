"""People, organisations and partner logins: who comes here, and in which role."""

import uuid
from functools import cache
from typing import ClassVar
from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from onboarding.partners.derived import DerivedField
from onboarding.partners.mail_domains import company_domain
from onboarding.partners.modes import mode
from onboarding.partners.names import name_key, name_sketch
from onboarding.programmes import SANDBOX


class UserManager(BaseUserManager["User"]):
    """Makes users; an e-mail address is the only name they have."""

    def create_user(self, email: str, password: str | None = None, **fields: object) -> "User":
        """Create and return a user. Without a password, they set one through "forgotten password"."""
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


@cache
def time_zones() -> frozenset[str]:
    """Return the names of the IANA time zones. To find them Python looks through a thousand files each time."""
    return frozenset(available_timezones())


def valid_time_zone(name: str) -> None:
    """Raise ValidationError unless `name` is an IANA time zone."""
    if name not in time_zones():
        raise ValidationError(_("“%(name)s” is not a time zone. Choose one from the list."), params={"name": name})


class User(AbstractBaseUser):
    """A person, partner or staff. What they may do stands in Membership and StaffRole."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(_("e-mail address"), max_length=254)
    name = models.CharField(_("name"), max_length=120, blank=True)
    language = models.CharField(_("language"), max_length=5, default="en")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[valid_time_zone])
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique")]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def staff_roles(self) -> frozenset[str]:
        """The roles this person has at the car maker's desk; empty for partners, and without a desk. One query."""
        if not mode().has_desk:
            return frozenset()
        if not hasattr(self, "_staff_roles"):
            self._staff_roles = frozenset(self.roles.values_list("role", flat=True))
        return self._staff_roles


class StaffRole(models.Model):
    """One role of one person at the car maker's desk."""

    class Role(models.TextChoices):
        REVIEWER = "reviewer", _("Reviewer")
        ISSUER = "issuer", _("Issuer")
        AUDITOR = "auditor", _("Auditor")
        ADMINISTRATOR = "administrator", _("Administrator")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="roles")
    role = models.CharField(max_length=20, choices=Role)
    granted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "role"], name="staff_role_once")]

    def __str__(self) -> str:
        return self.role


class Organisation(models.Model):
    """A partner company. name_key, name_sketch: what its name has in common with others', see names.py."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("company name"), max_length=120)
    name_key = DerivedField(max_length=120, of="name", by=name_key, db_index=True)
    name_sketch = DerivedField(max_length=120, of="name", by=name_sketch, db_index=True)
    country = models.CharField(_("country"), max_length=2)
    created_at = models.DateTimeField(auto_now_add=True)
    members = models.ManyToManyField(User, through="Membership", related_name="organisations")

    class Meta:
        indexes = [models.Index(fields=["country"], name="organisation_country")]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's place in an organisation."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        DEVELOPER = "developer", _("Developer")
        VIEWER = "viewer", _("Viewer")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "user"], name="membership_once")]

    def __str__(self) -> str:
        return self.role


class Contact(models.Model):
    """Somebody the car maker can write to. The CSR's e-mail address should be a verified one of these.

    kind: every organisation names a role mailbox and a second contact, one of each; others it may have besides.
    domain: the company's, of the address; empty where everybody can have one.
    link_serial: the number of the mail with the link that verifies it; only the latest one works.
    """

    class Kind(models.TextChoices):
        ROLE_MAILBOX = "role-mailbox", _("Role mailbox")
        SECOND = "second-contact", _("Second contact")
        OTHER = "other", _("Further contact")

    NAMED = (Kind.ROLE_MAILBOX, Kind.SECOND)
    """What every organisation names."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="contacts")
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.OTHER)
    name = models.CharField(_("name"), max_length=120)
    email = models.EmailField(_("e-mail address"), max_length=254)
    domain = DerivedField(max_length=254, of="email", by=company_domain, db_index=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    link_serial = models.PositiveIntegerField(default=0)
    link_sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("organisation", Lower("email"), name="contact_once"),
            models.UniqueConstraint(
                fields=["organisation", "kind"],
                condition=models.Q(kind__in=["role-mailbox", "second-contact"]),
                name="contact_of_a_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


class PartnerLogin(models.Model):
    """An organisation's MZP: its login at the car maker, and the common name of its certificates.

    Once confirmed, unique across organisations and never reissued: a row is retired, not deleted. One that is not
    confirmed is only claimed, by credentials that were brought in, and stands in nobody's way; retired, the claim was
    rejected.

    environment: empty for the car maker's own; "sandbox" for the one that an organisation has before it was given any,
    made here and good for nothing but the sandbox. Its form, with a hyphen, is none that an MZP can have.
    """

    SANDBOX_PREFIX = "SANDBOX-"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="partner_logins")
    mzp = models.CharField("MZP", max_length=64)
    environment = models.CharField(max_length=40, blank=True)
    assigned_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("mzp"), condition=models.Q(confirmed_at__isnull=False), name="mzp_unique"),
            models.UniqueConstraint("organisation", Lower("mzp"), name="mzp_once_per_organisation"),
            models.UniqueConstraint(
                fields=["organisation"], condition=models.Q(environment=SANDBOX), name="sandbox_login_once"
            ),
            models.CheckConstraint(
                condition=(models.Q(environment="") & ~models.Q(mzp__contains="-"))
                | models.Q(environment=SANDBOX, mzp__startswith="SANDBOX-", confirmed_at__isnull=False),
                name="sandbox_login_looks_like_one",
            ),
        ]
        indexes = [
            models.Index(
                fields=["assigned_at"],
                condition=models.Q(confirmed_at=None, retired_at=None),
                name="partner_login_claimed",
            ),
            models.Index(Lower("mzp"), name="partner_login_name"),
            models.Index(fields=["assigned_at", "id"], condition=models.Q(environment=""), name="partner_login_listed"),
        ]

    def __str__(self) -> str:
        return self.mzp

    @property
    def is_of_sandbox(self) -> bool:
        """Whether it was made here, for the sandbox alone."""
        return self.environment == SANDBOX

    @property
    def is_claim(self) -> bool:
        """Whether it is only claimed, and nobody has decided."""
        return self.confirmed_at is None and self.retired_at is None

    @property
    def is_rejected(self) -> bool:
        """Whether it was claimed, and staff rejected that."""
        return self.confirmed_at is None and self.retired_at is not None


class LoginAllocation(models.Model):
    """How far a configured range of partner logins is given out. first: the range's first one. last: the highest number
    given; what is below it is never given by the range again, whatever became of it.
    """

    first = models.CharField(max_length=64, unique=True)
    last = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.first}: {self.last}"

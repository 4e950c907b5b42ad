"""Index cards of the desk: one for each stretch of time for which something waited for staff.

What waits is told by the rows of the processes themselves; a card is written in the transaction that makes a row wait,
and closed in the one that ends it (`following.follow`). It is kept afterwards: how long things take is read from it.
"""

import uuid
from datetime import date

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from onboarding.partners.models import Organisation, StaffRole

UNDATED = date.max
"""The target date of what has none: it comes last, the longest waiting first."""


class Stage(models.TextChoices):
    """What staff are to do."""

    REVIEW = "review", _("Description to review")
    LOGIN = "login", _("Partner login to confirm")
    CSR = "csr", _("Certificate to issue")
    RENEWAL = "renewal", _("Renewal to issue")
    HAND_OUT = "hand_out", _("Credentials to hand out")
    JOIN = "join", _("Request to join to decide")
    REVOKE = "revoke", _("Certificate to revoke")


FACETS = ("stage", "country", "programme", "assignee", "organisation")
"""By what the queue is filtered."""

WAITING, DONE = models.Q(closed_at=None), ~models.Q(closed_at=None)
NOBODYS = models.Q(closed_at=None, assignee=None)


class Item(models.Model):
    """One thing that waits, or waited, for staff.

    subject_type, subject_id: the row that waits, as the audit names rows.
    reference, title, programme, environment, country: what lists show of it, and filter by, without looking further;
    empty where it has none.
    search: what it is found by, in small letters; emptied when the description is erased.
    due_on: the target date; UNDATED if the operator sets none. outcome: the event that ended it, as the audit names it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    stage = models.CharField(max_length=20, choices=Stage)
    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="work_items")
    application_id = models.UUIDField(null=True)
    country = models.CharField(max_length=2, blank=True)
    programme = models.CharField(max_length=20, blank=True)
    environment = models.CharField(max_length=40, blank=True)
    reference = models.CharField(max_length=20, blank=True)
    title = models.CharField(max_length=120, blank=True)
    search = models.TextField(blank=True)
    opened_at = models.DateTimeField()
    due_on = models.DateField(default=UNDATED)
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="work_items")
    assigned_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject_type", "subject_id"], condition=models.Q(closed_at=None), name="work_item_open_once"
            )
        ]
        indexes = [
            # What waits, in each order, and by stage to be counted. The facets at the end let the index alone tell
            # what a filter leaves out, however little it lets through.
            models.Index(fields=["due_on", "opened_at", "id", *FACETS], condition=WAITING, name="work_item_waiting"),
            models.Index(fields=["opened_at", "id", *FACETS], condition=WAITING, name="work_item_opened"),
            models.Index(
                fields=["stage", "due_on", "opened_at", "id", *FACETS[1:]], condition=WAITING, name="work_item_stage"
            ),
            models.Index(
                fields=["assignee", "due_on", "opened_at", "id", "stage"], condition=WAITING, name="work_item_assigned"
            ),
            models.Index(
                fields=["organisation", "due_on", "opened_at", "id"], condition=WAITING, name="work_item_company"
            ),
            models.Index(
                fields=["country", "stage", "due_on", "opened_at", "id"], condition=WAITING, name="work_item_country"
            ),
            # Of what nobody has, PostgreSQL would expect far less than there is.
            models.Index(fields=["due_on", "opened_at", "id"], condition=NOBODYS, name="work_item_nobodys"),
            models.Index(fields=["opened_at", "id"], condition=NOBODYS, name="work_item_nobodys_opened"),
            # What is done, the latest first, as a whole and by each facet that leaves little.
            models.Index(fields=["closed_at", "id"], condition=DONE, name="work_item_closed"),
            *(
                models.Index(fields=[name, "closed_at", "id"], condition=DONE, name=f"work_item_closed_{name}"[:30])
                for name in FACETS
            ),
            models.Index(fields=["application_id"], name="work_item_application"),
        ]

    def __str__(self) -> str:
        return f"{self.get_stage_display()}: {self.title or self.reference}"

    @property
    def due(self) -> date | None:
        """The target date, if there is one."""
        return None if self.due_on == UNDATED else self.due_on

    def is_overdue(self, today: date) -> bool:
        """Tell whether the target date has passed, and it still waits."""
        return self.closed_at is None and self.due_on < today


ROLES: dict[str, StaffRole.Role] = {
    Stage.REVIEW: StaffRole.Role.REVIEWER,
    Stage.LOGIN: StaffRole.Role.REVIEWER,
    Stage.CSR: StaffRole.Role.ISSUER,
    Stage.RENEWAL: StaffRole.Role.ISSUER,
    Stage.HAND_OUT: StaffRole.Role.ISSUER,
    Stage.JOIN: StaffRole.Role.REVIEWER,
    Stage.REVOKE: StaffRole.Role.ISSUER,
}
"""Who can do it, by stage."""


class SavedView(models.Model):
    """Filters of the queue that somebody wants to come back to. query: as in the page's address."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=500)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="saved_view_name")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Week(models.Model):
    """What was finished in one week of one stage, as it was last counted.

    begins: its Monday, in the operator's time zone. median, p95: days; None where nothing was finished.
    """

    stage = models.CharField(max_length=20)
    begins = models.DateField()
    done = models.PositiveIntegerField()
    median = models.FloatField(null=True)
    p95 = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["begins", "stage"], name="work_week_once")]

    def __str__(self) -> str:
        return f"{self.begins} {self.stage}: {self.done}"

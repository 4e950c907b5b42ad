"""The lifecycle of a registration: one table."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from onboarding.lifecycle import Lifecycle


class State(models.TextChoices):
    """Where a registration stands."""

    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Submitted")
    IN_REVIEW = "in_review", _("In review")
    CHANGES_REQUESTED = "changes_requested", _("Changes requested")
    APPROVED = "approved", _("Approved")
    DECLINED = "declined", _("Declined")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    SUSPENDED = "suspended", _("Suspended")


LIFECYCLE = Lifecycle(
    name="registration",
    initial=State.DRAFT,
    transitions={
        (State.DRAFT, "submit"): State.SUBMITTED,
        (State.CHANGES_REQUESTED, "submit"): State.SUBMITTED,
        (State.SUBMITTED, "take"): State.IN_REVIEW,
        (State.IN_REVIEW, "release"): State.SUBMITTED,
        (State.IN_REVIEW, "approve"): State.APPROVED,
        (State.IN_REVIEW, "decline"): State.DECLINED,
        (State.IN_REVIEW, "request_changes"): State.CHANGES_REQUESTED,
        (State.DRAFT, "withdraw"): State.WITHDRAWN,
        (State.SUBMITTED, "withdraw"): State.WITHDRAWN,
        (State.IN_REVIEW, "withdraw"): State.WITHDRAWN,
        (State.CHANGES_REQUESTED, "withdraw"): State.WITHDRAWN,
        (State.DECLINED, "reopen"): State.IN_REVIEW,
        (State.APPROVED, "suspend"): State.SUSPENDED,
        (State.SUSPENDED, "reinstate"): State.APPROVED,
    },
    turn={
        State.DRAFT: "partner",
        State.SUBMITTED: "operator",
        State.IN_REVIEW: "operator",
        State.CHANGES_REQUESTED: "partner",
        State.APPROVED: "partner",
    },
)

EDITABLE = frozenset({State.DRAFT, State.CHANGES_REQUESTED})
"""States in which the partner may change the description."""

CLOSED = frozenset({State.DECLINED, State.WITHDRAWN, State.SUSPENDED})
"""States in which nothing new can be asked for, and nothing is called by itself."""

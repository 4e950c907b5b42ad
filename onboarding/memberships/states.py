"""The lifecycle of a request to join: one table."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from onboarding.lifecycle import Lifecycle


class State(models.TextChoices):
    """Where a request to join stands."""

    WAITING = "waiting", _("Waiting for an owner")
    WITH_STAFF = "with_staff", _("Waiting for the operator")
    ACCEPTED = "accepted", _("Accepted")
    DECLINED = "declined", _("Declined")
    WITHDRAWN = "withdrawn", _("Taken back")


LIFECYCLE = Lifecycle(
    name="join",
    initial=State.WAITING,
    transitions={
        (State.WAITING, "accept"): State.ACCEPTED,
        (State.WAITING, "decline"): State.DECLINED,
        (State.WAITING, "withdraw"): State.WITHDRAWN,
        (State.WAITING, "escalate"): State.WITH_STAFF,
        (State.WITH_STAFF, "accept"): State.ACCEPTED,
        (State.WITH_STAFF, "decline"): State.DECLINED,
        (State.WITH_STAFF, "withdraw"): State.WITHDRAWN,
    },
    turn={State.WAITING: "partner", State.WITH_STAFF: "operator"},
)

OPEN = frozenset({State.WAITING, State.WITH_STAFF})
"""States in which nobody has decided yet. An owner can, in both."""

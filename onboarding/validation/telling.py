"""Writing to people about what calls have shown: one mail when a set is live; of the regular checks, one when it turns
bad, one when it is well again.

Who clicked sees the page; these mails are for what nobody looks at. A failure that many share is told to staff once, as
an incident of the platform, and the partners' mails say that it is known and not theirs.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from onboarding.credentials.models import CredentialSet
from onboarding.fleet.checks import Result
from onboarding.notifications.mails import notify
from onboarding.notifications.models import Mail
from onboarding.partners.models import StaffRole
from onboarding.partners.people import builders, staff
from onboarding.validation.failures import incident_of, is_incident
from onboarding.validation.models import Run

SAME_INCIDENT = timedelta(hours=24)
"""Within this time staff are not written to again about the same cause."""


def result_before(run: Run) -> Run | None:
    """Return the latest result of the same set before this run; rehearsed ones are none."""
    return (
        Run.objects.filter(credential_set_id=run.credential_set_id, state__in=Run.RESULTS)
        .exclude(pk=run.pk)
        .exclude(facts__has_key=Run.REHEARSAL)
        .order_by("-created_at")
        .only("credential_set_id", "state", "finished_at", "failing_since")
        .first()
    )


def tell_live(kind: str, credential_set: CredentialSet) -> None:
    """Write that the set works, and that nothing more has to be done: once, whatever showed it.

    kind: of the mail: after a run of ours, or after a signed report of the partner's.
    """
    application = credential_set.application
    notify(
        kind,
        builders(credential_set.organisation),
        once=f"live:{credential_set.pk}",
        params={
            "application": str(application),
            "application_id": str(application.pk),
            "environment": credential_set.environment,
        },
    )


def tell_of_change(run: Run, before: Run) -> None:
    """Write that a set has turned, for the worse or the better, with a run of the schedule. before: the one before."""
    if run.state == Run.State.FAILED:
        _tell_failing(run, before)
    else:
        _tell_recovered(run, before)


def failing_key(run: Run) -> str:
    """Return what the mail about a set that fails is known by: the moment since when it does."""
    since = f"{run.failing_since:%Y%m%dT%H%M%S%f}" if run.failing_since else ""
    return f"failing:{run.credential_set_id}:{since}"


def _tell_failing(run: Run, before: Run) -> None:
    is_known = is_incident(run)
    if is_known:
        _tell_staff(run)
    notify(
        "validation_failing",
        builders(run.organisation),
        once=failing_key(run),
        params=_params(run)
        | {
            "check": _failed_check(run),
            "is_known": is_known,
            "since": _moment(run.finished_at),
            "good_until": _moment(before.finished_at),
        },
    )


def _tell_recovered(run: Run, before: Run) -> None:
    """Write to whom it was written that it fails: who clicked knows already."""
    if Mail.objects.filter(once=failing_key(before)).exists():
        once = f"recovered:{failing_key(before)}"
        notify("validation_recovered", builders(run.organisation), once=once, params=_params(run))


def _tell_staff(run: Run) -> None:
    if run.finished_at is None:
        return
    cause = f"incident:{run.credential_set.environment}:{run.stopped_at}:{run.fault}:"
    days = (run.finished_at, run.finished_at - SAME_INCIDENT)
    if Mail.objects.filter(once__in=[f"{cause}{day:%Y%m%d}" for day in days], created_at__gt=days[1]).exists():
        return
    incident = incident_of(run)
    if incident is None:
        return
    notify(
        "platform_incident",
        staff(StaffRole.Role.REVIEWER, StaffRole.Role.ISSUER, StaffRole.Role.ADMINISTRATOR),
        once=f"{cause}{days[0]:%Y%m%d}",
        params={
            "environment": run.credential_set.environment,
            "organisations": incident.organisations,
            "check": _failed_check(run),
        },
    )


def _params(run: Run) -> dict[str, Any]:
    application = run.credential_set.application
    return {
        "application": str(application),
        "application_id": str(application.pk),
        "environment": run.credential_set.environment,
        "run_id": str(run.pk),
    }


def _moment(instant: datetime | None) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if instant else ""


def _failed_check(run: Run) -> dict[str, Any]:
    """Return where it stopped, as plain values: the mail words it in its reader's language. Never secret."""
    return next(row for row in run.checks if row["result"] == Result.FAILED)

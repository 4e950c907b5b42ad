"""What the pages about one environment of an application begin with."""

from typing import Any

from django.http import Http404

from onboarding.registrations.models import Application
from onboarding.web import journey


def track_of(application: Application, environment_id: str) -> journey.Track:
    """Read the facts of one environment. Raises Http404 for one that is not available."""
    try:
        return journey.track(application, environment_id)
    except KeyError:
        raise Http404 from None


def track_context(track: journey.Track) -> dict[str, Any]:
    """Return what the templates of these pages have in common."""
    return {"application": track.application, "environment": track.environment, "track": track}

"""Where calls may go: the sandbox, and the car maker's environments that the operator has named. Nothing else."""

from django.conf import settings
from django.utils.translation import gettext

from onboarding.programmes import SANDBOX, Environment, Profile


def available(profile: Profile) -> tuple[Environment, ...]:
    """Return the environments that can be used with a programme, the sandbox first."""
    named = tuple(profile.environments[id_] for id_ in settings.FLEET_ENVIRONMENTS if id_ in profile.environments)
    return ((sandbox(profile),) if settings.SANDBOX else ()) + named


def environment(profile: Profile, id_: str) -> Environment:
    """Return one environment. Raises KeyError if it does not exist or the operator has not named it."""
    for candidate in available(profile):
        if candidate.id == id_:
            return candidate
    raise KeyError(id_)


def shown(profile: Profile, id_: str) -> Environment:
    """Return an environment for a page about the past: also one that the operator has taken away since."""
    try:
        return environment(profile, id_)
    except KeyError:
        return profile.environments.get(id_, Environment(id_, id_, ""))


def sandbox(profile: Profile) -> Environment:
    """Return the sandbox on this installation."""
    token = f"{settings.SANDBOX_TOKEN_URL}/am/oauth2/access_token" if "client_secret" in profile.credentials else ""
    return Environment(SANDBOX, gettext("Sandbox"), settings.SANDBOX_API_URL + profile.api_path, token)

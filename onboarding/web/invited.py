"""Who has followed an invitation's link in this browser: where sign-up is closed, they may sign up all the same."""

from django.http import HttpRequest

from onboarding.memberships.invitations import from_link

SESSION_KEY = "invitation"


def remember(request: HttpRequest, token: str) -> None:
    """Keep in this browser that an invitation's link was followed."""
    request.session[SESSION_KEY] = token


def address(request: HttpRequest) -> str | None:
    """Return the address that was invited, if the invitation still can be accepted."""
    token = request.session.get(SESSION_KEY)
    found, is_latest = from_link(token) if token else (None, False)
    return found.email if found is not None and is_latest and found.is_open else None

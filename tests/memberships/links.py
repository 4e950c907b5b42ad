"""The links in mails, as their readers see them."""

import re

from django.conf import settings

from onboarding.notifications.mails import render
from onboarding.notifications.models import Mail


def link_in(mail: Mail) -> str:
    """Return the path of the link of ours that a mail leads to."""
    found = re.search(re.escape(settings.PUBLIC_URL) + r"(/\S+)", render(mail).body)
    assert found is not None
    return found[1]


def latest(kind: str) -> Mail:
    return Mail.objects.filter(kind=kind).latest("created_at")


def token_in(mail: Mail) -> str:
    """Return the token at the end of that link."""
    return link_in(mail).rstrip("/").rpartition("/")[2]

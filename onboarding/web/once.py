"""What is sent twice at once is made once: the page of a form that makes something brings the id of what it will make.

A double click, without script too, then finds what the first click made. The id is signed for the reader, so that
nobody chooses the id of a row, and depends on what is asked for: the same page, sent again for something else or later
on, makes something else.
"""

from datetime import timedelta
from uuid import UUID, uuid4, uuid5

from django.core.signing import BadSignature, Signer
from django.db import models
from django.utils import timezone

from onboarding.partners.models import User
from onboarding.web.requests import PortalRequest

NAME = "new_id"
"""Name of the hidden field."""

AT_ONCE = timedelta(minutes=1)

_SIGNER = Signer(salt="onboarding.web.once")


def mark(user: User) -> str:
    """Return what a form carries whose sending makes something."""
    return _SIGNER.sign(f"{user.pk}/{uuid4()}")


def new_id(request: PortalRequest, model: type[models.Model], *asked: object) -> UUID:
    """Return the id of the row that a form makes. asked: what for; the row of this model with that id has `created_at`.

    It is a new one for a form without a mark of ours, and for one that was sent before, more than AT_ONCE ago.
    """
    try:
        user_id, _, nonce = _SIGNER.unsign(request.POST.get(NAME, "")).partition("/")
    except BadSignature:
        return uuid4()
    if user_id != str(request.user.pk):
        return uuid4()
    found = uuid5(UUID(nonce), "\n".join(map(str, asked)))
    is_old = model._default_manager.filter(pk=found, created_at__lt=timezone.now() - AT_ONCE).exists()
    return uuid4() if is_old else found

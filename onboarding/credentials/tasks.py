"""Thin tasks: an id in, one call."""

from django.conf import settings

from onboarding.celery import app
from onboarding.credentials import chasing, drops, private_keys, renewing, revocation_lists, signing


@app.task(time_limit=private_keys.TIME_LIMIT)
def make_key(order_id: str) -> None:
    """Carry out one order for a private key."""
    private_keys.make_key(order_id)


@app.task
def sweep() -> None:
    """Look after orders that nobody looks after."""
    private_keys.sweep()
    drops.sweep()
    signing.sweep()


@app.task(time_limit=signing.TIME_LIMIT)
def ask_issuer(order_id: str) -> None:
    """Carry out one order to a CA."""
    signing.ask(order_id)


@app.task(time_limit=drops.TIME_LIMIT)
def check_drop(drop_id: str) -> None:
    """Check what came back from the corporate CA."""
    drops.check(drop_id)


@app.task(time_limit=drops.TIME_LIMIT)
def release_drop(drop_id: str) -> None:
    """Release what staff want released of it."""
    drops.release(drop_id)


@app.task
def remind() -> None:
    """Remind those whose certificates end soon."""
    renewing.remind()


@app.task
def renew_revocation_list() -> None:
    """Make a new list of revoked certificates before the last one is old."""
    if settings.SANDBOX:
        revocation_lists.current()


@app.task
def chase() -> None:
    """Remind those who wait for the car maker to ask how it stands."""
    chasing.remind()

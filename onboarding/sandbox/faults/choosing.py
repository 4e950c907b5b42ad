"""Which failure a request meets: the one named with its client ID, else the one switched on for that client ID."""

from collections.abc import Sequence
from http import HTTPStatus

from onboarding.rehearsals import BY_NAME, SUFFIX, Played
from onboarding.sandbox.exchange import Refusal
from onboarding.sandbox.registry import Credential
from onboarding.sandbox.shapes import gateway_error

ANSWERED = frozenset({Played.ANSWER, Played.VIRTUAL_KEY, Played.TOKEN})


def split(given: str) -> tuple[str, str]:
    """Return client ID and failure apart; the latter empty where none is named.

    Raises Refusal for a name that no answer can play.
    """
    client_id, _, name = given.partition(SUFFIX)
    if name and name not in BY_NAME:
        reason = f"No failure is called {name!a}; manage.py sandbox --list-faults prints them."
        raise Refusal(gateway_error(HTTPStatus.BAD_REQUEST, reason))
    if name and BY_NAME[name].played not in ANSWERED:
        reason = f"The failure {name} is met at another address; manage.py sandbox --list-faults prints it."
        raise Refusal(gateway_error(HTTPStatus.BAD_REQUEST, reason))
    return client_id, name


def chosen(named: str, known: Sequence[Credential]) -> str:
    """Return the failure to play, empty for none; who is not known meets none."""
    return (named or known[0].fault) if known else ""

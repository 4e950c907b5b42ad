"""The two ways to run the portal (PORTAL_MODE), and all that follows from them: one table.

In a hub partners and staff meet. In solo mode an integrator runs it alone: who is staff in the hub sits at the car
maker, outside, and a member records what they answered.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from onboarding.partners.actors import Actor, ActorKind


class NotTheirsToDecide(Exception):
    """The verb is for those who decide, and this actor is none of them. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to run the portal.

    deciders: in which capacity somebody calls the verbs that decide on a description or a CSR.
    has_desk: whether there are staff: their pages, roles and mails.
    logins_count_at_once: whether a partner login that a member names is confirmed by that.
    certificates_early: whether a key and a CSR for the car maker's environments may be made before the approval.
    sandbox_signs_all: whether every certificate of the sandbox is for its own partner login, and so signed at once.
    """

    deciders: frozenset[ActorKind]
    has_desk: bool
    logins_count_at_once: bool
    certificates_early: bool
    sandbox_signs_all: bool


MODES: Mapping[str, Mode] = {
    "hub": Mode(
        deciders=frozenset({ActorKind.STAFF}),
        has_desk=True,
        logins_count_at_once=False,
        certificates_early=False,
        sandbox_signs_all=False,
    ),
    "solo": Mode(
        deciders=frozenset({ActorKind.MEMBER}),
        has_desk=False,
        logins_count_at_once=True,
        certificates_early=True,
        sandbox_signs_all=True,
    ),
}


def mode() -> Mode:
    """Return how this portal is run."""
    return MODES[settings.PORTAL_MODE]


def require_decider(actor: Actor) -> None:
    """Raise NotTheirsToDecide unless the actor's kind may decide here."""
    if actor.kind not in mode().deciders:
        raise NotTheirsToDecide(actor.kind)

"""What there is beyond the first call: offered on an application's task list, and on the page of a live environment."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from onboarding.registrations.models import Application


@dataclass(frozen=True, slots=True)
class Beyond:
    """One thing to go on with. per_environment: whether its page is one environment's; programmes: whose it is."""

    route: str
    title: Any
    body: Any
    programmes: tuple[str, ...] = ("fleet_owner", "end_user")
    per_environment: bool = False
    offered: Callable[[Application], bool] = lambda application: True


BEYOND: tuple[Beyond, ...] = (
    Beyond(
        "activation",
        _("Service activation in the mobile SDK"),
        _("Vehicle status, remote commands and CarKey in your app: a guide with Kotlin and Swift, and tools to check."),
    ),
    Beyond(
        "rehearsals",
        _("Rehearse the mobile SDK"),
        _("A simulated phone, account and vehicle: service activation and CarKey, with every documented error."),
    ),
    Beyond(
        "virtual_key",
        _("Virtual-key token"),
        _("What the mobile SDK needs to open a session with a vehicle: asked for with these credentials."),
        programmes=("fleet_owner",),
        per_environment=True,
    ),
    Beyond(
        "enrol",
        _("Enrol drivers"),
        _("The address that asks for a driver's consent, what comes back, and the tokens; walked in the sandbox."),
        programmes=("end_user",),
        per_environment=True,
    ),
)
"""In the order in which a partner meets them."""


def beyond(application: Application, environment_id: str = "") -> Iterator[dict[str, Any]]:
    """Yield what is offered: with an environment, what is on its page; without, what needs no credentials."""
    for each in BEYOND:
        if application.programme not in each.programmes or not each.offered(application):
            continue
        if each.per_environment and not environment_id:
            continue
        arguments = (application.pk, environment_id) if each.per_environment else (application.pk,)
        yield {"url": reverse(each.route, args=arguments), "title": each.title, "body": each.body}

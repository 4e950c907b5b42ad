"""Where an application may have credentials, and with which partner login: only the sandbox needs no approval.

Before the approval an organisation has a partner login of the sandbox's own. It is never the application's: nothing
reads it save what is about the sandbox, and a login of the sandbox opens no signing cycle anywhere else.
"""

from onboarding.credentials.models import CertificateRequest
from onboarding.credentials.states import State as CertificateState
from onboarding.lifecycle import IllegalTransition
from onboarding.partners.actors import Actor
from onboarding.partners.models import PartnerLogin
from onboarding.partners.modes import mode
from onboarding.programmes import SANDBOX
from onboarding.registrations.logins import sandbox_login
from onboarding.registrations.models import Application, Registration
from onboarding.registrations.states import CLOSED, LIFECYCLE, State

OPEN_IN_SANDBOX = frozenset({State.DRAFT, State.SUBMITTED, State.IN_REVIEW, State.CHANGES_REQUESTED, State.APPROVED})
"""States of the registration in which something new may be asked for in the sandbox; anywhere, if
`Mode.certificates_early`.
"""

OPEN_ELSEWHERE = frozenset({State.APPROVED})
"""The same, for the car maker's environments otherwise."""


class NoPartnerLogin(Exception):
    """The application has no partner login yet: it is not approved, or the login is only claimed."""


class ApplicationClosed(IllegalTransition):
    """The application was declined, withdrawn or suspended: nothing new can be asked for."""


def is_open(application: Application, environment_id: str) -> bool:
    """Return whether something new may be asked for; what was brought in without a registration always is open."""
    registration: Registration | None = getattr(application, "registration", None)
    return registration is None or registration.state in _open_states(environment_id)


def is_ended(application: Application) -> bool:
    """Return whether the application was declined, withdrawn or suspended."""
    registration: Registration | None = getattr(application, "registration", None)
    return registration is not None and registration.state in CLOSED


def has_login(application: Application, environment_id: str) -> bool:
    """Return whether there is a partner login to ask with, or one is made as soon as somebody asks."""
    of_sandbox = environment_id == SANDBOX and hasattr(application, "registration")
    return of_sandbox or application.confirmed_login is not None


def require_open(application: Application, environment_id: str) -> None:
    """Raise ApplicationClosed unless something new may be asked for, as the database has it now."""
    states = Registration.objects.filter(application=application).values_list("state", flat=True)
    closed = next((one for one in states if one not in _open_states(environment_id)), None)
    if closed in CLOSED:
        raise ApplicationClosed(LIFECYCLE.name, closed, "ask for credentials")
    if closed is not None:
        raise NoPartnerLogin


def require_not_ended(application: Application) -> None:
    """Raise ApplicationClosed if the application was declined, withdrawn or suspended, as the database has it now.

    Within the transaction that issues: whoever suspends at the same moment waits for it.
    """
    rows = Registration.objects.select_for_update().filter(application=application)
    state = rows.values_list("state", flat=True).first()
    if state in CLOSED:
        raise ApplicationClosed(LIFECYCLE.name, state, "issue")


def login_for(application: Application, environment_id: str, *, actor: Actor) -> PartnerLogin:
    """Return the partner login for a new signing cycle; the sandbox's own is made when it is first needed.

    In the sandbox an application stays with the login that it has begun with. Raises NoPartnerLogin, ApplicationClosed.
    """
    require_open(application, environment_id)
    if not has_login(application, environment_id):
        raise NoPartnerLogin
    return known_login(application, environment_id) or sandbox_login(application.organisation, actor=actor)


def known_login(application: Application, environment_id: str) -> PartnerLogin | None:
    """Return the partner login that a new signing cycle would have, as far as there is one already."""
    if environment_id != SANDBOX:
        return application.confirmed_login
    cycles = CertificateRequest.objects.filter(application=application, environment=SANDBOX)
    in_use = cycles.exclude(state=CertificateState.CANCELLED).select_related("partner_login").order_by("-created_at")
    if (newest := in_use.first()) is not None:
        return newest.partner_login
    of_sandbox = PartnerLogin.objects.filter(organisation=application.organisation_id, environment=SANDBOX)
    own = None if mode().sandbox_signs_all else application.confirmed_login
    return own or of_sandbox.first()


def _open_states(environment_id: str) -> frozenset[State]:
    early = environment_id == SANDBOX or mode().certificates_early
    return OPEN_IN_SANDBOX if early else OPEN_ELSEWHERE

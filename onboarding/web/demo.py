"""The cast of the demo: one sign-in for every part that can be played. Made only under DEMO=1; alone, without staff."""

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from allauth.account.models import EmailAddress
from django.db import transaction

from onboarding.audit.events import Event
from onboarding.audit.record import record
from onboarding.partners.actors import SYSTEM
from onboarding.partners.models import Membership, Organisation, StaffRole, User
from onboarding.partners.modes import mode


@dataclass(frozen=True, slots=True)
class Part:
    """Somebody in the demo: a member of `organisation`, or staff where it is empty.

    role: a value of Membership.Role or of StaffRole.Role.
    """

    email: str
    name: str
    role: str
    organisation: str = ""


CAST = (
    Part("owner@example-mobility.example", "Example Owner", "owner", "Example Mobility"),
    Part("developer@example-mobility.example", "Example Developer", "developer", "Example Mobility"),
    Part("owner@rival-fleet.example", "Rival Owner", "owner", "Rival Fleet Services"),
    Part("reviewer@desk.example", "Desk Reviewer", "reviewer"),
    Part("issuer@desk.example", "Desk Issuer", "issuer"),
    Part("auditor@desk.example", "Desk Auditor", "auditor"),
    Part("administrator@desk.example", "Desk Administrator", "administrator"),
)
COUNTRY = "FR"
KEPT_LOGINS = "demo-logins.json"
"""Name of the file below VAR_DIR."""

PASSWORD_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # noqa: S105 — none that is read as another


@dataclass(frozen=True, slots=True)
class Login:
    """How to sign in as one of the cast. role and organisation: in words."""

    email: str
    password: str
    role: str
    organisation: str

    def __str__(self) -> str:
        part = f"{self.role}, {self.organisation}" if self.organisation else self.role
        return f"  {self.email:<36} {self.password}   {part}"


def ensure_demo_accounts(kept_at: Path) -> Sequence[Login]:
    """Make what is missing of the cast, and return how to sign in as each.

    kept_at: the file, readable by its owner alone, that carries the logins from one start to the next. It is
    written before the accounts, so that no start leaves accounts behind that nobody can enter.
    """
    passwords = _kept_passwords(kept_at)
    cast = [part for part in CAST if part.organisation or mode().has_desk]
    unknown = {part.email for part in cast} - passwords.keys()
    logins = [
        Login(
            email=part.email,
            password=passwords.get(part.email) or _new_password(),
            role=str(_role(part).label),
            organisation=part.organisation,
        )
        for part in cast
    ]
    _keep(kept_at, logins)
    with transaction.atomic():
        for part, login in zip(cast, logins, strict=True):
            _ensure_account(part, login.password, renew=part.email in unknown)
    return logins


def _role(part: Part) -> Membership.Role | StaffRole.Role:
    return Membership.Role(part.role) if part.organisation else StaffRole.Role(part.role)


def _ensure_account(part: Part, password: str, *, renew: bool) -> None:
    user = User.objects.filter(email=part.email).first()
    if user is None:
        user = User.objects.create_user(part.email, password, name=part.name)
        EmailAddress.objects.create(user=user, email=part.email, verified=True, primary=True)
    elif renew:
        user.set_password(password)
        user.save(update_fields=["password"])
    if part.organisation:
        organisation, made = Organisation.objects.get_or_create(name=part.organisation, defaults={"country": COUNTRY})
        if made:
            record(Event.ORGANISATION_CREATED, organisation, actor=SYSTEM, organisation=organisation)
        Membership.objects.get_or_create(organisation=organisation, user=user, defaults={"role": part.role})
    else:
        _staff, made = StaffRole.objects.get_or_create(user=user, role=part.role)
        if made:
            data = {"role": part.role, "member": str(user.pk)}
            record(Event.ROLE_GRANTED, user, actor=SYSTEM, organisation=None, data=data)


def _new_password() -> str:
    return "-".join("".join(secrets.choice(PASSWORD_LETTERS) for _ in range(4)) for _ in range(4))


def _kept_passwords(path: Path) -> Mapping[str, str]:
    try:
        return {login["email"]: login["password"] for login in json.loads(path.read_text("utf-8"))}
    except FileNotFoundError:
        return {}


def _keep(path: Path, logins: Sequence[Login]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump([asdict(login) for login in logins], file, indent=2)
    draft.replace(path)

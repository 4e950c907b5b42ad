"""Who does something: what a flow is told instead of a request."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class ActorKind(StrEnum):
    """In which capacity somebody acts."""

    MEMBER = "member"
    STAFF = "staff"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. Named by id, never by name or e-mail: people can be erased, the audit stays.

    address: the network address the act came from; empty for the system.
    """

    kind: ActorKind
    user_id: UUID | None = None
    address: str = ""


SYSTEM = Actor(ActorKind.SYSTEM)

"""What somebody with a hand in the database can do to the audit, and what a verification says to it."""

import json
from typing import Any
from uuid import UUID, uuid4

from django.core.management import call_command
from django.db import connection

from onboarding.audit import guards, keys, verifying
from onboarding.audit.documents import Vouched
from onboarding.audit.events import Event
from onboarding.audit.models import Chain, Entry
from onboarding.audit.record import record
from onboarding.partners.actors import SYSTEM
from onboarding.partners.models import Organisation, User


def chain_of(organisation: Organisation | None, user: User, entries: int) -> Chain:
    """A chain with so many entries."""
    for number in range(entries):
        record(Event.MEMBER_ROLE_CHANGED, user, actor=SYSTEM, organisation=organisation, data={"number": number})
    return Chain.objects.get(organisation=organisation)


def found(*vouched: Vouched) -> list[tuple[Any, ...]]:
    """What a verification finds, as (code, first, last)."""
    outcome = verifying.verify(keys.ring(), vouched)
    return [(one.code, one.params["first"], one.params["last"]) for one in outcome.findings]


def chains_hold() -> bool:
    return verifying.verify(keys.ring()).is_whole


def edit(chain: Chain, position: int, **values: Any) -> None:
    with guards.lifted():
        Entry.objects.filter(chain=chain, position=position).update(**values)


def delete(chain: Chain, *positions: int) -> None:
    with guards.lifted():
        Entry.objects.filter(chain=chain, position__in=positions).delete()


def renumber(chain: Chain, moves: dict[int, int]) -> None:
    """Give entries other positions, by the ones they have."""
    with guards.lifted():
        ids = dict(Entry.objects.filter(chain=chain, position__in=moves).values_list("position", "pk"))
        for place, id_ in enumerate(ids.values()):
            Entry.objects.filter(pk=id_).update(position=1_000_000 + place)
        for old, new in moves.items():
            Entry.objects.filter(pk=ids[old]).update(position=new)


def put_in(chain: Chain, position: int, like: int) -> None:
    """Write an entry past the portal."""
    copy = Entry.objects.get(chain=chain, position=like)
    copy.pk, copy.position, copy.mac = uuid4(), position, "0" * 64
    copy.save(force_insert=True)


def set_head(chain: Chain, position: int) -> None:
    """Make the chain end at an entry."""
    head = Entry.objects.filter(chain=chain, position=position).values_list("mac", flat=True).first() or ""
    with guards.lifted():
        Chain.objects.filter(pk=chain.pk).update(length=position, head=head)


def command(capsys: Any, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run `verify_audit --json`; return its exit code and what it printed."""
    try:
        call_command("verify_audit", "--json", *arguments)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    return code, json.loads(capsys.readouterr().out)


def raw(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, [value.hex if isinstance(value, UUID) else value for value in values])

"""The database itself refuses to change what was recorded: triggers on the audit's tables, made after each migration.

They stop mistakes and whoever has no more than the portal's own ways into the database. Who owns the tables can take
them away, with `lifted()` or by hand; then the chain shows what was done meanwhile, and `verify_audit` that they are
missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connections

_REFUSED = "the audit is append-only"

_SQLITE: Mapping[str, str] = {
    "audit_entry_unchanged": f"BEFORE UPDATE ON audit_entry BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END",
    "audit_entry_kept": f"BEFORE DELETE ON audit_entry BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END",
    # INSERT OR REPLACE deletes without asking the triggers on DELETE.
    "audit_entry_not_replaced": (
        "BEFORE INSERT ON audit_entry WHEN EXISTS (SELECT 1 FROM audit_entry WHERE id = NEW.id"
        " OR (chain_id = NEW.chain_id AND position = NEW.position))"
        " BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
    ),
    "audit_chain_forward": (
        "BEFORE UPDATE ON audit_chain WHEN NEW.length <> OLD.length + 1 OR NEW.id IS NOT OLD.id"
        f" OR NEW.organisation_id IS NOT OLD.organisation_id BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
    ),
    "audit_chain_kept": f"BEFORE DELETE ON audit_chain BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END",
}

_POSTGRESQL: Mapping[str, str] = {
    "audit_entry_unchanged": "BEFORE UPDATE OR DELETE ON audit_entry FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "audit_entry_kept": "BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
    "audit_chain_forward": (
        "BEFORE UPDATE ON audit_chain FOR EACH ROW WHEN (NEW.length <> OLD.length + 1 OR NEW.id <> OLD.id"
        " OR NEW.organisation_id IS DISTINCT FROM OLD.organisation_id) EXECUTE FUNCTION audit_refuse()"
    ),
    "audit_chain_kept": "BEFORE DELETE ON audit_chain FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "audit_chain_not_emptied": "BEFORE TRUNCATE ON audit_chain FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
}

_FUNCTION = f"""
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{_REFUSED}' USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def install(using: str = "default") -> None:
    """Make the triggers that are missing."""
    connection = connections[using]
    triggers = _triggers(connection)
    there = missing(using)
    if not there:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_FUNCTION)
        for name in there:
            cursor.execute(f"CREATE TRIGGER {name} {triggers[name]}")


def remove(using: str = "default") -> None:
    """Take the triggers away. Needs the owner of the tables."""
    connection = connections[using]
    with connection.cursor() as cursor:
        for name, definition in _triggers(connection).items():
            table = definition.partition(" ON ")[2].partition(" ")[0]
            on = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")


def missing(using: str = "default") -> Sequence[str]:
    """Return the names of the triggers that are not there, or are switched off."""
    connection = connections[using]
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
        " AND tgrelid IN (to_regclass('audit_entry'), to_regclass('audit_chain'))"
        if connection.vendor == "postgresql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        there = {name for (name,) in cursor.fetchall()}
    return [name for name in _triggers(connection) if name not in there]


@contextmanager
def lifted(using: str = "default") -> Iterator[None]:
    """Take the triggers away for the block: for tests, and where the law wants something gone.

    The chain is not mended by it: `verify_audit` names what was changed meanwhile, as it should.
    """
    remove(using)
    try:
        yield
    finally:
        install(using)


def _triggers(connection: Any) -> Mapping[str, str]:
    return _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE

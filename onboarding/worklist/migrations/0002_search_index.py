"""The index that full-text search uses, on PostgreSQL only. Its expression is the one in search.py."""

from typing import Any

from django.db import migrations

NAME = "work_item_search"


def make(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"CREATE INDEX {NAME} ON worklist_item USING gin (to_tsvector('simple'::regconfig, search))"
        )


def drop(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX {NAME}")


class Migration(migrations.Migration):
    dependencies = [("worklist", "0001_initial")]
    operations = [migrations.RunPython(make, drop)]

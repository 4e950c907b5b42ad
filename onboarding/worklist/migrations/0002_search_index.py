"""What full-text search reads, on PostgreSQL only: the words of each card, kept ready, and indexes on them.

What waits has an index of its own, so that searching it costs the same however much has been done.
"""

from typing import Any

from django.db import migrations

COLUMN = "search_vector"
INDEXES = {"work_item_search_waiting": "closed_at IS NULL", "work_item_search_done": "closed_at IS NOT NULL"}


def make(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        words = "to_tsvector('simple'::regconfig, search)"
        schema_editor.execute(
            f"ALTER TABLE worklist_item ADD COLUMN {COLUMN} tsvector GENERATED ALWAYS AS ({words}) STORED"
        )
        for name, condition in INDEXES.items():
            schema_editor.execute(f"CREATE INDEX {name} ON worklist_item USING gin ({COLUMN}) WHERE {condition}")


def drop(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"ALTER TABLE worklist_item DROP COLUMN {COLUMN}")


class Migration(migrations.Migration):
    dependencies = [("worklist", "0001_initial")]
    operations = [migrations.RunPython(make, drop)]

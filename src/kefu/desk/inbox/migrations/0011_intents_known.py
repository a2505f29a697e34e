"""What customers wanted last, from where their conversations' figures stand."""

from typing import Any

from django.db import migrations

_AT_ONCE = 1000


def fill(apps: Any, schema_editor: Any) -> None:
    conversations = apps.get_model("inbox", "Conversation").objects
    batch = []
    for row in conversations.filter(clock__isnull=False).only("id", "clock").iterator(chunk_size=_AT_ONCE):
        row.intent = str((row.clock or {}).get("intent") or "")[:64]
        if row.intent:
            batch.append(row)
        if len(batch) == _AT_ONCE:
            conversations.bulk_update(batch, ["intent"])
            batch = []
    conversations.bulk_update(batch, ["intent"])


class Migration(migrations.Migration):
    dependencies = [("inbox", "0010_sorting_and_writing")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=True)]

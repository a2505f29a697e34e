"""The index in which messages are searched."""

from typing import Any

from django.db import migrations

from kefu.desk.inbox.searching import lay


def make(apps: Any, schema_editor: Any) -> None:
    lay(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [("inbox", "0007_inbox_indexes")]

    operations = [migrations.RunPython(make, migrations.RunPython.noop, elidable=False)]

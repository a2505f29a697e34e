"""Django's name for this app."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class InboxConfig(AppConfig):
    name = "kefu.desk.inbox"
    label = "inbox"

    def ready(self) -> None:
        from kefu.desk.inbox.listeners import FOLLOWERS

        FOLLOWERS.add("kefu.desk.inbox.actions.routes:follow")
        FOLLOWERS.add("kefu.desk.inbox.actions.clocks:follow")
        post_migrate.connect(_searchable, sender=self)


def _searchable(using: str, **given: Any) -> None:
    """SQLite's triggers go with a table that a migration makes anew."""
    from django.db import connections

    from kefu.desk.inbox.searching import lay

    if "inbox_message" in connections[using].introspection.table_names():
        lay(connections[using])

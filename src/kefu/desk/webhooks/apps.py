"""Django's name for this app."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "kefu.desk.webhooks"
    label = "webhooks"

    def ready(self) -> None:
        from kefu.desk.inbox.listeners import WATCHERS

        WATCHERS.add("kefu.desk.webhooks.actions:WATCHER")

"""Django's name for this app."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "kefu.desk.webhooks"
    label = "webhooks"

    def ready(self) -> None:
        from kefu.desk.inbox.actions import watch
        from kefu.desk.webhooks.actions import WATCHER

        watch(WATCHER)

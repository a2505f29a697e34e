"""Django's name for this app."""

from django.apps import AppConfig


class InsightsConfig(AppConfig):
    name = "kefu.desk.insights"
    label = "insights"

    def ready(self) -> None:
        from kefu.desk.inbox.listeners import WATCHERS

        WATCHERS.add("kefu.desk.insights.actions:WATCHER")

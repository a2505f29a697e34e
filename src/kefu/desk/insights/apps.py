"""Django's name for this app."""

from django.apps import AppConfig


class InsightsConfig(AppConfig):
    name = "kefu.desk.insights"
    label = "insights"

    def ready(self) -> None:
        from kefu.desk.inbox.actions import watch
        from kefu.desk.insights.actions import WATCHER

        watch(WATCHER)

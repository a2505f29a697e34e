"""Django's name for this app."""

from django.apps import AppConfig


class SurveysConfig(AppConfig):
    name = "kefu.desk.surveys"
    label = "surveys"

    def ready(self) -> None:
        from kefu.desk.inbox.listeners import AFTER_END, WATCHERS

        WATCHERS.add("kefu.desk.surveys.actions:WATCHER")
        AFTER_END.add("kefu.desk.surveys.actions:heard")

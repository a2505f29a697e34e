"""Django's name for this app."""

from django.apps import AppConfig


class SurveysConfig(AppConfig):
    name = "kefu.desk.surveys"
    label = "surveys"

    def ready(self) -> None:
        from kefu.desk.inbox.actions import listen_after_end, watch
        from kefu.desk.surveys.actions import WATCHER, heard

        watch(WATCHER)
        listen_after_end(heard)

"""Django's name for this app."""

from django.apps import AppConfig


class CopilotConfig(AppConfig):
    name = "kefu.desk.copilot"
    label = "copilot"

    def ready(self) -> None:
        from kefu.desk.contacts.listeners import TAKEN_BACK

        TAKEN_BACK.add("kefu.desk.copilot.actions:consent_taken_back")

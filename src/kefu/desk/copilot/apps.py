"""Django's name for this app."""

from django.apps import AppConfig


class CopilotConfig(AppConfig):
    name = "kefu.desk.copilot"
    label = "copilot"

    def ready(self) -> None:
        from kefu.desk.contacts.care import when_taken_back
        from kefu.desk.copilot.actions import consent_taken_back

        when_taken_back(consent_taken_back)

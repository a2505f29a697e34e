"""Django's name for this app."""

from django.apps import AppConfig


class CopilotConfig(AppConfig):
    name = "kefu.desk.copilot"
    label = "copilot"

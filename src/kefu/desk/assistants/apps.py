"""Django's name for this app."""

from django.apps import AppConfig


class AssistantsConfig(AppConfig):
    name = "kefu.desk.assistants"
    label = "assistants"

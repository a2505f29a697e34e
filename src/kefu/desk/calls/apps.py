"""Django's name for this app."""

from django.apps import AppConfig


class CallsConfig(AppConfig):
    name = "kefu.desk.calls"
    label = "calls"

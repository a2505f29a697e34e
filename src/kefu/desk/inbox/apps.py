"""Django's name for this app."""

from django.apps import AppConfig


class InboxConfig(AppConfig):
    name = "kefu.desk.inbox"
    label = "inbox"

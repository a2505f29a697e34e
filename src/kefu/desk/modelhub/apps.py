"""Django's name for this app."""

from django.apps import AppConfig


class ModelhubConfig(AppConfig):
    name = "kefu.desk.modelhub"
    label = "modelhub"

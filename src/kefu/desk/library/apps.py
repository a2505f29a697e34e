"""Django's name for this app."""

from django.apps import AppConfig


class LibraryConfig(AppConfig):
    name = "kefu.desk.library"
    label = "library"

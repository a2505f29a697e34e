"""Django's name for this app."""

from django.apps import AppConfig


class ContactsConfig(AppConfig):
    name = "kefu.desk.contacts"
    label = "contacts"

"""Django's name for this app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "kefu.desk.accounts"
    label = "accounts"

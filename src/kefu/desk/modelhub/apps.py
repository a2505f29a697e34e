"""Django's name for this app."""

from django.apps import AppConfig


class ModelhubConfig(AppConfig):
    name = "kefu.desk.modelhub"
    label = "modelhub"

    def ready(self) -> None:
        from kefu.desk.contacts.listeners import TAKEN_BACK

        TAKEN_BACK.add("kefu.desk.modelhub.actions.forgetting:consent_taken_back")

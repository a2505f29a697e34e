"""Shapes of webhooks at the members' door."""

from datetime import datetime
from typing import Any, Literal

from ninja import Field, Schema

from kefu.desk.webhooks.events import EVENTS
from kefu.desk.webhooks.queries import WebhookDeliveryInfo, WebhookInfo
from kefu.desk.webhooks.sending import Answered


class NewWebhookIn(Schema):
    name: str = Field(max_length=100)
    url: str = Field(max_length=1000)
    events: list[str] = Field(max_length=50)


class WebhookChange(Schema):
    """What is left out stays as it is."""

    name: str | None = Field(None, max_length=100)
    url: str | None = Field(None, max_length=1000)
    events: list[str] | None = Field(None, max_length=50)


class WebhookShown(Schema):
    id: str
    name: str
    url: str
    events: list[str]
    created_at: datetime
    failing_since: datetime | None
    paused_at: datetime | None
    paused_by: str
    last_error: str
    last_sent_at: datetime | None
    waiting: int
    dead: int


class WebhookMade(WebhookShown):
    """`secret` is shown once."""

    secret: str


class EventShown(Schema):
    name: str
    title: dict[str, str]


class Webhooks(Schema):
    webhooks: list[WebhookShown]
    events: list[EventShown]


class WebhookDeliveryShown(Schema):
    id: str
    event: str
    conversation: str | None
    state: Literal["pending", "claimed", "sent", "dead"]
    attempts: int
    status: int | None
    error: str
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    body: dict[str, Any]


class WebhookDeliveries(Schema):
    deliveries: list[WebhookDeliveryShown]


class WebhookTested(Schema):
    """`error` is empty where the other system took it."""

    status: int | None
    error: str
    ms: int


class WebhookResent(Schema):
    count: int


def webhook_json(found: WebhookInfo) -> dict[str, Any]:
    return {**vars(found), "events": list(found.events)}


def webhooks_json(found: list[WebhookInfo]) -> dict[str, Any]:
    events = [{"name": name, "title": dict(title)} for name, title in EVENTS.items()]
    return {"webhooks": [webhook_json(each) for each in found], "events": events}


def delivery_json(found: WebhookDeliveryInfo) -> dict[str, Any]:
    return {**vars(found), "conversation": found.conversation_id or None}


def tested_json(answered: Answered) -> dict[str, Any]:
    return {"status": answered.status, "error": answered.error, "ms": answered.ms}

"""Reads of webhooks and of what is on its way to them."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count

from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role
from kefu.desk.crypto import unseal
from kefu.desk.webhooks.models import Webhook, WebhookDelivery
from kefu.kit.errors import NotFound


@dataclass(frozen=True)
class WebhookInfo:
    """`waiting` and `dead` count what is on its way, and what was tried too often."""

    id: str
    name: str
    url: str
    events: tuple[str, ...]
    created_at: datetime
    failing_since: datetime | None
    paused_at: datetime | None
    paused_by: str
    last_error: str
    last_sent_at: datetime | None
    waiting: int
    dead: int


@dataclass(frozen=True)
class WebhookDeliveryInfo:
    """One event on its way; `body` is what is sent."""

    id: str
    webhook_id: str
    event: str
    conversation_id: str
    state: str
    attempts: int
    status: int | None
    error: str
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    body: dict[str, Any]


def webhooks(actor: Actor) -> list[WebhookInfo]:
    """Raises NotAllowed."""
    actor.require_role(Role.ADMIN)
    rows = list(Webhook.objects.of(actor.workspace_id).order_by("created_at"))
    counted = WebhookDelivery.objects.of(actor.workspace_id).exclude(state="sent").values_list("webhook_id", "state")
    numbers = {(row[0], row[1]): row[2] for row in counted.annotate(Count("id")).order_by()}
    return [_info(row, numbers) for row in rows]


def webhook(actor: Actor, webhook_id: str) -> WebhookInfo:
    """Raises NotFound, NotAllowed."""
    found = next((each for each in webhooks(actor) if each.id == webhook_id), None)
    if found is None:
        raise NotFound("There is no such webhook.", webhook=webhook_id)
    return found


def webhook_row(actor: Actor, webhook_id: str, *, lock: bool = False) -> Webhook:
    actor.require_role(Role.ADMIN)
    rows = Webhook.objects.of(actor.workspace_id)
    row = (rows.select_for_update() if lock else rows).filter(id=webhook_id).first()
    if row is None:
        raise NotFound("There is no such webhook.", webhook=webhook_id)
    return row


def webhook_deliveries(
    actor: Actor, webhook_id: str, *, state: str = "", limit: int = 100
) -> list[WebhookDeliveryInfo]:
    """What went or goes to a webhook, the newest first. Raises NotFound, NotAllowed."""
    webhook_row(actor, webhook_id)
    rows = WebhookDelivery.objects.of(actor.workspace_id).filter(webhook_id=webhook_id)
    if state:
        rows = rows.filter(state__in=["pending", "claimed"] if state == "pending" else [state])
    return [_delivery(row) for row in rows.order_by("-created_at", "-event_id")[:limit]]


def secret_of(row: Webhook) -> str:
    """What signs a webhook's requests: never to be shown or logged."""
    return unseal(workspace_key(row.workspace_id), row.sealed_secret, about=row.id).decode()


def body_of(row: WebhookDelivery) -> bytes:
    """What is sent, as JSON."""
    return unseal(workspace_key(row.workspace_id), row.sealed_body, about=row.id)


def _info(row: Webhook, numbers: dict[tuple[str, str], int]) -> WebhookInfo:
    return WebhookInfo(
        row.id,
        row.name,
        row.url,
        tuple(row.events),
        row.created_at,
        row.failing_since,
        row.paused_at,
        row.paused_by,
        row.last_error,
        row.last_sent_at,
        waiting=numbers.get((row.id, "pending"), 0) + numbers.get((row.id, "claimed"), 0),
        dead=numbers.get((row.id, "dead"), 0),
    )


def _delivery(row: WebhookDelivery) -> WebhookDeliveryInfo:
    return WebhookDeliveryInfo(
        row.id,
        row.webhook_id,
        row.event,
        row.conversation_id,
        row.state,
        row.attempts,
        row.status,
        row.error,
        row.created_at,
        row.due_at,
        row.sent_at,
        json.loads(body_of(row)),
    )

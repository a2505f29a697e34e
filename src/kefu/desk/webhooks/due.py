"""What dispatch runs for webhooks: events become deliveries, and deliveries are claimed and settled. Safe to run twice.

Every event stands in a table before anybody is told of it, so nothing is lost. Each webhook has its own place in it;
an event becomes one delivery for it, however often it is looked at. Of a conversation one goes at a time, in order.
What was interrupted is sent again with the same id: at least once, never only maybe.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from pydantic_core import to_json

from kefu.desk.accounts.actions import announce, notify
from kefu.desk.accounts.models import Event
from kefu.desk.accounts.queries import EventInfo, addresses, workspace, workspace_key
from kefu.desk.actor import Role
from kefu.desk.crypto import seal
from kefu.desk.inbox.delivering import pause_before
from kefu.desk.rows import now
from kefu.desk.statements import execute
from kefu.desk.webhooks.events import KINDS, Notable, notable
from kefu.desk.webhooks.models import Webhook, WebhookDelivery
from kefu.desk.webhooks.queries import body_of, secret_of
from kefu.kit.errors import NotAllowed, NotFound
from kefu.kit.settings import settings

ATTEMPTS = 12  # with the pauses of `pause_before`, some seven hours
PAUSE_AFTER = timedelta(hours=24)  # of failures only: nobody is there, and somebody should look
_KEPT_SENT, _KEPT_DEAD = timedelta(days=7), timedelta(days=30)
_AT_ONCE = 500  # events looked at in one transaction
# Transactions of PostgreSQL may become visible out of the order of their ids; none of ours lasts so long.
_VISIBLE_AFTER = timedelta(seconds=30)

# What a system is told of an event: a JSON object, or nothing where it may not see it (`NotFound`, `NotAllowed`).
Shown = Callable[[Webhook, Notable], Mapping[str, Any]]

_DUE = """
    SELECT delivery.id FROM webhooks_webhookdelivery AS delivery
    JOIN webhooks_webhook AS webhook ON webhook.id = delivery.webhook_id
    WHERE delivery.state IN ('pending', 'claimed') AND webhook.paused_at IS NULL
        AND ((delivery.state = 'pending' AND delivery.due_at <= %s)
            OR (delivery.state = 'claimed' AND delivery.lease_until < %s))
        AND (delivery.conversation_id = '' OR NOT EXISTS (
            SELECT 1 FROM webhooks_webhookdelivery AS other
            WHERE other.webhook_id = delivery.webhook_id AND other.conversation_id = delivery.conversation_id
                AND other.state IN ('pending', 'claimed') AND other.event_id < delivery.event_id))
    ORDER BY delivery.due_at LIMIT %s
"""
_LOCKED = " FOR UPDATE OF delivery SKIP LOCKED"


@dataclass(frozen=True)
class ClaimedWebhook:
    """A delivery that this worker alone may send until its lease ends."""

    id: str
    webhook_id: str
    workspace_id: str
    url: str
    secret: str
    body: bytes
    attempts: int
    worker: str


def plan(*, shown: Shown, looked: dict[str, set[int]]) -> int:
    """Make deliveries of the events that nobody looked at yet, for each webhook; gives how many events those were.

    `looked` is what the caller's process has looked at, by webhook, and is kept by it between calls.
    """
    everywhere = Webhook.objects.across_workspaces("dispatch works for all")
    return sum(_plan(each, shown, looked.setdefault(each, set())) for each in everywhere.values_list("id", flat=True))


def claim_webhooks(*, worker: str, limit: int, lease_seconds: float) -> list[ClaimedWebhook]:
    """Take what is due, the oldest of each conversation; what a dead worker had is taken over."""
    at = now()
    with transaction.atomic():
        lock = _LOCKED if connection.vendor == "postgresql" else ""
        ids = [str(row[0]) for row in execute(_DUE + lock, [at, at, limit])]
        rows = WebhookDelivery.objects.across_workspaces("dispatch works for all").filter(id__in=ids)
        claimed = []
        for row in rows.select_related("webhook").order_by("event_id"):
            row.state, row.claimed_by, row.attempts = "claimed", worker, row.attempts + 1
            row.lease_until = at + timedelta(seconds=lease_seconds)
            row.save(update_fields=["state", "claimed_by", "attempts", "lease_until"])
            hook = row.webhook
            claimed.append(
                ClaimedWebhook(
                    *(row.id, hook.id, row.workspace_id, hook.url, secret_of(hook), body_of(row), row.attempts, worker)
                )
            )
    return claimed


def settle_webhook(claimed: ClaimedWebhook, *, status: int | None, error: str = "", wait: float | None = None) -> None:
    """Write down how sending ended: `error` empty means that it was taken. A claim that is no longer ours is left.

    `wait` are the seconds that the other system asked for.
    """
    with transaction.atomic():
        hook = Webhook.objects.of(claimed.workspace_id).select_for_update().filter(id=claimed.webhook_id).first()
        mine = WebhookDelivery.objects.of(claimed.workspace_id).filter(
            id=claimed.id, state="claimed", claimed_by=claimed.worker, attempts=claimed.attempts
        )
        if hook is None:
            return
        at = now()
        free = {"claimed_by": "", "lease_until": None, "status": status}
        if not error:
            if mine.update(state="sent", sent_at=at, error="", **free):
                hook.failing_since, hook.last_error, hook.last_sent_at = None, "", at
                hook.save(update_fields=["failing_since", "last_error", "last_sent_at"])
            return
        is_dead = claimed.attempts >= ATTEMPTS
        seconds = pause_before(claimed.attempts) if wait is None else min(wait, 3600.0)
        columns = {"state": "dead" if is_dead else "pending", "due_at": at + timedelta(seconds=seconds)}
        if mine.update(error=error[:300], **columns, **free):
            _failed(hook, error)


def forget_webhooks(*, limit: int = 5_000) -> int:
    """Drop what was sent a week ago, and what was given up a month ago; gives how many."""
    everywhere = WebhookDelivery.objects.across_workspaces("dispatch works for all")
    at = now()
    old = list(
        everywhere.filter(state="sent", created_at__lt=at - _KEPT_SENT).values_list("id", flat=True)[:limit]
    ) + list(
        everywhere.exclude(state="sent").filter(created_at__lt=at - _KEPT_DEAD).values_list("id", flat=True)[:limit]
    )
    if old:
        everywhere.filter(id__in=old[:limit]).delete()
    return len(old[:limit])


def _plan(webhook_id: str, shown: Shown, looked: set[int]) -> int:
    """Look at the next events for one webhook; gives how many were new."""
    with transaction.atomic():
        rows = Webhook.objects.across_workspaces("dispatch works for all")
        hook = rows.select_for_update(skip_locked=_has_many_writers()).filter(id=webhook_id).first()
        if hook is None:  # removed, or another process is at it
            return 0
        following = Event.objects.of(hook.workspace_id).filter(id__gt=hook.after, kind__in=KINDS).order_by("id")
        events = [event for event in following[: _AT_ONCE + len(looked)] if event.id not in looked][:_AT_ONCE]
        known = _known(hook, events)
        for event in events:
            if event.id not in known:
                _planned(hook, event, shown)
        looked.update(event.id for event in events)
        _move_on(hook, looked)
    return len(events)


def _known(hook: Webhook, events: list[Event]) -> set[int]:
    """Which of these events have their delivery already: another process made it."""
    ids = [event.id for event in events]
    there = WebhookDelivery.objects.of(hook.workspace_id).filter(webhook_id=hook.id, event_id__in=ids)
    return set(there.values_list("event_id", flat=True))


def _move_on(hook: Webhook, looked: set[int]) -> None:
    """Begin after what was looked at the next time: where several write at once, after what is old enough of it."""
    passed = looked
    if _has_many_writers():
        old = Event.objects.of(hook.workspace_id).filter(id__in=looked, created_at__lt=now() - _VISIBLE_AFTER)
        passed = set(old.values_list("id", flat=True))
    if passed:
        hook.after = max(passed)
        hook.save(update_fields=["after"])
        looked.difference_update(passed)


def _planned(hook: Webhook, event: Event, shown: Shown) -> None:
    found = notable(EventInfo(event.id, event.workspace_id, event.kind, event.row_id, event.conversation_id))
    if found is None or found.name not in hook.events:
        return
    try:
        body = {
            "event": found.name,
            "id": f"evt_{event.id}",
            "created_at": event.created_at.isoformat(),
            "workspace": event.workspace_id,
            **({"changed_attributes": [found.changed]} if found.changed else {}),
            **shown(hook, found),
        }
    except (NotFound, NotAllowed):  # erased meanwhile, or a note that only members see
        return
    row = WebhookDelivery(
        workspace_id=hook.workspace_id,
        webhook_id=hook.id,
        event_id=event.id,
        event=found.name,
        conversation_id=event.conversation_id,
    )
    row.sealed_body = seal(workspace_key(hook.workspace_id), to_json(body), about=row.id)
    row.save(force_insert=True)


def _failed(hook: Webhook, error: str) -> None:
    at = now()
    hook.failing_since, hook.last_error = hook.failing_since or at, error[:300]
    gives_up = at - hook.failing_since >= PAUSE_AFTER and hook.paused_at is None
    if gives_up:
        hook.paused_at, hook.paused_by = at, "kefu"
    hook.save(update_fields=["failing_since", "last_error", "paused_at", "paused_by"])
    if gives_up:
        announce(hook.workspace_id, "webhook.updated", hook.id)
        _tell(hook)


def _tell(hook: Webhook) -> None:
    """Mail to those who can mend it."""
    here = workspace(hook.workspace_id)
    link = f"{settings().address}/console/settings/webhooks"
    for address, language in addresses(hook.workspace_id, least=Role.ADMIN):
        chinese = (language or here.default_language).startswith("zh")
        subject = f"{here.title}：Webhook 已暂停" if chinese else f"A webhook of {here.title} is paused"
        text = (
            f"Webhook“{hook.name}”已连续失败超过 24 小时，现已暂停。期间的事件会保留。\n{link}\n"
            if chinese
            else f"The webhook “{hook.name}” has failed for more than 24 hours and is paused. Events wait.\n{link}\n"
        )
        notify(hook.workspace_id, about=hook.id, addresses=[address], subject=subject, text=text)


def _has_many_writers() -> bool:
    return bool(connection.vendor == "postgresql")

"""Writes of webhooks: added, changed, removed, paused, and what failed sent again."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.accounts.queries import last_event_id, workspace_key
from kefu.desk.actor import Actor, Role
from kefu.desk.crypto import seal
from kefu.desk.inbox.actions import Happened, Watcher
from kefu.desk.inbox.models import Conversation
from kefu.desk.rows import now
from kefu.desk.webhooks.events import EVENTS
from kefu.desk.webhooks.models import Webhook, WebhookDelivery
from kefu.desk.webhooks.queries import WebhookInfo, webhook, webhook_row
from kefu.kit.errors import BadInput, Conflict, NotFound
from kefu.kit.signatures import new_secret

_MOST = 50  # webhooks of a workspace: each event is stored once for each of them
_URL = 1_000


@dataclass(frozen=True)
class NewWebhook:
    """`secret` is shown once and kept sealed."""

    webhook: WebhookInfo
    secret: str


def add_webhook(actor: Actor, *, name: str, url: str, events: Sequence[str]) -> NewWebhook:
    """Tell a system of what happens from now on. Raises BadInput, Conflict for a name that is taken, NotAllowed."""
    actor.require_role(Role.ADMIN)
    if Webhook.objects.of(actor.workspace_id).count() >= _MOST:
        raise Conflict(f"A workspace has at most {_MOST} webhooks.")
    row = Webhook(workspace_id=actor.workspace_id, name=_name(name), url=_url(url), events=_events(events))
    secret = new_secret()
    row.sealed_secret = seal(workspace_key(actor.workspace_id), secret, about=row.id)
    row.after = last_event_id()
    _save(row, new=True)
    audit(actor, "webhook.added", row.id, after={"name": row.name, "url": row.url, "events": row.events})
    announce(actor.workspace_id, "webhook.updated", row.id)
    return NewWebhook(webhook(actor, row.id), secret)


def change_webhook(
    actor: Actor,
    *,
    webhook_id: str,
    name: str | None = None,
    url: str | None = None,
    events: Sequence[str] | None = None,
) -> WebhookInfo:
    """Change what is given of a webhook. Raises BadInput, Conflict, NotFound, NotAllowed."""
    with transaction.atomic():
        row = webhook_row(actor, webhook_id, lock=True)
        before = {"name": row.name, "url": row.url, "events": row.events}
        row.name = row.name if name is None else _name(name)
        row.url = row.url if url is None else _url(url)
        row.events = row.events if events is None else _events(events)
        _save(row)
        audit(
            actor,
            "webhook.changed",
            row.id,
            before=before,
            after={"name": row.name, "url": row.url, "events": row.events},
        )
        announce(actor.workspace_id, "webhook.updated", row.id)
    return webhook(actor, webhook_id)


def new_webhook_secret(actor: Actor, *, webhook_id: str) -> NewWebhook:
    """Sign with another secret from now on. Raises NotFound, NotAllowed."""
    with transaction.atomic():
        row = webhook_row(actor, webhook_id, lock=True)
        secret = new_secret()
        row.sealed_secret = seal(workspace_key(actor.workspace_id), secret, about=row.id)
        row.save(update_fields=["sealed_secret"])
        audit(actor, "webhook.secret_made", row.id)
    return NewWebhook(webhook(actor, webhook_id), secret)


def remove_webhook(actor: Actor, *, webhook_id: str) -> None:
    """Tell a system of nothing more; what was on its way is dropped. Raises NotFound, NotAllowed."""
    with transaction.atomic():
        row = webhook_row(actor, webhook_id, lock=True)
        audit(actor, "webhook.removed", row.id, before={"name": row.name, "url": row.url})
        WebhookDelivery.objects.of(actor.workspace_id).filter(webhook_id=row.id).delete()
        Webhook.objects.of(actor.workspace_id).filter(id=row.id).delete()
        announce(actor.workspace_id, "webhook.updated", webhook_id)


def pause_webhook(actor: Actor, *, webhook_id: str, paused: bool) -> WebhookInfo:
    """Hold back what is sent to a webhook, or go on; what happened meanwhile is sent then.

    Raises NotFound, NotAllowed.
    """
    with transaction.atomic():
        row = webhook_row(actor, webhook_id, lock=True)
        if bool(row.paused_at) != paused:
            row.paused_at, row.paused_by = (now(), actor.id[:40]) if paused else (None, "")
            row.failing_since = None
            row.save(update_fields=["paused_at", "paused_by", "failing_since"])
            if not paused:
                waiting = WebhookDelivery.objects.of(actor.workspace_id).filter(webhook_id=row.id, state="pending")
                waiting.update(due_at=now(), attempts=0)
            audit(actor, "webhook.paused" if paused else "webhook.resumed", row.id)
            announce(actor.workspace_id, "webhook.updated", row.id)
    return webhook(actor, webhook_id)


def resend_webhook(actor: Actor, *, webhook_id: str, delivery_id: str | None = None) -> int:
    """Send again what was tried too often, or one delivery whatever became of it; gives how many.

    Raises NotFound, Conflict for one that is on its way, NotAllowed.
    """
    with transaction.atomic():
        row = webhook_row(actor, webhook_id, lock=True)
        rows = WebhookDelivery.objects.of(actor.workspace_id).select_for_update().filter(webhook_id=row.id)
        if delivery_id is None:
            chosen = rows.filter(state="dead")
        else:
            found = rows.filter(id=delivery_id).first()
            if found is None:
                raise NotFound("There is no such delivery.", delivery=delivery_id)
            if found.state == "claimed":
                raise Conflict("It is being sent just now.", state=found.state)
            chosen = rows.filter(id=delivery_id)
        number = chosen.update(state="pending", due_at=now(), attempts=0, error="")
        audit(actor, "webhook.resent", row.id, after={"count": number})
        announce(actor.workspace_id, "webhook.updated", row.id)
    return int(number)


def widget_opened(actor: Actor) -> None:
    """A visitor's browser has opened the chat: told to whoever wants to know, and else kept nowhere."""
    wanted = Webhook.objects.of(actor.workspace_id).values_list("events", flat=True)
    if any("webwidget_triggered" in events for events in wanted):
        announce(actor.workspace_id, "widget.opened", str(actor.contact_id))


def told(thread: Conversation, event: Happened) -> None:
    """What happens is written into the events themselves; nothing is to be done within the change."""


def erased(workspace_id: str, conversation_ids: list[str]) -> None:
    """What was said in deleted conversations is sent to nobody any more."""
    WebhookDelivery.objects.of(workspace_id).filter(conversation_id__in=conversation_ids).delete()


WATCHER = Watcher(told=told, erased=erased)


def _save(row: Webhook, *, new: bool = False) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=new)
    except IntegrityError:
        raise Conflict(f"There is a webhook {row.name!r} already.", field="name") from None


def _name(name: str) -> str:
    if not 0 < len(name.strip()) <= 100:
        raise BadInput("A webhook needs a name of at most 100 characters.", field="name")
    return name.strip()


def _url(url: str) -> str:
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(url) > _URL or any(map(str.isspace, url)):
        raise BadInput(f"A webhook's address begins with https:// or http://, not {url[:80]!r}.", field="url")
    if parts.username or parts.password:
        raise BadInput("An address with a password in it would be shown to everybody; sign instead.", field="url")
    return url.strip()


def _events(events: Sequence[str]) -> list[str]:
    unknown = sorted(set(events) - set(EVENTS))
    if unknown or not events:
        what = repr(unknown[0]) if unknown else "none"
        raise BadInput(f"Events are {', '.join(EVENTS)}; not {what}.", field="events")
    return [name for name in EVENTS if name in set(events)]

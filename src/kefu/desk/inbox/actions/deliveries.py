"""Writes of deliveries: what is said on a pushing channel is queued with it; members look after what failed."""

from functools import lru_cache

from django.db import transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.models import Channel, Conversation, Delivery, Message, Reach
from kefu.desk.inbox.queries.channels import channel_row
from kefu.desk.rows import now
from kefu.desk.statements import insert, new
from kefu.kit.errors import Conflict, NotFound

# Ways in whose customers fetch their replies; every other kind of channel is a plug-in, and is sent them.
FETCHED = frozenset({"web", "api"})
_FAILED = ("dead", "unsure")


def queue(thread: Conversation, message: Message) -> None:
    """Send a stored message, where the conversation's channel sends; in the caller's transaction."""
    if not is_pushed(thread.channel_id):
        return
    reach = Reach.objects.of(thread.workspace_id).filter(conversation_id=thread.id).first()
    if reach is None or reach.gone_at is not None:  # nobody can be reached: opened by hand, or the customer has left
        return
    row = new(
        Delivery,
        workspace_id=thread.workspace_id,
        channel_id=thread.channel_id,
        conversation_id=thread.id,
        message_id=message.id,
        sequence=message.sequence,
        state="kept" if reach.is_held else "pending",
    )
    insert(row)


@lru_cache(maxsize=4096)  # a channel never changes its kind
def is_pushed(channel_id: str) -> bool:
    """Whether replies are sent to the channel, and not fetched from it."""
    rows = Channel.objects.across_workspaces("the caller has the conversation").filter(id=channel_id)
    return rows.values_list("kind", flat=True).first() not in FETCHED


def resend(actor: Actor, *, delivery_id: str) -> None:
    """Send again what failed, or what may not have been sent. Raises Conflict for what did not fail, NotFound."""
    with transaction.atomic():
        row = _failed(actor, delivery_id)
        mates = Delivery.objects.of(actor.workspace_id).filter(conversation_id=row.conversation_id, state__in=_FAILED)
        mates = mates.filter(batch=row.batch) if row.batch else mates.filter(id=row.id)
        mates.update(state="pending", due_at=now(), attempts=0, batch="" if row.pieces_sent == 0 else row.batch)
        audit(actor, "delivery.resent", row.id)
        announce(actor.workspace_id, "delivery.updated", row.id, row.conversation_id)


def resend_all(actor: Actor, *, channel_id: str) -> int:
    """Send again all that was refused or tried too often on a channel, not what may have arrived; gives how many.

    Raises NotFound, NotAllowed.
    """
    actor.require_role(Role.SUPERVISOR)
    with transaction.atomic():
        channel_row(actor, channel_id)
        dead = Delivery.objects.of(actor.workspace_id).filter(channel_id=channel_id, state="dead")
        count = dead.update(state="pending", due_at=now(), attempts=0)
        audit(actor, "delivery.all_resent", channel_id, after={"count": count})
        announce(actor.workspace_id, "delivery.updated", channel_id)
    return int(count)


def drop(actor: Actor, *, delivery_id: str) -> None:
    """A failed delivery needs nothing more. Raises Conflict for what did not fail, NotFound."""
    with transaction.atomic():
        row = _failed(actor, delivery_id)
        row.state = "dropped"
        row.save(update_fields=["state"])
        audit(actor, "delivery.dropped", row.id)
        announce(actor.workspace_id, "delivery.updated", row.id, row.conversation_id)


def _failed(actor: Actor, delivery_id: str) -> Delivery:
    actor.require_role(Role.AGENT)
    row = Delivery.objects.of(actor.workspace_id).select_for_update().filter(id=delivery_id).first()
    if row is None:
        raise NotFound("There is no such delivery.", delivery=delivery_id)
    if row.state not in _FAILED:
        raise Conflict(f"This delivery is {row.state}; only failed ones can be looked after.", state=row.state)
    return row

"""Reads of deliveries: what is sent, how a channel fares, and what failed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Sum

from kefu.contracts.channel import Cited, File, Outgoing
from kefu.desk.accounts.queries import member_names, workspace_key
from kefu.desk.actor import Actor, Role, system
from kefu.desk.crypto import unseal
from kefu.desk.inbox.models import Arrival, Conversation, Delivery, Message, Reach, Refusal
from kefu.desk.inbox.queries.attachments import attachment
from kefu.desk.inbox.queries.channels import channel_row
from kefu.desk.inbox.queries.rows import get, original
from kefu.desk.rows import now
from kefu.kit.errors import NotFound

_CITED = 3  # sources that a message names at most; more is a list of links


@dataclass(frozen=True)
class DeliveryInfo:
    """A message on its way out; `text` is masked. `error` says why it failed, or why it waits."""

    id: str
    channel_id: str
    conversation_id: str
    message_id: str
    state: str
    attempts: int
    due_at: datetime
    created_at: datetime
    sent_at: datetime | None
    external_id: str
    error: str
    text: str


@dataclass(frozen=True)
class Traffic:
    """What went through a channel in some hours: messages received, replies sent, requests refused by reason.

    `undone` counts replies that wait, `failed` those that wait for a member, whenever they were made.
    """

    hours: int
    received: int
    sent: int
    undone: int
    kept: int
    failed: int
    refused: Mapping[str, int]


def deliveries(
    actor: Actor, channel_id: str, *, states: tuple[str, ...] = ("dead", "unsure"), limit: int = 100
) -> list[DeliveryInfo]:
    """Deliveries of a channel in these states, newest first. Raises NotFound, NotAllowed."""
    actor.require_role(Role.VIEWER)
    channel_row(actor, channel_id)
    rows = Delivery.objects.of(actor.workspace_id).filter(channel_id=channel_id, state__in=states)
    return [_info(row) for row in rows.select_related("message").order_by("-created_at")[:limit]]


def delivery(actor: Actor, delivery_id: str) -> DeliveryInfo:
    """Raises NotFound, NotAllowed."""
    actor.require_role(Role.VIEWER)
    row = Delivery.objects.of(actor.workspace_id).select_related("message").filter(id=delivery_id).first()
    if row is None:
        raise NotFound("There is no such delivery.", delivery=delivery_id)
    return _info(row)


def traffic(actor: Actor, channel_id: str, *, hours: int = 24) -> Traffic:
    """How a channel fares. Raises NotFound, NotAllowed."""
    actor.require_role(Role.VIEWER)
    channel_row(actor, channel_id)
    since = now() - timedelta(hours=hours)
    out = Delivery.objects.of(actor.workspace_id).filter(channel_id=channel_id)
    states = {row["state"]: row["number"] for row in out.values("state").annotate(number=Count("id")).order_by()}
    arrived = Arrival.objects.of(actor.workspace_id).filter(channel_id=channel_id, created_at__gte=since)
    refusals = Refusal.objects.of(actor.workspace_id).filter(channel_id=channel_id, day__gte=since.date())
    return Traffic(
        hours=hours,
        received=arrived.exclude(state="dropped").count(),
        sent=out.filter(state="sent", sent_at__gte=since).count(),
        undone=states.get("pending", 0) + states.get("claimed", 0),
        kept=states.get("kept", 0),
        failed=states.get("dead", 0) + states.get("unsure", 0),
        refused={row["reason"]: row["sum"] for row in refusals.values("reason").annotate(sum=Sum("count")).order_by()},
    )


def outgoing(workspace_id: str, conversation_id: str, batch: str) -> Outgoing:
    """What a batch of deliveries says, as one. Reads files from the storage: not for a thread that others wait for.

    Raises NotFound when the conversation was erased meanwhile.
    """
    actor = system(workspace_id)
    thread = get(actor, conversation_id)
    rows = Delivery.objects.of(workspace_id).filter(conversation_id=conversation_id, batch=batch)
    messages = [row.message for row in rows.select_related("message").order_by("sequence")]
    reach = Reach.objects.of(workspace_id).filter(conversation_id=conversation_id).first()
    if not messages or reach is None:
        raise NotFound("There is no such delivery.", delivery=batch)
    address = json.loads(unseal(workspace_key(workspace_id), reach.sealed_address, about=conversation_id))
    return _outgoing(batch, thread, messages, address)


@dataclass(frozen=True)
class TypingPlace:
    """Where a customer can be shown that somebody writes: the channel, its kind, and who they are to it."""

    channel_id: str
    kind: str
    to: str


def typing_place(workspace_id: str, conversation_id: str) -> TypingPlace | None:
    """None where the conversation is on no plug-in's channel, the channel sends nothing, or the customer has left."""
    rows = Reach.objects.of(workspace_id).filter(
        conversation_id=conversation_id,
        gone_at__isnull=True,
        channel__is_active=True,
        channel__paused_at__isnull=True,
    )
    reach = rows.select_related("channel").first()
    if reach is None:
        return None
    address = json.loads(unseal(workspace_key(workspace_id), reach.sealed_address, about=conversation_id))
    return TypingPlace(reach.channel_id, reach.channel.kind, address["to"])


def _outgoing(batch: str, thread: Conversation, messages: list[Message], address: Mapping[str, Any]) -> Outgoing:
    last = messages[-1]
    answers = [row.answer or {} for row in messages]
    names = member_names(last.workspace_id, {last.author_id} if last.author == "member" else set())
    return Outgoing(
        key=batch,
        to=address["to"],
        text="\n\n".join(original(row) for row in messages if row.text),
        conversation=thread.id,
        messages=tuple(row.id for row in messages),
        author=last.author,
        author_name=names.get(last.author_id, ""),
        language=thread.language,
        thread=address["thread"],
        citations=_cited(answers),
        quick_replies=tuple(answers[-1].get("quick_replies") or ()),
        quick_reply_values=tuple(answers[-1].get("quick_reply_values") or ()),
        attachments=tuple(_file(last.workspace_id, part["id"]) for row in messages for part in row.attachments or ()),
        reply_to=address["reply_to"],
        context=address["context"],
        spoken=last.author == "assistant" and _was_spoken_to(messages[0]),
    )


def _was_spoken_to(row: Message) -> bool:
    """Whether what the customer said last before a message was a recording."""
    said = Message.objects.of(row.workspace_id).filter(
        conversation_id=row.conversation_id, author="contact", sequence__lt=row.sequence
    )
    last = said.order_by("-sequence").first()
    return last is not None and any(str(part["media_type"]).startswith("audio/") for part in last.attachments or ())


def _cited(answers: list[dict[str, Any]]) -> tuple[Cited, ...]:
    found = [
        Cited(each["title"], each.get("url") or "") for answer in answers for each in answer.get("citations") or ()
    ]
    return tuple(dict.fromkeys(found))[:_CITED]


def _file(workspace_id: str, attachment_id: str) -> File:
    found, data = attachment(system(workspace_id), attachment_id)
    return File(found.name, found.media_type, data)


def _info(row: Delivery) -> DeliveryInfo:
    return DeliveryInfo(
        id=row.id,
        channel_id=row.channel_id,
        conversation_id=row.conversation_id,
        message_id=row.message_id,
        state=row.state,
        attempts=row.attempts,
        due_at=row.due_at,
        created_at=row.created_at,
        sent_at=row.sent_at,
        external_id=row.external_id,
        error=row.error,
        text=row.message.text,
    )

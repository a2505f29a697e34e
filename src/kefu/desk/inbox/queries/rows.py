"""Rows of the inbox whose access is checked, and what is sealed in them; for queries and actions alike."""

import json
from collections.abc import Sequence
from typing import Any

from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.crypto import unseal
from kefu.desk.inbox.models import Channel, Conversation, Message
from kefu.desk.statements import select
from kefu.kit.errors import NotFound


def get(actor: Actor, conversation_id: str, *, lock: bool = False) -> Conversation:
    """The conversation's row if the actor may see it; with `lock`, held until the transaction ends."""
    row = find(actor, conversation_id, lock=lock)
    if row is None:
        raise NotFound("There is no such conversation.", conversation=conversation_id)
    return row


def find(
    actor: Actor, conversation_id: str, *, lock: bool = False, also: str = "TRUE", values: Sequence[Any] = ()
) -> Conversation | None:
    """As `get`, but None where there is none for which `also` holds, SQL over the conversation's columns."""
    where, given = f"id = %s AND ({also})", [conversation_id, *values]
    if actor.kind == "visitor":
        where, given = f"{where} AND contact_id = %s AND channel_id = %s", [*given, actor.contact_id, actor.channel_id]
    else:
        actor.require(scope=Scope.CONVERSATIONS, role=Role.VIEWER)
    for row in select(Conversation, actor.workspace_id, where, given, lock=lock):
        row.channel = select(Channel, actor.workspace_id, "id = %s", [row.channel_id])[0]
        return row
    return None


def placeholders(row: Conversation) -> dict[str, str]:
    """What the conversation's placeholders stand for: personal data, never to be stored or logged in the clear."""
    if row.sealed_placeholders is None:
        return {}
    key = workspace_key(row.workspace_id)
    known: dict[str, str] = json.loads(unseal(key, row.sealed_placeholders, about=row.id))
    return known


def original(row: Message) -> str:
    """What was said, before masking."""
    if row.sealed_original is None:
        return str(row.text)
    return unseal(workspace_key(row.workspace_id), row.sealed_original, about=row.id).decode()

"""Reads of a member's own drafts."""

from dataclasses import dataclass
from datetime import datetime

from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role
from kefu.desk.crypto import unseal
from kefu.desk.inbox.models import Draft


@dataclass(frozen=True)
class DraftInfo:
    conversation_id: str
    text: str
    is_internal: bool
    kept_at: datetime


def drafts(actor: Actor, *, conversation_id: str | None = None, limit: int = 200) -> list[DraftInfo]:
    """What the member was writing, newest first; in one conversation or in all."""
    actor.require_role(Role.AGENT)
    rows = Draft.objects.of(actor.workspace_id).filter(member_id=actor.id).order_by("-kept_at")
    if conversation_id is not None:
        rows = rows.filter(conversation_id=conversation_id)
    key = workspace_key(actor.workspace_id)
    return [
        DraftInfo(
            row.conversation_id,
            unseal(key, row.sealed_text, about=row.id).decode(),
            row.is_internal,
            row.kept_at,
        )
        for row in rows[:limit]
    ]

"""What flows did in conversations, as it was kept when it happened."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.models import Happening

# What ends a flow from outside: the conversation is over, or a person has it.
_ENDS = ("resolved", "waits", "owned")


@dataclass(frozen=True)
class FlowHappening:
    """One turn of a flow (`kind` flowed, with `path`, `events`, `flow`, `step`), or what ended it from outside."""

    conversation_id: str
    at: datetime
    kind: str
    detail: Mapping[str, Any]


def flow_happenings(actor: Actor, since: datetime) -> Iterator[FlowHappening]:
    """What flows did since a moment, conversation by conversation, in order. Raises NotAllowed."""
    actor.require_role(Role.VIEWER)
    mine = Happening.objects.of(actor.workspace_id).filter(created_at__gte=since)
    with_flows = mine.filter(kind="flowed").values("conversation_id")
    rows = mine.filter(kind__in=["flowed", *_ENDS], conversation_id__in=with_flows).order_by("conversation_id", "id")
    for conversation_id, at, kind, detail in rows.values_list(
        "conversation_id", "created_at", "kind", "detail"
    ).iterator():
        yield FlowHappening(conversation_id, at, kind, detail or {})

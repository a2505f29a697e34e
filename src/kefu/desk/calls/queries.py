"""Reads of calls; access is checked before a row leaves."""

from dataclasses import dataclass
from datetime import datetime

from kefu.desk.accounts.queries import member_names
from kefu.desk.actor import Actor, Role
from kefu.desk.calls.models import Call
from kefu.desk.inbox import queries as inbox
from kefu.desk.inbox.queries import ChannelInfo
from kefu.desk.speech import can_call
from kefu.kit.errors import NotFound


@dataclass(frozen=True)
class CallInfo:
    """A call. `member_name` is whoever speaks with the customer; `contact_name` is for members alone."""

    id: str
    workspace_id: str
    conversation_id: str
    state: str
    member_id: str
    member_name: str
    contact_name: str
    created_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    ended_by: str

    @property
    def is_over(self) -> bool:
        return self.state == "ended"


def call(actor: Actor, call_id: str) -> CallInfo:
    """A call whose conversation the actor may see. Raises NotFound, NotAllowed."""
    return call_info(actor, row(actor, call_id))


def calls_under_way(actor: Actor) -> list[CallInfo]:
    """The calls of a workspace that have not ended, oldest first; for members."""
    actor.require_role(Role.VIEWER)
    rows = Call.objects.of(actor.workspace_id).exclude(state="ended").order_by("created_at")
    return [call_info(actor, each) for each in rows]


def may_be_called(channel: ChannelInfo) -> bool:
    """Whether customers of a channel may call: on, unless it is switched off or nothing here hears and speaks."""
    return channel.kind == "web" and channel.is_active and bool(channel.settings.get("calls", True)) and can_call()


def row(actor: Actor, call_id: str, *, lock: bool = False) -> Call:
    """The call's row if the actor may see its conversation. Raises NotFound, NotAllowed."""
    rows = Call.objects.of(actor.workspace_id).filter(id=call_id)
    found = (rows.select_for_update() if lock else rows).first()
    if found is None:
        raise NotFound("There is no such call.", call=call_id)
    inbox.get(actor, found.conversation_id)
    return found


def call_info(actor: Actor, found: Call) -> CallInfo:
    names = member_names(found.workspace_id, {found.member_id} - {""})
    return CallInfo(
        id=found.id,
        workspace_id=found.workspace_id,
        conversation_id=found.conversation_id,
        state=found.state,
        member_id=found.member_id,
        member_name=names.get(found.member_id, ""),
        contact_name="" if actor.kind == "visitor" else inbox.thread(actor, found.conversation_id).contact_name,
        created_at=found.created_at,
        answered_at=found.answered_at,
        ended_at=found.ended_at,
        ended_by=found.ended_by,
    )

"""Reads of canned replies."""

from dataclasses import dataclass

from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.models import CannedReply
from kefu.kit.errors import NotFound


@dataclass(frozen=True)
class CannedInfo:
    id: str
    shortcut: str
    language: str
    text: str
    is_shared: bool


def canned_replies(actor: Actor) -> list[CannedInfo]:
    """The replies that everybody has and the member's own, by shortcut."""
    actor.require_role(Role.VIEWER)
    rows = CannedReply.objects.of(actor.workspace_id).filter(member_id__in={"", actor.id})
    return sorted(map(canned_info, rows), key=lambda each: (each.shortcut.casefold(), each.language, each.is_shared))


def canned_row(actor: Actor, canned_id: str) -> CannedReply:
    """One that the actor may use. Raises NotFound."""
    rows = CannedReply.objects.of(actor.workspace_id).filter(id=canned_id, member_id__in={"", actor.id})
    row = rows.first()
    if row is None:
        raise NotFound("There is no such canned reply.", canned=canned_id)
    return row


def canned_info(row: CannedReply) -> CannedInfo:
    return CannedInfo(row.id, row.shortcut, row.language, row.text, not row.member_id)

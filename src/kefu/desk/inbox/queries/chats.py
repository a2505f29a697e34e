"""Every conversation as a generator learns from it: masked, without notes, each side's lines in a row as one."""

from collections.abc import Iterator
from itertools import groupby

from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.models import Message

_SIDES = {"contact": "user", "assistant": "assistant", "member": "assistant"}


def chats(actor: Actor) -> Iterator[list[dict[str, str]]]:
    """One conversation after another, as messages with role and content. Raises NotAllowed."""
    actor.require_role(Role.ADMIN)
    return _chats(actor.workspace_id)


def _chats(workspace_id: str) -> Iterator[list[dict[str, str]]]:
    rows = Message.objects.of(workspace_id).filter(is_internal=False, author__in=list(_SIDES))
    columns = rows.order_by("conversation_id", "sequence").values_list("conversation_id", "author", "text")
    for _, lines in groupby(columns.iterator(), key=lambda row: row[0]):
        said = [(_SIDES[author], text) for _, author, text in lines if text.strip()]
        chat = [
            {"role": role, "content": "\n".join(text for _, text in part)}
            for role, part in groupby(said, key=lambda one: one[0])
        ]
        if chat:
            yield chat

"""Every conversation as a generator learns from it: masked, without notes, each side's lines in a row as one.

Only of customers who agreed to training, by the rule that holds for all that is learnt from (contacts/care.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from django.db.models import QuerySet

from kefu.desk.actor import Actor, Role
from kefu.desk.contacts.care import learnable as of_who_agreed
from kefu.desk.inbox.models import Conversation, Message

_SIDES = {"contact": "user", "assistant": "assistant", "member": "assistant"}


@dataclass(frozen=True)
class Chat:
    """What was said with a contact, as messages with role and content; none where nobody said a word."""

    contact_id: str
    said: list[dict[str, str]]


def chats(actor: Actor) -> Iterator[Chat]:
    """One conversation after another. Raises NotAllowed."""
    actor.require_role(Role.ADMIN)
    return _chats(actor.workspace_id)


def learnable(workspace_id: str) -> QuerySet[Message]:
    """Messages that models may learn from: none internal, all of contacts who agreed to that."""
    rows = Message.objects.of(workspace_id).filter(is_internal=False)
    return of_who_agreed(rows, workspace_id, contact="conversation__contact_id")


def unlearnable(workspace_id: str) -> int:
    """How many conversations models may not learn from: their contacts did not agree to that."""
    rows = Conversation.objects.of(workspace_id)
    return rows.count() - of_who_agreed(rows, workspace_id, contact="contact_id").count()


def _chats(workspace_id: str) -> Iterator[Chat]:
    rows = learnable(workspace_id).filter(author__in=list(_SIDES))
    columns = rows.order_by("conversation_id", "sequence").values_list(
        "conversation_id", "conversation__contact_id", "author", "text"
    )
    for (_, contact_id), lines in groupby(columns.iterator(), key=lambda row: row[:2]):
        said = [(_SIDES[author], text) for _, _, author, text in lines if text.strip()]
        chat = [
            {"role": role, "content": "\n".join(text for _, text in part)}
            for role, part in groupby(said, key=lambda one: one[0])
        ]
        yield Chat(str(contact_id), chat)

"""What resolved conversations were about."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kefu.desk.actor import Actor, Role
from kefu.desk.inbox.models import Conversation, Message

# A contact's first words are among a thread's first messages; a greeting by flow or member may come before them.
_FIRST = 4
_AT_ONCE = 500  # ids in one statement: SQLite takes 32,766 values, PostgreSQL's planner slows down long before


@dataclass(frozen=True)
class FirstQuestion:
    """What a contact said first in a resolved conversation, masked."""

    conversation_id: str
    text: str
    resolved_at: datetime | None


def first_questions(actor: Actor, *, limit: int, says_something: Callable[[str], bool] = bool) -> list[FirstQuestion]:
    """Those of the newest resolved conversations, newest first; one in which the contact said nothing is left out.

    `says_something`: whether a text is a question at all, rather than a greeting.
    """
    actor.require_role(Role.VIEWER)
    ended = Conversation.objects.of(actor.workspace_id).filter(status="resolved").order_by("-last_activity_at")
    threads = list(ended.values_list("id", "resolved_at")[:limit])
    texts: dict[str, str] = {}
    for start in range(0, len(threads), _AT_ONCE):
        ids = [each for each, _ in threads[start : start + _AT_ONCE]]
        said = Message.objects.of(actor.workspace_id).filter(
            conversation_id__in=ids, author="contact", sequence__lte=_FIRST
        )
        for conversation_id, text in said.order_by("sequence").values_list("conversation_id", "text"):
            if conversation_id not in texts and says_something(text):
                texts[conversation_id] = text
    return [FirstQuestion(each, texts[each], at) for each, at in threads if each in texts]

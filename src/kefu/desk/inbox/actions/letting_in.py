"""A contact says something: their conversation, and whether the company takes what they say."""

from kefu.desk.actor import Actor
from kefu.desk.contacts.care import known_here, seen
from kefu.desk.inbox.models import Conversation
from kefu.desk.inbox.queries.rows import find, get


def let_in(actor: Actor, conversation_id: str) -> tuple[Conversation, bool]:
    """The conversation, locked until the transaction ends, and whether its contact is blocked; they were seen.

    Who is neither blocked nor seen for the first time in a while costs no statement beyond the conversation's own.
    Raises NotFound.
    """
    quickly, values = known_here()
    thread = find(actor, conversation_id, lock=True, also=quickly, values=values)
    if thread is not None:
        return thread, False
    thread = get(actor, conversation_id, lock=True)
    return thread, seen(thread.workspace_id, thread.contact_id).is_blocked

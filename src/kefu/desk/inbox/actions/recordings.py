"""Writes of what was heard."""

from django.db import transaction

from kefu.desk.accounts.actions import announce
from kefu.desk.inbox.actions.messages import TEXT_LIMIT, mask_into
from kefu.desk.inbox.models import Conversation, Message
from kefu.desk.statements import select, update


def add_transcript(workspace_id: str, *, message_id: str, text: str) -> str:
    """Keep what was said in a recording as its message's text, masked; gives the masked text.

    A message that has a text keeps it: another worker may have listened as well. Empty for one that is gone.
    """
    with transaction.atomic():
        found = select(Message, workspace_id, "id = %s", [message_id])
        if not found:
            return ""
        thread = select(Conversation, workspace_id, "id = %s", [found[0].conversation_id], lock=True)[0]
        row: Message = select(Message, workspace_id, "id = %s", [message_id])[0]
        if row.text:
            return row.text
        row.text = text.replace("\x00", "")[:TEXT_LIMIT]
        mask_into(row, thread)
        update(row, ["text", "sealed_original"])
        update(thread, ["sealed_placeholders"])
        announce(workspace_id, "message.updated", row.id, thread.id)
        return row.text

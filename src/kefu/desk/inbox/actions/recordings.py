"""Writes of what was heard and seen."""

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


def note_seen(workspace_id: str, *, message_id: str, attachment_id: str, label: str, confidence: float) -> None:
    """Keep what a picture of a message shows, as the workspace's model has it. Harmless for what is gone."""
    with transaction.atomic():
        found = select(Message, workspace_id, "id = %s", [message_id], lock=True)
        if not found or not any(part["id"] == attachment_id for part in found[0].attachments or ()):
            return
        row: Message = found[0]
        told = {"label": label, "confidence": round(confidence, 4)}
        row.attachments = [{**part, **(told if part["id"] == attachment_id else {})} for part in row.attachments]
        update(row, ["attachments"])
        announce(workspace_id, "message.updated", row.id, row.conversation_id)


def note_unheard(workspace_id: str, *, message_id: str, start: int) -> None:
    """Keep that the customer interrupted an answer: from the character `start` on it was not heard.

    Of several interruptions the first counts. Harmless for a message that is gone.
    """
    with transaction.atomic():
        found = select(Message, workspace_id, "id = %s", [message_id], lock=True)
        if not found or found[0].answer is None or found[0].answer.get("unheard_from", start + 1) <= start:
            return
        row: Message = found[0]
        row.answer = {**found[0].answer, "unheard_from": start}
        update(row, ["answer"])
        announce(workspace_id, "message.updated", row.id, row.conversation_id)

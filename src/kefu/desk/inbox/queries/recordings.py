"""Reads of what customers said aloud."""

from dataclasses import dataclass

from kefu.desk.inbox.models import Message


@dataclass(frozen=True)
class Recording:
    """A message that is a recording without a word written: its place in the conversation, and where its sound is."""

    sequence: int
    message_id: str
    attachment_id: str


def unheard(workspace_id: str, turn_id: str) -> list[Recording]:
    """The recordings of a turn that nobody has listened to yet, in order; one a message."""
    rows = Message.objects.of(workspace_id).filter(turn_id=turn_id, author="contact", text="")
    found = []
    for row in rows.order_by("sequence"):
        spoken = [part["id"] for part in row.attachments or () if str(part["media_type"]).startswith("audio/")]
        found += [Recording(row.sequence, row.id, attachment_id) for attachment_id in spoken[:1]]
    return found

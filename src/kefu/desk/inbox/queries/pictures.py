"""Reads of the pictures that customers sent."""

from dataclasses import dataclass

from kefu.desk.inbox.models import Message


@dataclass(frozen=True)
class SentPicture:
    """A picture of a turn: its message's place in the conversation, whether that says something, and what it shows.

    `label` is empty where nothing was told of it yet, or nothing could be.
    """

    sequence: int
    message_id: str
    attachment_id: str
    is_wordless: bool
    label: str = ""


def pictures(workspace_id: str, turn_id: str) -> list[SentPicture]:
    """The pictures of a turn, in order."""
    rows = Message.objects.of(workspace_id).filter(turn_id=turn_id, author="contact").order_by("sequence")
    return [
        SentPicture(row.sequence, row.id, part["id"], not row.text, part.get("label", ""))
        for row in rows
        for part in row.attachments or ()
        if str(part["media_type"]).startswith("image/")
    ]

"""Requests and responses about drafts, canned replies and transcripts."""

from datetime import datetime
from typing import Any

from ninja import Schema

from kefu.desk.inbox.queries import DraftInfo
from kefu.desk.inbox.schemas import Request


class DraftText(Request):
    """An empty text keeps nothing."""

    text: str = ""
    internal: bool = False


class Draft(Schema):
    conversation: str
    text: str
    internal: bool
    kept_at: datetime


class Drafts(Schema):
    drafts: list[Draft]


class NewCanned(Request):
    shortcut: str
    text: str
    language: str = ""
    is_shared: bool = False


class CannedChange(Request):
    shortcut: str | None = None
    text: str | None = None
    language: str | None = None


class Canned(Schema):
    id: str
    shortcut: str
    language: str
    text: str
    is_shared: bool


class CannedReplies(Schema):
    canned: list[Canned]


class FillFor(Request):
    conversation_id: str


class Filled(Schema):
    """`missing`: variables without a value here; they stand in the text as they were."""

    text: str
    missing: list[str]


class MailTo(Request):
    """Without `to`: to the customer."""

    to: str | None = None
    with_originals: bool = False


class Mailed(Schema):
    to: str


def draft(row: DraftInfo) -> dict[str, Any]:
    return {**vars(row), "conversation": row.conversation_id, "internal": row.is_internal}

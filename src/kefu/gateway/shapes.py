"""Requests and responses of the public API, and how desk's dataclasses become them: the one place."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from kefu.contracts.index import Hit
from kefu.contracts.turn import TurnOutcome
from kefu.desk.calls.queries import may_be_called
from kefu.desk.inbox.due import answer_of
from kefu.desk.inbox.queries import AttachmentInfo, ChannelInfo, ConversationInfo, MessageInfo, TurnInfo
from kefu.desk.library.queries import DocumentInfo, PassageInfo, SourceInfo
from kefu.desk.speech import can_hear
from kefu.kit.settings import settings


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ContactIn(Request):
    id: str | None = Field(default=None, max_length=500)
    profile: dict[str, Any] = Field(default_factory=dict)


class NewConversation(Request):
    contact: str | ContactIn | None = Field(default=None, description="Your own id of the customer, or id and profile.")
    channel: str | None = Field(default=None, description="A channel's id; the API's own channel without it.")


class NewMessage(Request):
    text: str = Field(default="", description="May be empty where a file says it all.")
    attachments: list[str] = Field(default_factory=list, max_length=50, description="Ids of uploads, in order.")
    pressed: str | None = Field(
        default=None,
        max_length=500,
        description="Value of the quick reply that was pressed; the text may then be empty, and is the reply's words.",
    )


class Identity(Request):
    """Who a visitor is at the company: `hash` is hex(HMAC-SHA256(the channel's identity secret, id))."""

    id: str = Field(min_length=1, max_length=500)
    hash: str = Field(max_length=64)
    name: str | None = Field(default=None, max_length=200)
    email: str | None = Field(default=None, max_length=254)
    profile: dict[str, str | int | float | bool] = Field(default_factory=dict, max_length=50)

    def known(self) -> dict[str, Any]:
        """What the company says of the visitor."""
        named = {"name": self.name, "email": self.email}
        return {**self.profile, **{key: value for key, value in named.items() if value}}


class NewVisitor(Request):
    token: str | None = Field(default=None, description="An earlier token, to stay the same contact.")
    identity: Identity | None = Field(default=None, description="Who the visitor is, signed by the company.")
    attributes: dict[str, str | int | float | bool] = Field(
        default_factory=dict, max_length=50, description="What the visitor says of themselves, such as a name."
    )


class Address(Request):
    email: str = Field(max_length=254)


class Feedback(Request):
    value: Literal["up", "down"]
    comment: str = Field(default="", max_length=2000)


class NewArticle(Request):
    title: str
    text: str


class NewFaq(Request):
    question: str
    answer: str
    more_questions: list[str] = Field(default_factory=list)


class NewUrl(Request):
    url: str


class Citation(BaseModel):
    title: str
    text: str
    url: str | None
    document: str
    start: int
    end: int


class Answer(BaseModel):
    """What `kefu ask --json` prints."""

    answer: str
    decision: Literal["approved", "extracted", "generated", "flow", "clarify", "refuse", "hand_over"]
    confidence: float
    language: str
    citations: list[Citation]
    quick_replies: list[str]
    quick_reply_values: list[str]
    timings_ms: dict[str, float]


class Attachment(BaseModel):
    """A file of a conversation; `size` is in bytes."""

    id: str
    kind: Literal["image", "audio", "file"]
    name: str
    media_type: str
    size: int


class Message(BaseModel):
    id: str
    conversation: str
    sequence: int
    author: Literal["contact", "assistant", "member", "system"]
    author_name: str | None
    text: str
    created_at: datetime
    outcome: Literal["pending", "replied", "merged", "left", ""]
    turn: str | None
    answer: Answer | None
    attachments: list[Attachment]
    thumb: Literal["up", "down"] | None
    pressed: str | None


class Stored(BaseModel):
    message: Message
    reply: Answer | None


class Messages(BaseModel):
    messages: list[Message]


class Conversation(BaseModel):
    id: str
    status: Literal["bot", "waiting", "open", "resolved"]
    channel: str
    contact: str
    language: str
    assignee_name: str | None
    address_wanted: bool
    queue_position: int | None = Field(description="How many wait before, and one; null for who does not wait.")
    created_at: datetime
    last_activity_at: datetime


def outcome_json(outcome: TurnOutcome) -> dict[str, Any]:
    """An outcome as `kefu ask --json` and the API give it."""
    return answer_json(outcome.text, answer_of(outcome)) or {}


def answer_json(text: str, answer: dict[str, Any] | None) -> dict[str, Any] | None:
    if answer is None:
        return None
    return {
        "answer": text,
        "decision": answer["decision"],
        "confidence": answer["confidence"],
        "language": answer["language"],
        "citations": answer["citations"],
        "quick_replies": answer.get("quick_replies", []),
        "quick_reply_values": answer.get("quick_reply_values") or answer.get("quick_replies", []),
        "timings_ms": answer.get("timings_ms", {}),
    }


def message_json(message: MessageInfo) -> dict[str, Any]:
    return {
        "id": message.id,
        "conversation": message.conversation_id,
        "sequence": message.sequence,
        "author": message.author,
        "author_name": message.author_name or None,
        "text": message.text,
        "created_at": message.created_at.isoformat(),
        "outcome": message.outcome,
        "turn": message.turn_id or None,
        "answer": answer_json(message.text, message.answer),
        "attachments": [attachment_json(each) for each in message.attachments],
        "thumb": message.thumb or None,
        "pressed": message.pressed or None,
    }


def attachment_json(file: AttachmentInfo) -> dict[str, Any]:
    """A file as customers see it: what a model makes of a picture is for members."""
    return {name: getattr(file, name) for name in Attachment.model_fields}


def conversation_json(thread: ConversationInfo) -> dict[str, Any]:
    return {
        "id": thread.id,
        "status": thread.status,
        "channel": thread.channel_id,
        "contact": thread.contact_id,
        "language": thread.language,
        "assignee_name": thread.assignee_name or None,
        "address_wanted": thread.address_wanted,
        "queue_position": thread.queue_position,
        "created_at": thread.created_at.isoformat(),
        "last_activity_at": thread.last_activity_at.isoformat(),
    }


def channel_json(channel: ChannelInfo) -> dict[str, Any]:
    """What a browser may know of its channel."""
    shown = ("title", "color", "assistant_name", "greeting", "quick_replies", "pre_chat", "language", "sound")
    return {
        "id": channel.id,
        "name": channel.name,
        "title": channel.settings.get("title", channel.name),
        "assistant": channel.assistant_on,
        "settings": {name: channel.settings[name] for name in shown if name in channel.settings},
        "attachments": {
            "per_message": settings().attachments_per_message,
            "bytes": settings().attachment_megabytes * 2**20,
        },
        "voice": {"seconds": settings().recording_seconds if can_hear() else 0, "calls": may_be_called(channel)},
    }


def source_json(source: SourceInfo) -> dict[str, Any]:
    return {
        "id": source.id,
        "name": source.name,
        "kind": source.kind,
        "state": source.state,
        "failures": list(source.failures),
        "held": source.held,
        "done": source.done,
        "total": source.total,
        "documents": source.documents,
        "created_at": source.created_at.isoformat(),
        "updated_at": source.updated_at.isoformat(),
    }


def document_json(page: DocumentInfo, pieces: list[PassageInfo]) -> dict[str, Any]:
    return {
        "id": page.id,
        "source": page.source_id,
        "name": page.name,
        "title": page.title,
        "text": page.text,
        "media_type": page.media_type,
        "url": page.url,
        "language": page.language,
        "passages": [
            {
                "id": each.id,
                "start": each.start,
                "end": each.end,
                "kind": each.kind,
                "headings": list(each.heading_path),
                "questions": list(each.questions),
                "answer": each.answer,
            }
            for each in pieces
        ],
    }


def hit_json(hit: Hit) -> dict[str, Any]:
    """A passage found; `text` is the document's parsed text from `start` to `end`."""
    passage = hit.passage
    return {
        "document": passage.document,
        "title": passage.questions[0] if passage.questions else passage.title,
        "text": passage.text,
        "start": passage.start,
        "end": passage.end,
        "score": round(hit.score, 4),
    }


def turn_json(turn: TurnInfo) -> dict[str, Any]:
    return {
        "id": turn.id,
        "conversation": turn.conversation_id,
        "state": turn.state,
        "outcome": turn.outcome,
        "decision": turn.decision,
        "confidence": turn.confidence,
        "trace": turn.trace,
        "created_at": turn.created_at.isoformat(),
        "finished_at": turn.finished_at.isoformat() if turn.finished_at else None,
    }

"""Requests and responses about conversations, messages, turns and channels, and how rows become them: the one place."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field, StringConstraints

from kefu.desk.contacts.queries import ContactInfo
from kefu.desk.contacts.schemas import Contact
from kefu.desk.inbox.queries import ChannelInfo, ConversationInfo, Counts, MessageInfo, ThreadInfo, TurnInfo

Status = Literal["bot", "waiting", "open", "resolved"]
Priority = Literal["none", "low", "high", "urgent"]
Origin = Annotated[str, StringConstraints(pattern=r"^https?://(\*\.)?[A-Za-z0-9.-]+(:\d{1,5})?$", max_length=300)]
Localised = str | dict[str, str]
LocalisedList = list[str] | dict[str, list[str]]


class Request(Schema):
    model_config = ConfigDict(extra="forbid")


class Choice(Schema):
    """Which conversations a list shows: all that is given must hold, of `status` one, of `label` each.

    `assignee` is me, none or a member's id; `days` are the last ones, `since` and `until` times with their zone;
    `mentioned`: a note names me; without `snoozed` both are shown; `priority` is the least.
    """

    status: list[Status] = Field(default_factory=list)
    assignee: str | None = None
    channel: str | None = None
    label: list[str] = Field(default_factory=list, max_length=12)
    language: str | None = None
    intent: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    days: int | None = Field(default=None, ge=1, le=3660)
    unread: bool = False
    mentioned: bool = False
    snoozed: bool | None = None
    team: str | None = None
    priority: int | None = Field(default=None, ge=0, le=3)
    sla: Literal["soon"] | None = None
    search: str = Field(default="", max_length=200)
    after: str | None = None
    limit: int = Field(default=50, ge=1, le=200)


class NewMessage(Request):
    text: str = ""
    attachments: list[str] = Field(default_factory=list, max_length=50)


class NewNote(NewMessage):
    """`mentions` are ids of members who are told of it."""

    mentions: list[str] = Field(default_factory=list, max_length=20)


class Assignment(Request):
    member: str | None = None


class Read(Request):
    sequence: int = Field(ge=0)


class PreChatField(Request):
    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")
    label: Localised | None = None
    type: Literal["text", "email", "tel"] = "text"
    required: bool = False


class PreChat(Request):
    text: Localised | None = None
    fields: list[PreChatField] = Field(max_length=10)


class ChannelSettings(Request):
    """What a channel may set. Texts are one string, or one for each language code."""

    title: str | None = Field(default=None, max_length=100)
    color: str | None = Field(default=None, pattern=r"^#[0-9a-fA-F]{6}$")
    assistant_name: str | None = Field(default=None, max_length=100)
    greeting: Localised | None = None
    quick_replies: LocalisedList | None = None
    pre_chat: PreChat | None = None
    language: str | None = Field(default=None, pattern=r"^([a-z]{2,3}(-[A-Za-z]{2,4})?)?$")
    sound: bool | None = None
    calls: bool | None = None
    allowed_origins: list[Origin] | None = Field(default=None, max_length=100)
    pause_seconds: float | None = Field(default=None, ge=0, le=60)
    nobody_came_seconds: int | None = Field(default=None, ge=0, le=7 * 24 * 3600)
    nobody_came_text: Localised | None = None

    def given(self) -> dict[str, Any]:
        """What the request named; None where it takes a setting away."""
        whole = self.dict()
        return {name: whole[name] for name in self.model_fields_set}


class NewChannel(Request):
    kind: Literal["web", "api"] = "web"
    name: str = Field(min_length=1, max_length=100)
    settings: ChannelSettings = Field(default_factory=ChannelSettings)
    assistant_on: bool = True


class ChannelChange(Request):
    """Of `settings`, what is given is changed, and null takes a setting away."""

    name: str | None = Field(default=None, min_length=1, max_length=100)
    settings: ChannelSettings | None = None
    assistant_on: bool | None = None
    is_active: bool | None = None


class Named(Schema):
    id: str
    name: str


class ChannelName(Named):
    kind: str


class Citation(Schema):
    title: str
    text: str
    url: str | None
    document: str
    start: int
    end: int


class Answer(Schema):
    answer: str
    decision: str
    confidence: float
    language: str
    citations: list[Citation]
    quick_replies: list[str]
    quick_reply_values: list[str]
    timings_ms: dict[str, float]
    unheard_from: int | None = None


class Attachment(Schema):
    """A file; `label` is what a picture shows, by the workspace's model, with the probability that it is right."""

    id: str
    kind: Literal["image", "audio", "file"]
    name: str
    media_type: str
    size: int
    label: str = ""
    confidence: float | None = None


class MessageDelivery(Schema):
    """How a message fares on its way to the customer; one that failed or may have arrived can be sent again."""

    id: str
    state: Literal["waiting", "kept", "sent", "failed", "unsure", "dropped"]
    reason: str


class Message(Schema):
    id: str
    conversation: str
    sequence: int
    author: Literal["contact", "assistant", "member", "system"]
    author_id: str
    author_name: str
    text: str
    masked: bool
    created_at: datetime
    outcome: Literal["pending", "replied", "merged", "left", ""]
    turn: str | None
    answer: Answer | None
    attachments: list[Attachment]
    internal: bool
    thumb: Literal["up", "down", ""]
    comment: str
    pressed: str
    verdict: Literal["right", "wrong", ""]
    delivery: MessageDelivery | None


class GivenVerdict(Request):
    """Of a refusal or a hand-over; empty takes it back."""

    verdict: Literal["right", "wrong", ""]


class LastMessage(Schema):
    author: str
    author_name: str
    text: str
    attachments: list[Attachment]
    created_at: datetime
    internal: bool


class Sla(Schema):
    """The promise that ends first; `due_at` null: it stands."""

    clock: Literal["first_reply", "next_reply", "resolution"]
    state: Literal["running", "warned", "breached", "paused"]
    due_at: datetime | None


class _Thread(Schema):
    id: str
    status: Status
    channel: ChannelName
    assignee: Named | None
    language: str
    unread: int
    last_message: LastMessage | None
    asked: str
    waiting_since: datetime | None
    created_at: datetime
    last_activity_at: datetime
    resolved_at: datetime | None
    resolved_by: str
    address_wanted: bool
    intent: str
    labels: list[str]
    is_snoozed: bool
    snoozed_until: datetime | None
    team: Named | None
    priority: Priority
    offered_to: Named | None
    escalated_at: datetime | None
    sla: Sla | None


class Conversation(_Thread):
    contact: Named


class ConversationWithContact(_Thread):
    """For viewers the contact has a name and nothing else."""

    contact: Contact | Named


class Conversations(Schema):
    conversations: list[Conversation]
    next: str | None


class Messages(Schema):
    messages: list[Message]


class Unread(Schema):
    waiting: int
    mine: int


class InboxCounts(Schema):
    status: dict[Status, int]
    mine: int
    unassigned: int
    snoozed: int
    mentions: int
    unread: Unread


class Revealed(Schema):
    text: str


class Turn(Schema):
    id: str
    conversation: str
    state: str
    outcome: str
    decision: str
    confidence: float | None
    created_at: datetime
    finished_at: datetime | None
    trace: dict[str, Any] | None


class Channel(Schema):
    id: str
    kind: str
    name: str
    settings: dict[str, Any]
    assistant_on: bool
    is_active: bool
    created_at: datetime
    has_identity_secret: bool
    paused_at: datetime | None
    checked_at: datetime | None
    last_error: str
    last_error_texts: dict[str, str]
    last_error_at: datetime | None
    recovered_at: datetime | None


class Channels(Schema):
    channels: list[Channel]


class Secret(Schema):
    secret: str


def conversation(thread: ThreadInfo) -> dict[str, Any]:
    """A conversation as members see it."""
    row, last = thread.conversation, thread.last_message
    return {
        "id": row.id,
        "status": row.status,
        "channel": {"id": thread.channel.id, "name": thread.channel.name, "kind": thread.channel.kind},
        "contact": {"id": row.contact_id, "name": thread.contact_name},
        "assignee": {"id": row.assignee_id, "name": row.assignee_name} if row.assignee_id else None,
        "language": row.language,
        "unread": thread.unread,
        "last_message": _last(last) if last else None,
        "asked": thread.asked,
        "waiting_since": row.waiting_since,
        "created_at": row.created_at,
        "last_activity_at": row.last_activity_at,
        "resolved_at": row.resolved_at,
        "resolved_by": row.resolved_by,
        "address_wanted": row.address_wanted,
        "intent": row.intent,
        "labels": list(row.labels),
        "is_snoozed": row.is_snoozed,
        "snoozed_until": row.snoozed_until,
        "team": {"id": row.team_id, "name": thread.team_name} if row.team_id else None,
        "priority": row.priority,
        "offered_to": {"id": row.offered_to, "name": thread.offered_name} if row.offered_to else None,
        "escalated_at": row.escalated_at,
        "sla": _sla(row),
    }


def _sla(row: ConversationInfo) -> dict[str, Any] | None:
    if row.sla_state in {"", "done"}:
        return None
    return {"clock": row.sla_clock, "state": row.sla_state, "due_at": row.sla_due_at}


def _last(row: MessageInfo) -> dict[str, Any]:
    return {**vars(row), "internal": row.is_internal, "attachments": [vars(each) for each in row.attachments]}


def contact(person: ContactInfo, identities: list[dict[str, str]]) -> dict[str, Any]:
    return {**vars(person), "name": str(person.profile.get("name", "")), "identities": identities}


# What answers that were stored before, or that nobody interrupted, do not hold.
_UNTOLD: dict[str, Any] = {"quick_replies": [], "quick_reply_values": [], "timings_ms": {}, "unheard_from": None}


def message(row: MessageInfo) -> dict[str, Any]:
    """A message as members see it."""
    return {
        "id": row.id,
        "conversation": row.conversation_id,
        "sequence": row.sequence,
        "author": row.author,
        "author_id": row.author_id,
        "author_name": row.author_name,
        "text": row.text,
        "masked": row.is_masked,
        "created_at": row.created_at,
        "outcome": row.outcome,
        "turn": row.turn_id or None,
        "answer": {**_UNTOLD, **row.answer, "answer": row.text} if row.answer else None,
        "attachments": [vars(each) for each in row.attachments],
        "internal": row.is_internal,
        "thumb": row.thumb,
        "comment": row.comment,
        "pressed": row.pressed,
        "verdict": row.verdict,
        "delivery": vars(row.delivery) if row.delivery is not None else None,
    }


def conversation_json(thread: ThreadInfo) -> dict[str, Any]:
    """A conversation as it goes over a socket."""
    return Conversation.model_validate(conversation(thread)).model_dump(mode="json")


def message_json(row: MessageInfo) -> dict[str, Any]:
    """A message as it goes over a socket."""
    return Message.model_validate(message(row)).model_dump(mode="json")


def counts(found: Counts) -> dict[str, Any]:
    return {
        "status": found.by_status,
        "mine": found.mine,
        "unassigned": found.unassigned,
        "snoozed": found.snoozed,
        "mentions": found.mentions,
        "unread": {"waiting": found.unread_waiting, "mine": found.unread_mine},
    }


def turn(row: TurnInfo) -> dict[str, Any]:
    return {**vars(row), "conversation": row.conversation_id}


def channel(row: ChannelInfo) -> dict[str, Any]:
    return vars(row)

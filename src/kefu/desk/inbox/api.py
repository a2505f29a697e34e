"""Routes of the inbox and of channels."""

import base64
import binascii
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import File, Header, Query, Router, Status
from ninja.files import UploadedFile

from kefu.desk.actor import Actor, Role
from kefu.desk.contacts import queries as contacts
from kefu.desk.http.entry import member
from kefu.desk.inbox import actions, kinds, queries, schemas
from kefu.desk.inbox.actions import ReceivedMessage
from kefu.desk.inbox.filters import filter_of
from kefu.desk.inbox.queries import ThreadInfo
from kefu.kit.errors import BadInput
from kefu.kit.settings import settings

router = Router(auth=member)

_PAGE = 200  # rows at most in one answer


@router.get("/inbox/counts", response=schemas.InboxCounts, tags=["Inbox"])
def counts(request: HttpRequest) -> dict[str, Any]:
    """How many conversations there are, and how many hold something unread."""
    return schemas.counts(queries.counts(_actor(request)))


@router.get("/inbox/conversations", response=schemas.Conversations, tags=["Inbox"])
def conversations(request: HttpRequest, chosen: Query[schemas.Choice]) -> dict[str, Any]:
    """Conversations by last activity."""
    actor = _actor(request)
    wanted = chosen.dict(exclude={"search", "after", "limit"})
    found = queries.threads(
        actor,
        filter_of(actor, wanted),
        search=chosen.search.strip(),
        before=_place(chosen.after) if chosen.after else None,
        limit=chosen.limit,
    )
    following = _cursor(found[-1]) if len(found) == chosen.limit else None
    return {"conversations": [schemas.conversation(each) for each in found], "next": following}


@router.get("/inbox/conversations/{conversation_id}", response=schemas.ConversationWithContact, tags=["Inbox"])
def conversation(request: HttpRequest, conversation_id: str) -> dict[str, Any]:
    """A conversation with what is known of the contact."""
    actor = _actor(request)
    thread = queries.thread(actor, conversation_id)
    shown = schemas.conversation(thread)
    if actor.role != Role.VIEWER:
        contact_id = thread.conversation.contact_id
        person = contacts.contact(actor, contact_id)
        shown["contact"] = schemas.contact(person, contacts.identities(actor, contact_id))
    return shown


@router.get("/inbox/conversations/{conversation_id}/messages", response=schemas.Messages, tags=["Inbox"])
def messages(
    request: HttpRequest,
    conversation_id: str,
    after: Query[int | None] = None,
    before: Query[int | None] = None,
    limit: Query[int] = 100,
) -> dict[str, Any]:
    """Messages in order: those after a sequence, else the last ones, or the last ones before a sequence."""
    actor, wanted = _actor(request), max(1, min(limit, _PAGE))
    if after is not None:
        found = queries.messages(actor, conversation_id, after=after, limit=wanted)
    else:
        found = queries.messages_before(actor, conversation_id, before=before, limit=wanted)
    return {"messages": [schemas.message(each) for each in found]}


@router.get("/inbox/turns/{turn_id}", response=schemas.Turn, tags=["Inbox"])
def turn(request: HttpRequest, turn_id: str) -> dict[str, Any]:
    """Why an answer is what it is."""
    return schemas.turn(queries.turn(_actor(request), turn_id))


@router.post("/inbox/conversations/{conversation_id}/take", response=schemas.Conversation, tags=["Inbox"])
def take(request: HttpRequest, conversation_id: str) -> dict[str, Any]:
    """Make it mine. Refused with the owner's name if it is somebody else's."""
    actions.take(_actor(request), conversation_id=conversation_id)
    return _thread(request, conversation_id)


@router.post("/inbox/conversations/{conversation_id}/give-back", response=schemas.Conversation, tags=["Inbox"])
def give_back(request: HttpRequest, conversation_id: str) -> dict[str, Any]:
    """Let the assistant go on."""
    actions.give_back(_actor(request), conversation_id=conversation_id)
    return _thread(request, conversation_id)


@router.post("/inbox/conversations/{conversation_id}/resolve", response=schemas.Conversation, tags=["Inbox"])
def resolve(request: HttpRequest, conversation_id: str) -> dict[str, Any]:
    """Say that it is solved. The contact's next message opens it anew with the assistant."""
    actor = _actor(request)
    actor.require_role(Role.AGENT)
    actions.resolve(actor, conversation_id=conversation_id)
    return _thread(request, conversation_id)


@router.post("/inbox/conversations/{conversation_id}/reopen", response=schemas.Conversation, tags=["Inbox"])
def reopen(request: HttpRequest, conversation_id: str) -> dict[str, Any]:
    """Open a resolved conversation again, as mine."""
    actions.reopen_for_member(_actor(request), conversation_id=conversation_id)
    return _thread(request, conversation_id)


@router.post("/inbox/conversations/{conversation_id}/assign", response=schemas.Conversation, tags=["Inbox"])
def assign(request: HttpRequest, conversation_id: str, body: schemas.Assignment) -> dict[str, Any]:
    """Give it to a member, or with null back to those who wait."""
    actions.assign(_actor(request), conversation_id=conversation_id, member_id=body.member)
    return _thread(request, conversation_id)


@router.post(
    "/inbox/conversations/{conversation_id}/messages",
    response={200: schemas.Message, 201: schemas.Message},
    tags=["Inbox"],
)
def reply(
    request: HttpRequest, conversation_id: str, body: schemas.NewMessage, idempotency_key: Header[str | None] = None
) -> Status[Any]:
    """Answer the customer. What nobody owns becomes mine."""
    return _stored(
        actions.reply(
            _actor(request),
            conversation_id=conversation_id,
            text=body.text,
            attachments=body.attachments,
            idempotency_key=idempotency_key,
        )
    )


@router.post(
    "/inbox/conversations/{conversation_id}/notes",
    response={200: schemas.Message, 201: schemas.Message},
    tags=["Inbox"],
)
def note(
    request: HttpRequest, conversation_id: str, body: schemas.NewNote, idempotency_key: Header[str | None] = None
) -> Status[Any]:
    """Write down something that only members see."""
    return _stored(
        actions.note(
            _actor(request),
            conversation_id=conversation_id,
            text=body.text,
            attachments=body.attachments,
            idempotency_key=idempotency_key,
            mentions=body.mentions,
        )
    )


@router.post("/inbox/conversations/{conversation_id}/attachments", response={201: schemas.Attachment}, tags=["Inbox"])
def upload(request: HttpRequest, conversation_id: str, file: File[UploadedFile]) -> Status[Any]:
    """Upload a file that a reply or a note will name; one that none names is thrown away after a day."""
    data = file.read(settings().attachment_megabytes * 2**20 + 1)
    kept = actions.add_attachment(_actor(request), conversation_id=conversation_id, name=file.name or "", data=data)
    return Status(201, vars(kept))


@router.get("/inbox/attachments/{attachment_id}", response={200: bytes}, tags=["Inbox"])
def attachment(request: HttpRequest, attachment_id: str) -> HttpResponse:
    """A file's bytes; for those who may answer customers."""
    found, data = queries.attachment(_actor(request), attachment_id)
    return HttpResponse(data, headers=kinds.headers(found.name, found.media_type))


@router.post("/inbox/conversations/{conversation_id}/read", response={204: None}, tags=["Inbox"])
def mark_read(request: HttpRequest, conversation_id: str, body: schemas.Read) -> Status[Any]:
    """I have read up to this message."""
    actions.mark_read(_actor(request), conversation_id=conversation_id, sequence=body.sequence)
    return Status(204, None)


@router.post("/inbox/messages/{message_id}/reveal", response=schemas.Revealed, tags=["Inbox"])
def reveal(request: HttpRequest, message_id: str) -> dict[str, str]:
    """What was said before masking; that I looked is kept."""
    return {"text": actions.reveal(_actor(request), message_id=message_id)}


@router.put(
    "/inbox/conversations/{conversation_id}/messages/{message_id}/verdict", response={204: None}, tags=["Inbox"]
)
def judge(request: HttpRequest, conversation_id: str, message_id: str, body: schemas.GivenVerdict) -> Status[None]:
    """Say whether the assistant refused, or handed over, for good reason; the last verdict counts."""
    actions.judge(_actor(request), conversation_id=conversation_id, message_id=message_id, verdict=body.verdict)
    return Status(204, None)


@router.get("/channels", response=schemas.Channels, tags=["Channels"])
def channels(request: HttpRequest) -> dict[str, Any]:
    """All ways in."""
    return {"channels": [schemas.channel(each) for each in queries.channels(_actor(request))]}


@router.post("/channels", response={201: schemas.Channel}, tags=["Channels"])
def make_channel(request: HttpRequest, body: schemas.NewChannel) -> Status[Any]:
    """Make a channel."""
    made = actions.make_channel(
        _actor(request),
        kind=body.kind,
        name=body.name,
        settings=body.settings.dict(exclude_none=True),
        assistant_on=body.assistant_on,
    )
    return Status(201, schemas.channel(made))


@router.get("/channels/{channel_id}", response=schemas.Channel, tags=["Channels"])
def channel(request: HttpRequest, channel_id: str) -> dict[str, Any]:
    """A channel."""
    return schemas.channel(queries.channel(_actor(request), channel_id))


@router.patch("/channels/{channel_id}", response=schemas.Channel, tags=["Channels"])
def change_channel(request: HttpRequest, channel_id: str, body: schemas.ChannelChange) -> dict[str, Any]:
    """Change what is given of a channel."""
    changed = actions.change_channel(
        _actor(request),
        channel_id=channel_id,
        name=body.name,
        settings=body.settings.given() if body.settings else None,
        assistant_on=body.assistant_on,
        is_active=body.is_active,
    )
    return schemas.channel(changed)


@router.delete("/channels/{channel_id}", response={204: None}, tags=["Channels"])
def switch_off(request: HttpRequest, channel_id: str) -> Status[Any]:
    """Switch a channel off; its conversations stay."""
    actions.change_channel(_actor(request), channel_id=channel_id, is_active=False)
    return Status(204, None)


@router.post("/channels/{channel_id}/identity-secret", response=schemas.Secret, tags=["Channels"])
def new_identity_secret(request: HttpRequest, channel_id: str) -> dict[str, str]:
    """A secret that the company's own pages sign their users' ids with; shown once, and the old one ends."""
    return {"secret": actions.new_identity_secret(_actor(request), channel_id=channel_id)}


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]


def _thread(request: HttpRequest, conversation_id: str) -> dict[str, Any]:
    return schemas.conversation(queries.thread(_actor(request), conversation_id))


def _stored(received: ReceivedMessage) -> Status[Any]:
    return Status(200 if received.repeated else 201, schemas.message(received.message))


def _cursor(thread: ThreadInfo) -> str:
    row = thread.conversation
    return base64.urlsafe_b64encode(f"{row.last_activity_at.isoformat()} {row.id}".encode()).decode()


def _place(cursor: str) -> tuple[datetime, str]:
    try:
        at, _, conversation_id = base64.urlsafe_b64decode(cursor).decode().partition(" ")
        return datetime.fromisoformat(at), conversation_id
    except (ValueError, binascii.Error):
        raise BadInput("The cursor is not one that a page gave.", field="after") from None

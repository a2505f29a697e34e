"""Routes of the contact's page: list and tables, history over channels, attributes, consent, blocking, notes."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import File, Query, Router, Schema, Status
from ninja.files import UploadedFile
from pydantic import ConfigDict, Field

from kefu.desk.actor import Actor
from kefu.desk.contacts import attributes as fields
from kefu.desk.contacts import care, tables
from kefu.desk.contacts.queries import contact
from kefu.desk.http.entry import member
from kefu.desk.inbox import actions as inbox_actions
from kefu.desk.inbox import queries as inbox

router = Router(auth=member, tags=["Contacts"])

_HISTORY = 100  # conversations of one contact that the page shows


class _Request(Schema):
    model_config = ConfigDict(extra="forbid")


class ContactRow(Schema):
    """`refused` counts messages that were not taken while the contact was blocked."""

    id: str
    name: str
    email: str
    phone: str
    language: str
    is_blocked: bool
    refused: int
    created_at: datetime
    last_seen_at: datetime


class ContactList(Schema):
    """`is_whole`: all contacts were looked at, not the latest alone."""

    contacts: list[ContactRow]
    next: str | None
    is_whole: bool


class ImportedContacts(Schema):
    """`problems`: a line's number and what is wrong with it."""

    made: int
    changed: int
    problems: list[tuple[int, str]]


class ContactAttribute(Schema):
    id: str
    key: str
    title: str
    kind: str
    choices: list[str]
    is_told: bool


class ContactAttributes(Schema):
    attributes: list[ContactAttribute]


class NewContactAttribute(_Request):
    """`is_told`: the assistant may know and use it."""

    key: str
    title: str = ""
    kind: Literal["text", "number", "date", "choice", "yes_no"] = "text"
    choices: list[str] = Field(default_factory=list, max_length=50)
    is_told: bool = False


class ContactConsent(Schema):
    kind: str
    is_given: bool
    source: str
    given_at: datetime


class NewContactConsent(_Request):
    kind: Literal["marketing", "training"]
    is_given: bool
    source: str = Field(max_length=200)
    given_at: datetime | None = None


class ContactNote(Schema):
    id: str
    text: str
    author: str
    created_at: datetime


class NewContactNote(_Request):
    text: str = Field(max_length=5000)


class ContactLanguage(_Request):
    """A code such as en or zh; empty for the one that they write in."""

    language: str = Field(max_length=12)


class ContactThread(Schema):
    id: str
    channel: str
    status: str
    created_at: datetime
    last_activity_at: datetime
    language: str


class ContactCare(Schema):
    """What the contact's page shows beside the profile."""

    is_blocked: bool
    blocked_at: datetime | None
    refused: int
    language: str
    consents: list[ContactConsent]
    consent_history: list[ContactConsent]
    notes: list[ContactNote]
    history: list[ContactThread]


@router.get("/contacts", response=ContactList)
def listed(
    request: HttpRequest,
    search: Query[str] = "",
    blocked: Query[bool | None] = None,
    limit: Query[int] = 50,
    after: Query[str] = "",
) -> Any:
    """Contacts, the latest seen first."""
    return tables.contacts(_actor(request), search=search, blocked=blocked, limit=limit, after=after)


@router.get("/contacts/export", response=None)
def export(request: HttpRequest) -> HttpResponse:
    """All contacts as CSV."""
    lines = tables.exported(_actor(request))
    return _csv(lines, "contacts.csv")  # type: ignore[return-value]


@router.post("/contacts/import", response=ImportedContacts)
def import_contacts(request: HttpRequest, file: File[UploadedFile], channel_id: Query[str]) -> Any:
    """Contacts of a CSV table with a column id; the channel's own names for them."""
    inbox.channel(_actor(request), channel_id)
    data = bytes(file.read(tables.MOST_BYTES + 1))
    return tables.import_table(_actor(request), data=data, channel_id=channel_id, source=file.name or "import")


@router.get("/contacts/attributes", response=ContactAttributes)
def attributes(request: HttpRequest) -> dict[str, Any]:
    """What the workspace keeps of its contacts."""
    return {"attributes": fields.attributes(_actor(request))}


@router.put("/contacts/attributes", response=ContactAttribute)
def define(request: HttpRequest, body: NewContactAttribute) -> Any:
    """Define an attribute by its key, or define it anew."""
    return fields.define(_actor(request), **body.dict())


@router.delete("/contacts/attributes/{key}", response={204: None})
def remove_attribute(request: HttpRequest, key: str) -> Status[Any]:
    """Define it no more; contacts keep what they have."""
    fields.remove_attribute(_actor(request), key=key)
    return Status(204, None)


@router.get("/contacts/{contact_id}/care", response=ContactCare)
def read_care(request: HttpRequest, contact_id: str) -> dict[str, Any]:
    """Consent, notes, blocking, language, and conversations over all channels."""
    return _care(_actor(request), contact_id)


@router.post("/contacts/{contact_id}/block", response=ContactCare)
def block(request: HttpRequest, contact_id: str) -> dict[str, Any]:
    """Take no messages from them any more; they are refused and counted."""
    care.block(_actor(request), contact_id=contact_id)
    return _care(_actor(request), contact_id)


@router.delete("/contacts/{contact_id}/block", response=ContactCare)
def unblock(request: HttpRequest, contact_id: str) -> dict[str, Any]:
    """Take their messages again."""
    care.unblock(_actor(request), contact_id=contact_id)
    return _care(_actor(request), contact_id)


@router.post("/contacts/{contact_id}/consents", response=ContactCare)
def agree(request: HttpRequest, contact_id: str, body: NewContactConsent) -> dict[str, Any]:
    """Keep that they agreed to something, or no longer do."""
    care.agree(_actor(request), contact_id=contact_id, **body.dict())
    return _care(_actor(request), contact_id)


@router.put("/contacts/{contact_id}/language", response=ContactCare)
def speak(request: HttpRequest, contact_id: str, body: ContactLanguage) -> dict[str, Any]:
    """In which language they want to be answered."""
    care.speak(_actor(request), contact_id=contact_id, language=body.language)
    if body.language:
        inbox_actions.speak(_actor(request), contact_id=contact_id, language=body.language)
    return _care(_actor(request), contact_id)


@router.post("/contacts/{contact_id}/notes", response={201: ContactNote})
def add_note(request: HttpRequest, contact_id: str, body: NewContactNote) -> Status[Any]:
    """Write something down that only members see."""
    return Status(201, care.add_note(_actor(request), contact_id=contact_id, text=body.text))


@router.delete("/contacts/notes/{note_id}", response={204: None})
def remove_note(request: HttpRequest, note_id: str) -> Status[Any]:
    """Take a note away."""
    care.remove_note(_actor(request), note_id=note_id)
    return Status(204, None)


def _care(actor: Actor, contact_id: str) -> dict[str, Any]:
    person = contact(actor, contact_id)
    history = inbox.conversations(actor, contact_id=contact_id, limit=_HISTORY)
    names = {each.id: each.name for each in inbox.channels(actor)}
    return {
        "is_blocked": person.blocked_at is not None,
        "blocked_at": person.blocked_at,
        "refused": person.refused,
        "language": person.language,
        "consents": care.consents(actor, contact_id=contact_id),
        "consent_history": care.consent_history(actor, contact_id=contact_id),
        "notes": care.notes(actor, contact_id=contact_id),
        "history": [
            {
                "id": each.id,
                "channel": names.get(each.channel_id, ""),
                "status": each.status,
                "created_at": each.created_at,
                "last_activity_at": each.last_activity_at,
                "language": each.language,
            }
            for each in history
        ],
    }


def _csv(lines: Any, name: str) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]

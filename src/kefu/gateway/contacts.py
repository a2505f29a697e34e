"""Contacts through the public API, for programs that hold a key with the scope `contacts`: a shop's own form, a CRM."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.contacts import actions, care, queries
from kefu.desk.inbox.actions import channel_for
from kefu.desk.inbox.queries import channel_of_kind
from kefu.gateway import shapes
from kefu.gateway.state import entered
from kefu.kit.errors import NotFound

router = APIRouter(prefix="/v1/contacts", tags=["Contacts"])

_Language = Annotated[str | None, Field(max_length=12, description="Such as en or zh; empty: the one they write in.")]


class NewContact(shapes.Request):
    id: str = Field(min_length=1, max_length=500, description="Your own id of the customer.")
    channel: str | None = Field(default=None, description="The channel that knows them by it; else the API's own.")
    profile: dict[str, Any] = Field(default_factory=dict)
    language: _Language = None


class ContactChange(shapes.Request):
    profile: dict[str, Any] = Field(default_factory=dict, description="What changes; null takes a value away.")
    language: _Language = None


class NewConsent(shapes.Request):
    kind: Literal["marketing", "training"]
    is_given: bool = Field(description="false: they take it back, or refuse.")
    source: str = Field(min_length=1, max_length=200, description="Where they said so, such as a form's name.")
    given_at: datetime | None = Field(default=None, description="When they did; now by default.")


class Consent(BaseModel):
    kind: str
    is_given: bool
    source: str
    given_at: datetime


class Consents(BaseModel):
    """The latest of each kind holds; `history` has all of them, newest first."""

    consents: list[Consent]
    history: list[Consent]


class Contact(BaseModel):
    id: str
    profile: dict[str, Any]
    language: str
    is_blocked: bool
    consents: list[Consent]
    created_at: datetime
    last_seen_at: datetime


@router.post("", response_model=Contact)
async def put_down(request: Request, body: NewContact) -> JSONResponse:
    """A customer by your own id: made if new, else changed by what is given."""
    return await _answer(request, _put_down, body, write=True)


@router.get("", response_model=Contact)
async def known_as(
    request: Request,
    id: Annotated[str, Query(min_length=1, max_length=500, description="Your own id of the customer.")],
    channel: Annotated[str | None, Query(max_length=32)] = None,
) -> JSONResponse:
    """A customer by your own id on a channel; the API's own without one."""
    return await _answer(request, _known_as, id, channel)


@router.get("/{contact_id}", response_model=Contact)
async def one(request: Request, contact_id: str) -> JSONResponse:
    """A customer, by the id that conversations name as their `contact`."""
    return await _answer(request, _shown, contact_id)


@router.patch("/{contact_id}", response_model=Contact)
async def change(request: Request, contact_id: str, body: ContactChange) -> JSONResponse:
    """Change attributes, each held to its kind, and the language."""
    return await _answer(request, _change, contact_id, body, write=True)


@router.get("/{contact_id}/consents", response_model=Consents)
async def consents(request: Request, contact_id: str) -> JSONResponse:
    """What a customer agreed to, and all that they ever said of it."""
    return await _answer(request, _consents, contact_id)


@router.post("/{contact_id}/consents", status_code=201, response_model=Consents)
async def agree(request: Request, contact_id: str, body: NewConsent) -> JSONResponse:
    """Keep that a customer agrees, or takes it back: what was kept to learn from is deleted then, at once."""
    return await _answer(request, _agree, contact_id, body, write=True, status=201)


@router.put("/{contact_id}/block", response_model=Contact)
async def block(request: Request, contact_id: str) -> JSONResponse:
    """Take no messages from them any more; they are refused and counted."""
    return await _answer(request, _block, contact_id, write=True)


@router.delete("/{contact_id}/block", response_model=Contact)
async def unblock(request: Request, contact_id: str) -> JSONResponse:
    """Take their messages again."""
    return await _answer(request, _unblock, contact_id, write=True)


async def _answer(request: Request, make: Any, *given: Any, write: bool = False, status: int = 200) -> JSONResponse:
    gateway, actor = await entered(request)
    actor.require(scope=Scope.CONTACTS, role=Role.AGENT)
    answer = await (gateway.rows.write if write else gateway.rows.read)(make, actor, *given)
    if write:
        gateway.hub.wake()
    return JSONResponse(answer, status)


# What follows is blocking, each in one of the rows' threads.


def _put_down(actor: Actor, body: NewContact) -> dict[str, Any]:
    channel = channel_for(actor, body.channel)
    contact_id = actions.meet(actor, channel_id=channel.id, external_id=body.id)
    return _change(actor, contact_id, ContactChange(profile=body.profile, language=body.language))


def _known_as(actor: Actor, external_id: str, channel: str | None) -> dict[str, Any]:
    api = channel_of_kind(actor, "api") if channel is None else None
    named = channel or (api.id if api else "")
    contact_id = queries.known_as(actor.workspace_id, named, external_id)
    if contact_id is None:
        raise NotFound("No contact has this id on this channel.", id=external_id)
    return _shown(actor, contact_id)


def _change(actor: Actor, contact_id: str, body: ContactChange) -> dict[str, Any]:
    contact_id = queries.current_id(actor.workspace_id, contact_id)
    if body.profile:
        actions.change_profile(actor, contact_id=contact_id, changes=body.profile)
    if body.language is not None:
        care.speak(actor, contact_id=contact_id, language=body.language)
    return _shown(actor, contact_id)


def _consents(actor: Actor, contact_id: str) -> dict[str, Any]:
    contact_id = queries.current_id(actor.workspace_id, contact_id)
    queries.contact(actor, contact_id)
    return {
        "consents": [_consent(each) for each in care.consents(actor, contact_id=contact_id)],
        "history": [_consent(each) for each in care.consent_history(actor, contact_id=contact_id)],
    }


def _agree(actor: Actor, contact_id: str, body: NewConsent) -> dict[str, Any]:
    contact_id = queries.current_id(actor.workspace_id, contact_id)
    care.agree(actor, contact_id=contact_id, **body.model_dump())
    return _consents(actor, contact_id)


def _block(actor: Actor, contact_id: str) -> dict[str, Any]:
    care.block(actor, contact_id=queries.current_id(actor.workspace_id, contact_id))
    return _shown(actor, contact_id)


def _unblock(actor: Actor, contact_id: str) -> dict[str, Any]:
    care.unblock(actor, contact_id=queries.current_id(actor.workspace_id, contact_id))
    return _shown(actor, contact_id)


def _shown(actor: Actor, contact_id: str) -> dict[str, Any]:
    found = queries.contact(actor, queries.current_id(actor.workspace_id, contact_id))
    return {
        "id": found.id,
        "profile": found.profile,
        "language": found.language,
        "is_blocked": found.blocked_at is not None,
        "consents": [_consent(each) for each in care.consents(actor, contact_id=found.id)],
        "created_at": found.created_at.isoformat(),
        "last_seen_at": found.last_seen_at.isoformat(),
    }


def _consent(said: care.ConsentInfo) -> dict[str, Any]:
    return {
        "kind": said.kind,
        "is_given": said.is_given,
        "source": said.source,
        "given_at": said.given_at.isoformat(),
    }

"""Responses about calls, and how rows become them."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema

from kefu.desk.calls.queries import CallInfo


class Caller(Schema):
    id: str
    name: str


class Call(Schema):
    id: str
    conversation: str
    state: Literal["talking", "ringing", "joined", "ended"]
    contact: str
    member: Caller | None
    created_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    ended_by: Literal["", "contact", "member", "limit", "lost"]


class Calls(Schema):
    calls: list[Call]


def call(found: CallInfo) -> dict[str, Any]:
    """A call as its two sides see it; `contact` is the customer's name, where it is known."""
    return {
        **vars(found),
        "conversation": found.conversation_id,
        "contact": found.contact_name,
        "member": {"id": found.member_id, "name": found.member_name} if found.member_id else None,
    }


def call_json(found: CallInfo) -> dict[str, Any]:
    """A call as it goes over a socket."""
    return Call.model_validate(call(found)).model_dump(mode="json")

"""Routes that make two contacts one."""

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import ConfigDict

from kefu.desk import merging
from kefu.desk.actor import Actor
from kefu.desk.http.entry import member

router = Router(auth=member, tags=["Contacts"])


class MergeWith(Schema):
    """`other` is the contact who goes."""

    model_config = ConfigDict(extra="forbid")

    other: str


class MergeCandidate(Schema):
    id: str
    name: str
    email: str
    alike: list[str]


class MergeCandidates(Schema):
    candidates: list[MergeCandidate]


class MergedContact(Schema):
    id: str
    profile: dict[str, Any]


class ContactMerge(Schema):
    """What moves to `contact`, what is known then, and which values of the other's are lost."""

    contact: MergedContact
    other: MergedContact
    profile: dict[str, Any]
    lost: dict[str, Any]
    identities: int
    conversations: int


@router.get("/contacts/{contact_id}/alike", response=MergeCandidates)
def candidates(request: HttpRequest, contact_id: str, search: Query[str] = "") -> dict[str, Any]:
    """Who may be the same person, of those who wrote last."""
    return {"candidates": merging.candidates(_actor(request), contact_id=contact_id, text=search)}


@router.get("/contacts/{contact_id}/merge", response=ContactMerge)
def preview(request: HttpRequest, contact_id: str, other: str) -> Any:
    """What merging another contact into this one would make."""
    return merging.preview(_actor(request), contact_id=contact_id, other_id=other)


@router.post("/contacts/{contact_id}/merge", response=ContactMerge)
def merge(request: HttpRequest, contact_id: str, body: MergeWith) -> Any:
    """Merge another contact into this one. It cannot be undone."""
    return merging.merge(_actor(request), contact_id=contact_id, other_id=body.other)


def _actor(request: HttpRequest) -> Actor:
    return request.auth  # type: ignore[attr-defined, no-any-return]

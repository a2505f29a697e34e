"""Routes of contacts."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from kefu.desk.actor import Actor
from kefu.desk.contacts import actions, queries, schemas
from kefu.desk.http.entry import member

router = Router(auth=member, tags=["Contacts"])


@router.get("/contacts/{contact_id}", response=schemas.Contact)
def contact(request: HttpRequest, contact_id: str) -> dict[str, Any]:
    """What is known of a customer."""
    actor: Actor = request.auth  # type: ignore[attr-defined]
    person = queries.contact(actor, contact_id)
    name = str(person.profile.get("name", ""))
    return {**vars(person), "name": name, "identities": queries.identities(actor, contact_id)}


@router.patch("/contacts/{contact_id}", response=schemas.Contact)
def change_profile(request: HttpRequest, contact_id: str, body: schemas.ProfileChange) -> dict[str, Any]:
    """Add to what is known of a customer."""
    actions.change_profile(request.auth, contact_id=contact_id, changes=body.profile)  # type: ignore[attr-defined]
    return contact(request, contact_id)

"""Two contacts turn out to be one person: what becomes of both is shown first, then done."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from kefu.desk.actor import Actor, Role
from kefu.desk.contacts import actions as contacts_actions
from kefu.desk.contacts import queries as contacts
from kefu.desk.contacts.queries import ContactInfo
from kefu.desk.inbox import actions as inbox_actions
from kefu.desk.inbox import queries as inbox
from kefu.kit.errors import BadInput

_LOOKED_AT = 1_000  # conversations whose contacts are compared: names lie sealed, and each costs its opening
_OFFERED = 10


@dataclass(frozen=True)
class Merge:
    """What a merge makes: the contact who stays, the one who goes, and what moves.

    `profile` is what will be known; `lost` are values of the other's for which the contact's own stay.
    """

    contact: ContactInfo
    other: ContactInfo
    profile: dict[str, Any]
    lost: dict[str, Any]
    identities: int
    conversations: int


@dataclass(frozen=True)
class Candidate:
    """Somebody who may be the same person; `alike`: attributes that say so."""

    id: str
    name: str
    email: str
    alike: tuple[str, ...]


def preview(actor: Actor, *, contact_id: str, other_id: str) -> Merge:
    """What merging another contact into this one would make. Raises BadInput, NotFound, NotAllowed."""
    actor.require_role(Role.SUPERVISOR)
    if contact_id == other_id:
        raise BadInput("A contact cannot be merged into itself.", field="other")
    own, other = contacts.contact(actor, contact_id), contacts.contact(actor, other_id)
    return Merge(
        contact=own,
        other=other,
        profile={**other.profile, **own.profile},
        lost={name: value for name, value in other.profile.items() if own.profile.get(name, value) != value},
        identities=len(contacts.identities(actor, other_id)),
        conversations=len(inbox.conversations(actor, contact_id=other_id, limit=_LOOKED_AT)),
    )


def merge(actor: Actor, *, contact_id: str, other_id: str) -> Merge:
    """Merge another contact into this one: identities, conversations, attributes. It cannot be undone.

    Figures are of conversations, and stay as they are. Raises BadInput, Conflict for one that was merged or erased,
    NotFound, NotAllowed.
    """
    with transaction.atomic():
        done = preview(actor, contact_id=contact_id, other_id=other_id)
        contacts_actions.absorb(actor, contact_id=contact_id, other_id=other_id)
        inbox_actions.move_conversations(actor, from_contact=other_id, to_contact=contact_id)
    return done


def candidates(actor: Actor, *, contact_id: str, text: str = "") -> list[Candidate]:
    """Who may be the same person as a contact: of the newest conversations, those whose name or address holds `text`,
    or without it those with the same name, address or telephone number. Raises NotFound, NotAllowed."""
    actor.require_role(Role.SUPERVISOR)
    own = _compared(contacts.contact(actor, contact_id).profile)
    wanted = text.strip().casefold()
    found = []
    for person in contacts.contacts_by_id(actor, inbox.newest_contacts(actor, limit=_LOOKED_AT)):
        its = _compared(person.profile)
        alike = tuple(name for name in own if own[name] and own[name] == its[name])
        fits = any(wanted in value for value in its.values()) if wanted else bool(alike)
        if fits and person.id != contact_id:
            profile = person.profile
            found.append(Candidate(person.id, str(profile.get("name", "")), str(profile.get("email", "")), alike))
        if len(found) == _OFFERED:
            break
    return found


def _compared(profile: dict[str, Any]) -> dict[str, str]:
    return {name: str(profile.get(name) or "").strip().casefold() for name in ("name", "email", "phone")}

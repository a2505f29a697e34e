"""Reads of contacts."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.contacts.models import Contact, Identity
from kefu.desk.crypto import unseal
from kefu.desk.rows import now
from kefu.desk.statements import execute, marks, select
from kefu.kit.errors import NotFound

UNTIL = "_until"

_KNOWN_AS = "SELECT contact_id FROM contacts_identity WHERE workspace_id = %s AND channel_id = %s AND digest = %s"
_WITH_PROFILE = "SELECT id FROM contacts_contact WHERE id IN ({ids}) AND sealed_profile IS NOT NULL"


@dataclass(frozen=True)
class ContactInfo:
    """A customer with their unsealed profile (name, mail and the like)."""

    id: str
    profile: dict[str, Any]
    language: str
    created_at: datetime
    last_seen_at: datetime
    erased_at: datetime | None
    blocked_at: datetime | None = None
    refused: int = 0


def contact(actor: Actor, contact_id: str) -> ContactInfo:
    """Raises NotFound, NotAllowed."""
    actor.require(scope=Scope.CONTACTS, or_scope=Scope.CONVERSATIONS, role=Role.AGENT)
    return info(get(actor.workspace_id, contact_id))


def identities(actor: Actor, contact_id: str) -> list[dict[str, str]]:
    """How channels know the contact: `{"channel", "id"}` each, unsealed."""
    actor.require(scope=Scope.CONTACTS, or_scope=Scope.CONVERSATIONS, role=Role.AGENT)
    key = workspace_key(actor.workspace_id)
    rows = Identity.objects.of(actor.workspace_id).filter(contact_id=contact_id).order_by("created_at")
    return [
        {"channel": row.channel_id, "id": unseal(key, row.sealed_external_id, about=row.channel_id).decode()}
        for row in rows
    ]


def known_as(workspace_id: str, channel_id: str, external_id: str) -> str | None:
    """The id of the contact whom a channel knows by `external_id`."""
    found = execute(_KNOWN_AS, [workspace_id, channel_id, keyed_digest(workspace_id, external_id)])
    return str(found[0][0]) if found else None


def current_id(workspace_id: str, contact_id: str) -> str:
    """Whom a contact's id means by now: they may have been merged into another. Raises NotFound for nobody's."""
    into = Contact.objects.of(workspace_id).filter(id=contact_id).values_list("merged_into", flat=True).first()
    if into is None:
        raise NotFound("There is no such contact.", contact=contact_id)
    return str(into) or contact_id


def with_profile(contact_ids: Sequence[str]) -> set[str]:
    """Those of several contacts, of whatever workspaces, of whom anything is known."""
    return {str(row[0]) for row in execute(_WITH_PROFILE.format(ids=marks(contact_ids)), contact_ids)}


def is_identified(workspace_id: str, contact_id: str) -> bool:
    """Whether any channel knows the contact by an id of the company's."""
    return Identity.objects.of(workspace_id).filter(contact_id=contact_id).exists()


def keyed_digest(workspace_id: str, external_id: str) -> str:
    # Keyed, since a telephone number alone could be found by hashing all of them.
    return hmac.new(workspace_key(workspace_id), external_id.encode(), hashlib.sha256).hexdigest()


def names(actor: Actor, contact_ids: set[str]) -> dict[str, str]:
    """Names of contacts, where they are known and the actor may know them."""
    if actor.kind == "member" and actor.role == Role.VIEWER:
        return {}
    actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
    # The workspace is compared here: told of it as well, SQLite reads all of its contacts for fifty.
    everywhere = Contact.objects.across_workspaces("each is compared")
    rows = everywhere.filter(id__in=contact_ids, sealed_profile__isnull=False)
    mine = (row for row in rows if row.workspace_id == actor.workspace_id)
    return {row.id: str(profile(row).get("name", "")) for row in mine}


def contacts_by_id(actor: Actor, contact_ids: list[str]) -> list[ContactInfo]:
    """Contacts in the order of their ids. Raises NotAllowed."""
    actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
    # The workspace is compared here: told of it as well, SQLite reads all of its contacts.
    everywhere = Contact.objects.across_workspaces("each is compared").filter(id__in=contact_ids)
    rows = {row.id: row for row in everywhere if row.workspace_id == actor.workspace_id}
    return [info(rows[each]) for each in contact_ids if each in rows]


def get(workspace_id: str, contact_id: str, *, lock: bool = False) -> Contact:
    rows = select(Contact, workspace_id, "id = %s", [contact_id], lock=lock)
    if not rows:
        raise NotFound("There is no such contact.", contact=contact_id)
    return rows[0]


def info(row: Contact) -> ContactInfo:
    return ContactInfo(
        row.id, profile(row), row.language, row.created_at, row.last_seen_at, row.erased_at, row.blocked_at, row.refused
    )


def profile(row: Contact) -> dict[str, Any]:
    """What is known of a contact, without what was to be forgotten by now."""
    known = stored_profile(row)
    today = now().date().isoformat()
    until = known.pop(UNTIL, None)
    if not isinstance(until, dict):  # also what a visitor may have called so
        return known
    return {name: value for name, value in known.items() if until.get(name, today) >= today}


def joined_profiles(own: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    """Two stored profiles of one person as one: of what both have, the first one's stays, with its last day."""
    joined = {name: value for name, value in {**others, **own}.items() if name != UNTIL}
    until = {**{name: day for name, day in _until(others).items() if name not in own}, **_until(own)}
    return {**joined, **({UNTIL: until} if until else {})}


def _until(stored: dict[str, Any]) -> dict[str, str]:
    held = stored.get(UNTIL)
    return held if isinstance(held, dict) else {}


def merged_contacts() -> dict[str, str]:
    """Whom merged contacts of all workspaces became, by their former ids."""
    rows = Contact.objects.across_workspaces("visitors' tokens name contacts").exclude(merged_into="")
    return dict(rows.values_list("id", "merged_into"))


def stored_profile(row: Contact) -> dict[str, Any]:
    """A contact's profile as it is sealed; under `UNTIL` the last day of what is kept for a time."""
    if row.sealed_profile is None:
        return {}
    plain: dict[str, Any] = json.loads(unseal(workspace_key(row.workspace_id), row.sealed_profile, about=row.id))
    return plain

"""Writes of contacts."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.contacts.attributes import checked
from kefu.desk.contacts.models import Consent, Contact, ContactNote, Identity
from kefu.desk.contacts.queries import UNTIL, get, joined_profiles, keyed_digest, known_as, stored_profile
from kefu.desk.crypto import seal
from kefu.desk.rows import now
from kefu.desk.statements import insert, new
from kefu.kit.errors import BadInput, Conflict
from kefu.kit.ids import new_id
from kefu.kit.log import Log

_PROFILE_LIMIT = 4_000  # characters of JSON: a name, addresses, a few attributes

_log = Log(__name__)


def meet(
    actor: Actor, *, channel_id: str, external_id: str | None = None, profile: dict[str, Any] | None = None
) -> str:
    """The contact whom a channel knows by `external_id`, made if new; a nameless visitor without one is always new.

    Gives the contact's id. Raises BadInput for a profile or id that is too long.
    """
    _check(external_id, profile)
    key = workspace_key(actor.workspace_id)
    if external_id is None:
        with transaction.atomic():
            return _make(actor.workspace_id, key, profile)
    found = known_as(actor.workspace_id, channel_id, external_id)
    if found is not None:
        return found
    try:
        with transaction.atomic():
            contact_id = _make(actor.workspace_id, key, profile)
            actor.require(scope=Scope.CONTACTS, or_scope=Scope.CONVERSATIONS, role=Role.AGENT)
            _name(actor.workspace_id, key, contact_id, channel_id, external_id)
    except IntegrityError:  # somebody met them at the same moment
        return known_as(actor.workspace_id, channel_id, external_id) or ""
    return contact_id


def name(actor: Actor, *, contact_id: str, channel_id: str, external_id: str) -> None:
    """Note by what id a channel knows a contact. Raises BadInput for one that is too long, NotFound, NotAllowed."""
    actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
    _check(external_id, None)
    get(actor.workspace_id, contact_id)
    _name(actor.workspace_id, workspace_key(actor.workspace_id), contact_id, channel_id, external_id)


def change_profile(actor: Actor, *, contact_id: str, changes: dict[str, Any]) -> None:
    """Add to what is known of a contact, or with None take away: visitors of themselves, members and programs.

    Raises BadInput for a bad address or too much, NotFound, NotAllowed.
    """
    if actor.kind == "visitor":
        contact_id = str(actor.contact_id)
    else:
        actor.require(scope=Scope.CONTACTS, or_scope=Scope.CONVERSATIONS, role=Role.AGENT)
    if changes.get("email"):
        changes = {**changes, "email": _mail_address(changes["email"])}
    changes = checked(actor.workspace_id, changes)
    with transaction.atomic():
        row = get(actor.workspace_id, contact_id, lock=True)
        if actor.kind == "member":  # by name alone: values are personal
            audit(actor, "contact.changed", contact_id, after={"fields": sorted(changes)})
        _store(row, {**stored_profile(row), **{name: value for name, value in changes.items() if name != UNTIL}})


def keep_attributes(actor: Actor, *, contact_id: str, values: Mapping[str, tuple[Any, int | None]]) -> None:
    """Keep what an assistant learnt of a contact, each value for so many days or until it changes; None forgets.

    What is not fit to be kept is left out and logged: the answer that it came with is sent all the same. Raises
    NotFound, NotAllowed.
    """
    actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
    with transaction.atomic():
        row = get(actor.workspace_id, contact_id, lock=True)
        known = stored_profile(row)
        held = known.get(UNTIL)
        until = dict(held) if isinstance(held, dict) else {}
        for name, (value, days) in values.items():
            if name.startswith("_"):
                continue
            known[name] = value
            until.pop(name, None)
            if value is not None and days is not None:
                until[name] = (now() + timedelta(days=days)).date().isoformat()
        try:
            _store(row, {**known, UNTIL: until or None})
        except BadInput as error:
            _log.warning("attributes_not_kept", workspace=actor.workspace_id, contact=contact_id, reason=error.code)


def absorb(actor: Actor, *, contact_id: str, other_id: str) -> None:
    """Make what is known of another contact this one's, since they are one person; the other's row stays, empty.

    Identities move; of attributes that both have, this contact's stay. Raises BadInput for one and the same or more
    than a profile holds, Conflict for one that is merged or erased, NotFound, NotAllowed.
    """
    actor.require_role(Role.SUPERVISOR)
    if contact_id == other_id:
        raise BadInput("A contact cannot be merged into itself.", field="other")
    with transaction.atomic():
        # In one order, so that two who merge the same pair do not wait for each other.
        rows = {each: get(actor.workspace_id, each, lock=True) for each in sorted((contact_id, other_id))}
        row, other = rows[contact_id], rows[other_id]
        for each in (row, other):
            if each.merged_into or each.erased_at is not None:
                raise Conflict("This contact was merged or erased before.", contact=each.id)
        profile = joined_profiles(stored_profile(row), stored_profile(other))
        for model in (Identity, Consent, ContactNote):
            model.objects.of(actor.workspace_id).filter(contact_id=other.id).update(contact_id=row.id)
        Contact.objects.of(actor.workspace_id).filter(merged_into=other.id).update(merged_into=row.id)
        row.language = row.language or other.language
        row.last_seen_at = max(row.last_seen_at, other.last_seen_at)
        row.blocked_at, row.refused = row.blocked_at or other.blocked_at, row.refused + other.refused
        row.save(update_fields=["language", "last_seen_at", "blocked_at", "refused"])
        other.sealed_profile, other.merged_into = None, row.id
        other.save(update_fields=["sealed_profile", "merged_into"])
        _store(row, profile)
        announce(actor.workspace_id, "contact.merged", other.id)
        audit(actor, "contact.merged", row.id, after={"merged": other.id})


def erase(actor: Actor, *, contact_id: str) -> None:
    """Forget a contact's profile and identities; the empty row stays, so that counts of the past stay right."""
    actor.require_role(Role.ADMIN)
    with transaction.atomic():
        row = get(actor.workspace_id, contact_id)
        for model in (Identity, Consent, ContactNote):
            model.objects.of(actor.workspace_id).filter(contact_id=contact_id).delete()
        row.sealed_profile, row.language, row.erased_at = None, "", now()
        row.save(update_fields=["sealed_profile", "language", "erased_at"])
        announce(actor.workspace_id, "contact.erased", contact_id)
        audit(actor, "contact.erased", contact_id)


def _store(row: Contact, profile: Mapping[str, Any]) -> None:
    known = {name: value for name, value in profile.items() if value is not None}
    _check(None, known)
    key = workspace_key(row.workspace_id)
    row.sealed_profile = seal(key, json.dumps(known), about=row.id) if known else None
    row.save(update_fields=["sealed_profile"])
    announce(row.workspace_id, "contact.updated", row.id)


def _make(workspace_id: str, key: bytes, profile: dict[str, Any] | None) -> str:
    contact_id = new_id("contact")
    sealed = seal(key, json.dumps(profile), about=contact_id) if profile else None
    insert(new(Contact, id=contact_id, workspace_id=workspace_id, sealed_profile=sealed))
    announce(workspace_id, "contact.created", contact_id)
    return contact_id


def _name(workspace_id: str, key: bytes, contact_id: str, channel_id: str, external_id: str) -> None:
    row = new(
        Identity,
        workspace_id=workspace_id,
        contact_id=contact_id,
        channel_id=channel_id,
        digest=keyed_digest(workspace_id, external_id),
        sealed_external_id=seal(key, external_id, about=channel_id),
    )
    insert(row)


def _mail_address(email: object) -> str:
    address = str(email).strip()
    try:
        validate_email(address)
    except ValidationError:
        raise BadInput("This is not an e-mail address.", field="email") from None
    return address


def _check(external_id: str | None, profile: dict[str, Any] | None) -> None:
    if external_id is not None and not 0 < len(external_id) <= 500:
        raise BadInput("A contact's id has 1 to 500 characters.", field="contact")
    if profile and len(json.dumps(profile)) > _PROFILE_LIMIT:
        raise BadInput(f"A contact's profile has at most {_PROFILE_LIMIT} characters.", field="contact")

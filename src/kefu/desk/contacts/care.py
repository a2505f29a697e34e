"""Care of a contact: consent, blocking, language, notes."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.accounts.queries import member_names, workspace_key
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.contacts.listeners import TAKEN_BACK
from kefu.desk.contacts.models import Consent, Contact, ContactNote
from kefu.desk.contacts.queries import get
from kefu.desk.crypto import seal, unseal
from kefu.desk.rows import now
from kefu.desk.statements import execute
from kefu.kit.errors import BadInput, NotAllowed, NotFound

CONSENTS = ("marketing", "training")
_NOTE = 5_000
# That somebody came is written down once a minute: lists are sorted by it, and a message writes enough already.
_SEEN_FOR = timedelta(minutes=1)
# The column as it is: SQLite 3.40 takes IS NOT NULL after RETURNING for true, whatever stands there.
_SEEN = """
    UPDATE contacts_contact SET last_seen_at = %s WHERE id = %s AND workspace_id = %s
    RETURNING language, blocked_at
"""
_KNOWN_HERE = """
    NOT EXISTS (SELECT 1 FROM contacts_contact AS contact WHERE contact.id = contact_id
    AND (contact.blocked_at IS NOT NULL OR contact.last_seen_at < %s))
"""
_BLOCKED = "SELECT 1 FROM contacts_contact WHERE id = %s AND workspace_id = %s AND blocked_at IS NOT NULL"
_LANGUAGE = re.compile(r"(?:[a-z]{2,3}(?:-[A-Za-z]{2,4})?)?")


class Blocked(NotAllowed):
    """The company takes no messages from this contact."""

    code = "contact_blocked"


@dataclass(frozen=True)
class Seen:
    """Of a contact who has come: the language that they prefer, empty for none, and whether they are blocked."""

    language: str = ""
    is_blocked: bool = False


@dataclass(frozen=True)
class ConsentInfo:
    kind: str
    is_given: bool
    source: str
    given_at: datetime


@dataclass(frozen=True)
class NoteInfo:
    id: str
    text: str
    author: str
    created_at: datetime


def block(actor: Actor, *, contact_id: str) -> None:
    """From now on the contact's messages are refused and counted. Harmless twice. Raises NotFound, NotAllowed."""
    _set_blocked(actor, contact_id, blocked=True)


def unblock(actor: Actor, *, contact_id: str) -> None:
    """Take the contact's messages again. Harmless twice. Raises NotFound, NotAllowed."""
    _set_blocked(actor, contact_id, blocked=False)


def seen(workspace_id: str, contact_id: str) -> Seen:
    """The contact has come just now."""
    found = execute(_SEEN, [now(), contact_id, workspace_id])
    return Seen(str(found[0][0]), found[0][1] is not None) if found else Seen()


def known_here() -> tuple[str, list[datetime]]:
    """SQL over a row with a `contact_id`, and its values: that there is no need for `seen` to be called now."""
    return _KNOWN_HERE, [now() - _SEEN_FOR]


def is_blocked(workspace_id: str, contact_id: str) -> bool:
    return bool(execute(_BLOCKED, [contact_id, workspace_id]))


def count_refused(workspace_id: str, contact_id: str) -> None:
    """One more message of a blocked contact was not taken."""
    Contact.objects.of(workspace_id).filter(id=contact_id).update(refused=F("refused") + 1)


def speak(actor: Actor, *, contact_id: str, language: str) -> None:
    """In which language the contact wants to be answered; empty for the one that they write in.

    Raises BadInput for what is no language code, NotFound, NotAllowed.
    """
    actor.require(scope=Scope.CONTACTS, role=Role.AGENT)
    with transaction.atomic():
        row = get(actor.workspace_id, contact_id, lock=True)
        if not _LANGUAGE.fullmatch(language):
            raise BadInput(f"A language is a code such as en or zh, not {language!r}.", field="language")
        row.language = language
        row.save(update_fields=["language"])
        announce(actor.workspace_id, "contact.updated", contact_id)


def agree(
    actor: Actor, *, contact_id: str, kind: str, is_given: bool, source: str, given_at: datetime | None = None
) -> None:
    """Keep that a contact agreed, or no longer does; with where they said so.

    Raises BadInput for another kind or no source, NotFound, NotAllowed.
    """
    actor.require(scope=Scope.CONTACTS, role=Role.AGENT)
    if kind not in CONSENTS:
        raise BadInput(f"Consent is for {' or '.join(CONSENTS)}, not {kind!r}.", field="kind")
    if not 0 < len(source.strip()) <= 200:
        raise BadInput("Say in at most 200 characters where they said so, such as a form's name.", field="source")
    with transaction.atomic():
        get(actor.workspace_id, contact_id)
        before = consents(actor, contact_id=contact_id)
        Consent.objects.create(
            workspace_id=actor.workspace_id,
            contact_id=contact_id,
            kind=kind,
            is_given=is_given,
            source=source.strip(),
            given_at=given_at or now(),
            by_kind=actor.kind,
            by_id=actor.id,
        )
        if not is_given:
            for listener in TAKEN_BACK:
                listener(actor.workspace_id, contact_id, kind)
        known = next((each.is_given for each in before if each.kind == kind), None)
        announce(actor.workspace_id, "contact.updated", contact_id)
        audit(
            actor, "contact.consent", contact_id, before={kind: known}, after={kind: is_given, "source": source.strip()}
        )


def consents(actor: Actor, *, contact_id: str) -> list[ConsentInfo]:
    """The latest of each kind that was ever given or taken back. Raises NotAllowed."""
    return list({each.kind: each for each in reversed(consent_history(actor, contact_id=contact_id))}.values())


def consent_history(actor: Actor, *, contact_id: str) -> list[ConsentInfo]:
    """All that a contact ever agreed to or took back, newest first. Raises NotAllowed."""
    actor.require(scope=Scope.CONTACTS, role=Role.AGENT)
    rows = Consent.objects.of(actor.workspace_id).filter(contact_id=contact_id).order_by("-id")
    return [ConsentInfo(row.kind, row.is_given, row.source, row.given_at) for row in rows[:200]]


def has_agreed(workspace_id: str, contact_id: str, kind: str) -> bool:
    """Whether a contact has agreed and not taken it back."""
    return bool(_latest(workspace_id, contact_id, kind).first())


def may_learn_from(workspace_id: str, contact_id: str) -> bool:
    """The one rule for all that is kept or gathered to train models: only of who has agreed to it."""
    return has_agreed(workspace_id, contact_id, "training")


def learnable(rows: QuerySet[Any], workspace_id: str, *, contact: str) -> QuerySet[Any]:
    """Of many rows those of contacts whom models may learn from; `contact` is the rows' field with a contact's id."""
    agreed = agreement(workspace_id, "training", contact=contact)
    return rows.alias(may_learn=agreed).filter(may_learn=True)


def agreement(workspace_id: str, kind: str, *, contact: str) -> Subquery:
    """`has_agreed` within a query of many rows; `contact` is the field of theirs that holds a contact's id."""
    return Subquery(_latest(workspace_id, OuterRef(contact), kind)[:1])


def _latest(workspace_id: str, contact_id: Any, kind: str) -> Any:
    rows = Consent.objects.of(workspace_id).filter(contact_id=contact_id, kind=kind).order_by("-id")
    return rows.values_list("is_given", flat=True)


def add_note(actor: Actor, *, contact_id: str, text: str) -> NoteInfo:
    """Write something down about a contact that only members see. Raises BadInput, NotFound, NotAllowed."""
    actor.require_role(Role.AGENT)
    if not 0 < len(text.strip()) <= _NOTE:
        raise BadInput(f"A note has 1 to {_NOTE} characters.", field="text")
    with transaction.atomic():
        get(actor.workspace_id, contact_id)
        row = ContactNote(workspace_id=actor.workspace_id, contact_id=contact_id, author_id=actor.id)
        row.sealed_text = seal(workspace_key(actor.workspace_id), text.strip(), about=row.id)
        row.save(force_insert=True)
        announce(actor.workspace_id, "contact.updated", contact_id)
    return notes(actor, contact_id=contact_id)[0]


def notes(actor: Actor, *, contact_id: str) -> list[NoteInfo]:
    """What members wrote down about a contact, newest first. Raises NotAllowed."""
    actor.require_role(Role.AGENT)
    rows = list(ContactNote.objects.of(actor.workspace_id).filter(contact_id=contact_id).order_by("-created_at")[:200])
    names, key = member_names(actor.workspace_id, {row.author_id for row in rows}), workspace_key(actor.workspace_id)
    return [
        NoteInfo(
            row.id, unseal(key, row.sealed_text, about=row.id).decode(), names.get(row.author_id, ""), row.created_at
        )
        for row in rows
    ]


def remove_note(actor: Actor, *, note_id: str) -> None:
    """Take a note away: its author, or a supervisor. Raises NotFound, NotAllowed."""
    actor.require_role(Role.AGENT)
    row = ContactNote.objects.of(actor.workspace_id).filter(id=note_id).first()
    if row is None:
        raise NotFound("There is no such note.", note=note_id)
    if row.author_id != actor.id:
        actor.require_role(Role.SUPERVISOR)
    with transaction.atomic():
        announce(actor.workspace_id, "contact.updated", row.contact_id)
        audit(actor, "contact.note_removed", row.contact_id)
        row.delete()


def _set_blocked(actor: Actor, contact_id: str, *, blocked: bool) -> None:
    actor.require(scope=Scope.CONTACTS, role=Role.SUPERVISOR)
    with transaction.atomic():
        row = get(actor.workspace_id, contact_id, lock=True)
        was = row.blocked_at is not None
        if was == blocked:
            return
        row.blocked_at = now() if blocked else None
        row.save(update_fields=["blocked_at"])
        announce(actor.workspace_id, "contact.updated", contact_id)
        action = "contact.blocked" if blocked else "contact.unblocked"
        audit(actor, action, contact_id, before={"blocked": was, "refused": row.refused}, after={"blocked": blocked})

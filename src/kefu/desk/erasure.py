"""All that is kept of one contact, over every app: to hand it out, or to delete it."""

from dataclasses import asdict
from typing import Any

from django.db import transaction

from kefu.desk.accounts.actions import audit
from kefu.desk.actor import Actor, Role
from kefu.desk.contacts import actions as contacts_actions
from kefu.desk.contacts import care
from kefu.desk.contacts import queries as contacts
from kefu.desk.inbox import actions as inbox_actions
from kefu.desk.inbox import queries as inbox
from kefu.desk.modelhub.actions import forget_contact
from kefu.desk.surveys import queries as surveys


def export(actor: Actor, contact_id: str) -> dict[str, Any]:
    """Everything kept of a contact, originals included; that it was looked at is kept. Raises NotFound, NotAllowed."""
    actor.require_role(Role.ADMIN)
    person = contacts.contact(actor, contact_id)
    audit(actor, "contact.exported", contact_id)
    return {
        "contact": {
            "id": person.id,
            "profile": person.profile,
            "language": person.language,
            "created_at": person.created_at,
            "last_seen_at": person.last_seen_at,
            "identities": contacts.identities(actor, contact_id),
            "blocked_at": person.blocked_at,
            "consents": [asdict(each) for each in care.consent_history(actor, contact_id=contact_id)],
            "notes": [asdict(each) for each in care.notes(actor, contact_id=contact_id)],
        },
        "conversations": [
            {
                "id": thread.id,
                "status": thread.status,
                "created_at": thread.created_at,
                "messages": inbox.originals(actor, thread.id),
                "ratings": [
                    {"at": each.at, "score": each.score, "comment": each.comment}
                    for each in surveys.ratings_of(actor.workspace_id, [thread.id])
                ],
            }
            for thread in inbox.conversations(actor, contact_id=contact_id, limit=100_000)
        ],
    }


def erase(actor: Actor, contact_id: str) -> int:
    """Delete what is kept of a contact; gives how many conversations went. Raises NotFound, NotAllowed."""
    with transaction.atomic():
        contacts.get(actor.workspace_id, contact_id)
        forget_contact(actor.workspace_id, contact_id)
        count = inbox_actions.erase_conversations(actor, contact_id=contact_id)
        contacts_actions.erase(actor, contact_id=contact_id)
    return count

"""What rules look at of a conversation."""

from kefu.desk.actor import system
from kefu.desk.contacts.queries import contact
from kefu.desk.inbox.models import Conversation
from kefu.desk.inbox.routing import PRIORITIES, Case


def case_of(row: Conversation, *, with_contact: bool, language: str = "") -> Case:
    """A conversation as rules see it; the contact is unsealed only where a rule asks for attributes."""
    known = contact(system(row.workspace_id), row.contact_id).profile if with_contact else {}
    return Case(
        channel=row.channel_id,
        language=language or row.language,
        intent=row.intent,
        labels=frozenset(row.labels.split(",")) - {""},
        contact=known,
        team=row.team_id,
        priority=PRIORITIES[row.priority],
    )

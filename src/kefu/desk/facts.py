"""What a turn is told beside the message: who the customer is, what time it is at the company, who is at work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kefu.desk.accounts.hours import milliseconds
from kefu.desk.accounts.queries import HoursBook, hours_book, remembered_hours
from kefu.desk.actor import system
from kefu.desk.contacts.attributes import told
from kefu.desk.contacts.queries import contact
from kefu.desk.inbox.actions import mask_found
from kefu.desk.rows import now

# What a profile's fields are by their names; in others personal data are looked for.
_KINDS = {"name": "NAME", "email": "EMAIL", "phone": "PHONE", "address": "ADDRESS"}


@dataclass(frozen=True)
class Facts:
    """`contact` is masked with the conversation's placeholders; `now` is in the company's time zone."""

    now: datetime
    is_open: bool = True
    contact: Mapping[str, Any] = field(default_factory=dict)


def facts(workspace_id: str) -> Facts:
    """The hour, without a customer."""
    return _hour(hours_book(workspace_id))


def remembered_facts(workspace_id: str) -> Facts | None:
    """As `facts`, or None where the hours would have to be read for it. Does not block."""
    book = remembered_hours(workspace_id)
    return _hour(book) if book is not None else None


def facts_of(workspace_id: str, conversation_id: str, contact_id: str) -> Facts:
    """The hour, and what the assistant may know of a conversation's customer. Blocking."""
    hour = facts(workspace_id)
    kefu = system(workspace_id)
    profile = told(workspace_id, contact(kefu, contact_id).profile)
    masked = mask_found(kefu, conversation_id=conversation_id, values=profile, kinds=_KINDS) if profile else {}
    return Facts(hour.now, hour.is_open, masked)


def _hour(book: HoursBook) -> Facts:
    at = now()
    hours = book.at(milliseconds(at))
    return Facts(at.astimezone(hours.zone), hours.is_open(milliseconds(at)))

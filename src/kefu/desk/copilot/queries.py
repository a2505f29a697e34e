"""Reads of copilot: what members made of suggestions, and drafts of FAQ entries."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from kefu.desk.actor import Actor, Role
from kefu.desk.contacts.care import learnable
from kefu.desk.copilot.models import KeptEdit
from kefu.desk.copilot.said import exchanges, spoken
from kefu.desk.inbox.queries import get
from kefu.kit.errors import NotFound


@dataclass(frozen=True)
class EditInfo:
    """A suggestion and what was sent in its place, masked; `distance` from 0 (sent as it was) to 1."""

    id: str
    conversation_id: str
    question: str
    suggested: str
    sent: str
    distance: float
    decision: str
    language: str
    passages: tuple[str, ...]
    sent_at: datetime

    def row(self) -> dict[str, Any]:
        """One line of a dataset."""
        return {**asdict(self), "passages": list(self.passages), "sent_at": self.sent_at.isoformat()}


@dataclass(frozen=True)
class FaqDraft:
    """A question and an answer that may become a FAQ entry; `is_masked`: a placeholder stands in one of them."""

    question: str
    answer: str
    is_masked: bool


def edits(actor: Actor) -> Iterator[EditInfo]:
    """What was sent in place of suggestions to contacts who agree to it, oldest first. Raises NotAllowed."""
    actor.require_role(Role.ADMIN)
    sent = KeptEdit.objects.of(actor.workspace_id).filter(sent_at__isnull=False)
    rows = learnable(sent, actor.workspace_id, contact="conversation__contact_id").order_by("sent_at", "id")
    return (
        EditInfo(
            row.id,
            row.conversation_id,
            row.question,
            row.suggested,
            row.sent,
            row.distance,
            row.decision,
            row.language,
            tuple(row.passages),
            row.sent_at,
        )
        for row in rows.iterator(chunk_size=500)
    )


def faq_draft(actor: Actor, conversation_id: str) -> FaqDraft:
    """What a conversation could teach: the last question that a person answered, else the last one answered at all.

    Raises NotFound where nothing was answered, NotAllowed.
    """
    actor.require_role(Role.AGENT)
    get(actor, conversation_id)
    found = exchanges(spoken(actor, conversation_id))
    answered = [each for each in found if each.reply is not None and not each.is_wish]
    by_person = [each for each in answered if each.decision == "member"]
    chosen = (by_person or answered)[-1:]
    if not chosen:
        raise NotFound("Nothing was answered in this conversation.", conversation=conversation_id)
    question, answer = chosen[0].question, chosen[0].answer
    return FaqDraft(question, answer, "<" in question + answer)

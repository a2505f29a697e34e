"""Writes of copilot: what was suggested and what was sent instead, where workspace and contact agreed to it."""

from datetime import timedelta

from django.db import transaction
from rapidfuzz.distance import Levenshtein

from kefu.desk.accounts.queries import workspace_settings
from kefu.desk.actor import Actor, Role
from kefu.desk.contacts.care import may_learn_from
from kefu.desk.copilot.models import KeptEdit
from kefu.desk.copilot.suggesting import Suggestion, suggestion
from kefu.desk.inbox.queries import get, message
from kefu.desk.rows import now
from kefu.kit.errors import BadInput, NotFound

# A suggestion that was not used by then was not used at all.
_UNUSED_FOR = timedelta(days=1)


def suggest(actor: Actor, *, conversation_id: str) -> tuple[Suggestion, str | None]:
    """What may be replied, and the id under which it is kept, where it may be learnt from what members change.

    For that the workspace wants it, and the contact whose question stands there agreed. Raises as `suggestion` does.
    """
    made = suggestion(actor, conversation_id)
    if not made.text or actor.kind != "member" or not workspace_settings(actor.workspace_id).keep_copilot_edits:
        return made, None
    with transaction.atomic():
        thread = get(actor, conversation_id)
        if not may_learn_from(actor.workspace_id, thread.contact_id):
            return made, None
        _forget_unused(actor)
        row = KeptEdit.objects.create(
            workspace_id=actor.workspace_id,
            conversation=thread,
            member_id=actor.id,
            question=made.question,
            suggested=made.text,
            decision=made.decision,
            language=made.language,
            passages=[each.passage_id for each in made.citations],
        )
    return made, row.id


def note_sent(actor: Actor, *, conversation_id: str, suggestion_id: str, message_id: str) -> float:
    """Keep what the member sent after a suggestion, masked; gives how far it is from it. Twice is harmless.

    Raises NotFound for a suggestion that was not kept for this member, BadInput for a message that is not theirs.
    """
    actor.require_role(Role.AGENT)
    sent = message(actor, conversation_id, message_id)
    if sent.author != "member" or sent.author_id != actor.id or sent.is_internal:
        raise BadInput("This message is no reply of yours.", field="message")
    with transaction.atomic():
        mine = KeptEdit.objects.of(actor.workspace_id).filter(conversation_id=conversation_id, member_id=actor.id)
        row = mine.select_for_update().filter(id=suggestion_id).first()
        if row is None:
            raise NotFound("This suggestion was not kept.", suggestion=suggestion_id)
        row.message_id, row.sent, row.sent_at = sent.id, sent.text, now()
        row.distance = round(Levenshtein.normalized_distance(row.suggested, row.sent), 4)
        row.save(update_fields=["message_id", "sent", "sent_at", "distance"])
    return float(row.distance)


def consent_taken_back(workspace_id: str, contact_id: str, kind: str) -> None:
    """Drop what was kept of a contact's conversations to learn from."""
    if kind == "training":
        KeptEdit.objects.of(workspace_id).filter(conversation__contact_id=contact_id).delete()


def _forget_unused(actor: Actor) -> None:
    old = KeptEdit.objects.of(actor.workspace_id).filter(sent_at__isnull=True, created_at__lt=now() - _UNUSED_FOR)
    old.delete()

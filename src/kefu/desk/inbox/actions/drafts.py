"""Writes of drafts: what a member was writing, for whichever browser they go on in."""

from django.db import IntegrityError, transaction

from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor
from kefu.desk.crypto import seal
from kefu.desk.inbox.actions.conversations import member_only
from kefu.desk.inbox.models import Conversation, Draft
from kefu.desk.inbox.queries import get
from kefu.desk.rows import now
from kefu.desk.statements import execute
from kefu.kit.errors import BadInput

_LONGEST = 8_000  # characters, as of a message


def keep_draft(actor: Actor, *, conversation_id: str, text: str, is_internal: bool = False) -> None:
    """Keep what the member was writing instead of what was kept before; an empty text keeps nothing.

    Raises BadInput, NotFound, NotAllowed.
    """
    member_only(actor)
    if len(text) > _LONGEST:
        raise BadInput(f"A draft has at most {_LONGEST:,} characters.", field="text")
    thread = get(actor, conversation_id)
    if not text.strip():
        forget_draft(actor, thread)
        return
    try:
        with transaction.atomic():
            _keep(actor, thread, text, is_internal=is_internal)
    except IntegrityError:  # two windows of one member began at the same moment
        with transaction.atomic():
            _keep(actor, thread, text, is_internal=is_internal)


def forget_draft(actor: Actor, thread: Conversation) -> None:
    """What the member was writing is said, or not wanted any more."""
    execute(
        "DELETE FROM inbox_draft WHERE workspace_id = %s AND member_id = %s AND conversation_id = %s",
        [actor.workspace_id, actor.id, thread.id],
    )


def _keep(actor: Actor, thread: Conversation, text: str, *, is_internal: bool) -> None:
    mine = Draft.objects.of(actor.workspace_id).filter(member_id=actor.id, conversation_id=thread.id)
    row = mine.first() or Draft(workspace_id=actor.workspace_id, member_id=actor.id, conversation=thread)
    row.sealed_text = seal(workspace_key(actor.workspace_id), text, about=row.id)
    row.is_internal, row.kept_at = is_internal, now()
    row.save()

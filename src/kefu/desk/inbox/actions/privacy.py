"""Personal data that an assistant comes upon in a conversation: masked with the conversation's own placeholders."""

import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role, Scope
from kefu.desk.crypto import seal
from kefu.desk.inbox.models import Conversation
from kefu.desk.inbox.queries import get, placeholders
from kefu.desk.statements import update
from kefu.knowledge.masking import mask_value


def mask_found(
    actor: Actor, *, conversation_id: str, values: Mapping[str, Any], kinds: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Values by name, without the personal data in them; the conversation learns the new placeholders.

    `kinds` says of a name that its value is personal as a whole (a family such as PHONE), or holds none (`NO`); in the
    others personal data are looked for. Raises NotFound, NotAllowed.
    """
    actor.require(scope=Scope.CONVERSATIONS, role=Role.AGENT)
    thread = get(actor, conversation_id)
    masked, known = _masked(thread, values, kinds or {})
    if len(known) == len(placeholders(thread)):
        return masked
    with transaction.atomic():
        # Numbers are given out under the lock: a message that arrives now has placeholders of its own.
        thread = get(actor, conversation_id, lock=True)
        masked, known = _masked(thread, values, kinds or {})
        key = workspace_key(actor.workspace_id)
        thread.sealed_placeholders = seal(key, json.dumps(dict(known)), about=thread.id)
        update(thread, ("sealed_placeholders",))
    return masked


def _masked(
    thread: Conversation, values: Mapping[str, Any], kinds: Mapping[str, str]
) -> tuple[dict[str, Any], Mapping[str, str]]:
    """The values masked, and every placeholder of the conversation by then."""
    known: Mapping[str, str] = placeholders(thread)
    masked = {}
    for name, value in values.items():
        kind = kinds.get(name)
        if kind == "NO":
            masked[name] = value
        else:
            masked[name], known = mask_value(value, known, family=kind, language=thread.language or None)
    return masked, known

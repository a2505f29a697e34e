"""Writes of assistants."""

import json
from typing import Any

from django.db import transaction

from kefu.contracts.turn import Decision, Policy
from kefu.desk.accounts.actions import announce, audit
from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role
from kefu.desk.assistants.models import Assistant
from kefu.desk.assistants.queries import AssistantInfo, for_workspace
from kefu.desk.crypto import seal
from kefu.desk.rows import now
from kefu.kit.errors import BadInput

_THRESHOLDS = ("answer_threshold", "approved_threshold", "clarify_threshold")


def set_up(
    actor: Actor,
    *,
    name: str | None = None,
    policy: dict[str, Any] | None = None,
    generator: str | None = None,
    generator_options: dict[str, Any] | None = None,
) -> AssistantInfo:
    """Change what is given of the assistant and leave the rest.

    Raises BadInput that names the field, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    if policy:
        _check(policy)
    with transaction.atomic():
        row = Assistant.objects.of(actor.workspace_id).select_for_update().first()
        row = row or Assistant(workspace_id=actor.workspace_id, name="Kefu")
        before = {"policy": row.policy, "generator": row.generator}
        row.name = name if name is not None else row.name
        row.policy = {**row.policy, **(policy or {})}
        row.generator = generator if generator is not None else row.generator
        if generator_options is not None:
            row.sealed_generator_options = seal(workspace_key(actor.workspace_id), json.dumps(generator_options))
        row.updated_at = now()
        row.save()
        announce(actor.workspace_id, "assistant.updated", row.id)
        audit(
            actor, "assistant.updated", row.id, before=before, after={"policy": row.policy, "generator": row.generator}
        )
    return for_workspace(actor.workspace_id)


def _check(policy: dict[str, Any]) -> None:
    unknown = sorted(set(policy) - set(Policy.__dataclass_fields__))
    if unknown:
        raise BadInput(f"A policy has no {', '.join(unknown)}.", field=unknown[0])
    for name in _THRESHOLDS:
        value = policy.get(name)
        if name in policy and (not isinstance(value, int | float) or not 0 <= value <= 1):
            raise BadInput(f"{name} is a number from 0 to 1, not {value!r}.", field=name)
    kinds = policy.get("kinds", [])
    strange = sorted(set(kinds) - set(Decision))
    if strange:
        raise BadInput(f"Kinds of answer are {', '.join(Decision)}; not {', '.join(strange)}.", field="kinds")

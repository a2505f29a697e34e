"""Reads of assistants."""

import json
from dataclasses import dataclass, replace
from typing import Any

from kefu.contracts.turn import Decision, Policy
from kefu.desk.accounts.queries import workspace, workspace_key
from kefu.desk.actor import Actor, Role
from kefu.desk.assistants.models import Assistant
from kefu.desk.crypto import unseal


@dataclass(frozen=True)
class AssistantInfo:
    """How the workspace's assistant answers; `generator` is a reference, empty for none."""

    name: str
    policy: Policy
    generator: str
    is_active: bool


def assistant(actor: Actor) -> AssistantInfo:
    actor.require_role(Role.VIEWER)
    return for_workspace(actor.workspace_id)


def for_workspace(workspace_id: str) -> AssistantInfo:
    """The workspace's assistant; a workspace that never set one up has the default."""
    row = Assistant.objects.of(workspace_id).first()
    language = workspace(workspace_id).default_language
    if row is None:
        return AssistantInfo("Kefu", Policy(default_language=language), "", True)
    return AssistantInfo(row.name, policy_of(row.policy, language), row.generator, row.is_active)


def generator_options(workspace_id: str) -> dict[str, Any]:
    """Options of the workspace's generator, with its API key in the clear: for the engine alone."""
    row = Assistant.objects.of(workspace_id).first()
    if row is None or row.sealed_generator_options is None:
        return {}
    options: dict[str, Any] = json.loads(unseal(workspace_key(workspace_id), row.sealed_generator_options))
    return options


def policy_of(stored: dict[str, Any], language: str = "en") -> Policy:
    """A policy from its stored form; what is missing has its default."""
    known = {name: value for name, value in stored.items() if name in Policy.__dataclass_fields__}
    if "kinds" in known:
        known["kinds"] = frozenset(Decision(kind) for kind in known["kinds"])
    for name in ("forbidden_topics", "hand_over_words"):
        if name in known:
            known[name] = tuple(known[name])
    return replace(Policy(default_language=language), **known)

"""Reads of assistants."""

import json
from dataclasses import dataclass, replace
from typing import Any

from kefu.contracts.turn import Decision, Disclaimer, Escalation, Policy
from kefu.desk.accounts.queries import workspace, workspace_key
from kefu.desk.actor import Actor, Role
from kefu.desk.assistants.models import Assistant
from kefu.desk.crypto import unseal
from kefu.knowledge.confidence import default_thresholds

SECRETS = ("api_key", "hub_token", "extra")  # options that may hold a secret; `extra` may hold any header or field


@dataclass(frozen=True)
class EncoderChoice:
    """Encoders by language, where they are not the defaults; `options` are by reference, secrets in the clear.

    `wanted` replaces `live` once `done` of `total` passages have their vectors; `problem` says why the last did not.
    """

    live: dict[str, str]
    wanted: dict[str, str] | None
    options: dict[str, dict[str, Any]]
    done: int = 0
    total: int = 0
    problem: str = ""


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
        return AssistantInfo("Kefu", policy_of({}, language), "", True)
    return AssistantInfo(row.name, policy_of(row.policy, language), row.generator, row.is_active)


def stored_policy(workspace_id: str) -> tuple[dict[str, Any], str]:
    """The policy's stored parts, and the workspace's language."""
    row = Assistant.objects.of(workspace_id).first()
    return (row.policy if row is not None else {}), workspace(workspace_id).default_language


def shown_options(actor: Actor) -> tuple[dict[str, Any], list[str]]:
    """The generator's options that hold no secret, and the names of those that do and are set."""
    actor.require_role(Role.ADMIN)
    options = generator_options(actor.workspace_id)
    # An address may hold a user and a password.
    secret = [name for name, value in options.items() if name in SECRETS or "@" in str(value)]
    return {name: value for name, value in options.items() if name not in secret}, secret


def generator_options(workspace_id: str) -> dict[str, Any]:
    """Options of the workspace's generator, with its API key in the clear: for the engine alone."""
    row = Assistant.objects.of(workspace_id).first()
    if row is None or row.sealed_generator_options is None:
        return {}
    options: dict[str, Any] = json.loads(unseal(workspace_key(workspace_id), row.sealed_generator_options))
    return options


def encoder_choice(workspace_id: str) -> EncoderChoice:
    """Which encoders the workspace has chosen: for the engines alone, since options may hold keys."""
    row = Assistant.objects.of(workspace_id).first()
    if row is None:
        return EncoderChoice({}, None, {})
    sealed, options = row.sealed_encoder_options, {}
    if sealed is not None:
        options = json.loads(unseal(workspace_key(workspace_id), sealed, about=row.id))
    return EncoderChoice(
        row.encoders, row.wanted_encoders, options, row.encoders_done, row.encoders_total, row.encoders_problem
    )


def shown_encoders(actor: Actor) -> EncoderChoice:
    """The choice without secrets: of each reference's options those that hold none, and only for who may set them."""
    actor.require_role(Role.VIEWER)
    found = encoder_choice(actor.workspace_id)
    may_see = actor.kind == "system" or actor.role in {Role.OWNER, Role.ADMIN}
    shown = {
        reference: {name: value for name, value in options.items() if name not in SECRETS and "@" not in str(value)}
        for reference, options in found.options.items()
    }
    return replace(found, options=shown if may_see else {})


def policy_of(stored: dict[str, Any], language: str = "en") -> Policy:
    """A policy from its stored form; what is missing has its default, thresholds those of the calibration."""
    known = {name: value for name, value in stored.items() if name in Policy.__dataclass_fields__}
    if "kinds" in known:
        known["kinds"] = frozenset(Decision(kind) for kind in known["kinds"])
    for name in ("forbidden_topics", "hand_over_words", "forbidden_words"):
        if name in known:
            known[name] = tuple(known[name])
    if "escalations" in known:
        known["escalations"] = tuple(_escalation(each) for each in known["escalations"])
    if "disclaimers" in known:
        known["disclaimers"] = tuple(_disclaimer(each) for each in known["disclaimers"])
    calibrated = default_thresholds()
    default = Policy(
        default_language=language,
        answer_threshold=calibrated.answer,
        approved_threshold=calibrated.approved,
        clarify_threshold=calibrated.clarify,
    )
    return replace(default, **known)


def _escalation(stored: dict[str, Any]) -> Escalation:
    lists = {name: tuple(stored.get(name) or ()) for name in ("moods", "words", "intents")}
    return Escalation(**lists, contact=stored.get("contact") or {}, refusals=int(stored.get("refusals") or 0))


def _disclaimer(stored: dict[str, Any]) -> Disclaimer:
    lists = {name: tuple(stored.get(name) or ()) for name in ("topics", "intents")}
    return Disclaimer(key=str(stored["key"]), texts=dict(stored["texts"]), **lists)

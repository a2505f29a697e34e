"""Writes of assistants."""

import json
import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from kefu.brain.quiet import is_valid
from kefu.contracts.turn import INTENT_RULES, Decision, Policy
from kefu.desk.accounts.actions import announce, audit
from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Actor, Role
from kefu.desk.assistants.models import Assistant
from kefu.desk.assistants.queries import SECRETS, AssistantInfo, encoder_choice, for_workspace, generator_options
from kefu.desk.crypto import seal
from kefu.desk.rows import now
from kefu.kit.errors import BadInput

_REFERENCE = re.compile(r"(openai|scripted|path|package|hub):\S+")
# A version or a model of the workspace's own may be its generator; names of models have blanks.
_GENERATOR = re.compile(rf"{_REFERENCE.pattern}|version:\S+|model:\S.*")
_MOODS = ("complaint", "angry")
_MOST_RULES, _LONGEST_WORD, _LONGEST_TEXT = 50, 200, 2000
_RULE = {"moods": list, "words": list, "intents": list, "contact": dict, "refusals": int}
_WORDS = {"key": str, "texts": dict, "topics": list, "intents": list}
_THRESHOLDS = ("answer_threshold", "approved_threshold", "clarify_threshold")


def set_up(
    actor: Actor,
    *,
    name: str | None = None,
    policy: dict[str, Any] | None = None,
    generator: str | None = None,
    generator_options: dict[str, Any] | None = None,
) -> AssistantInfo:
    """Change what is given of the assistant and leave the rest; a policy's part that is None gets its default.

    Raises BadInput that names the field, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    changes = checked_policy(policy or {})
    with transaction.atomic():
        row = Assistant.objects.of(actor.workspace_id).select_for_update().first()
        row = row or Assistant(workspace_id=actor.workspace_id, name="Kefu")
        before = {"policy": row.policy, "generator": row.generator}
        if generator and row.generator and generator_options is None and not _is_alike(generator, row.generator):
            generator_options = {}  # a server's address and key say nothing to a file
        row.name = name if name is not None else row.name
        row.policy = {part: value for part, value in {**row.policy, **changes}.items() if value is not None}
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


def set_generator(actor: Actor, *, reference: str, options: dict[str, Any]) -> AssistantInfo:
    """Choose the generator, or with an empty reference none. Secrets that `options` leaves out are kept.

    They are kept only for the server that they were given for. Raises BadInput that names the field, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    return set_up(actor, generator=reference.strip(), generator_options=merged_options(actor, reference, options))


def choose_encoder(actor: Actor, *, language: str, reference: str, options: dict[str, Any]) -> None:
    """Have another encoder for a language, `*` for all that have none of their own; empty for the default.

    The ones there are go on serving until every passage has vectors of the new one. Secrets that `options` leaves out
    are kept for the same server. Raises BadInput that names the field, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    reference = reference.strip()
    if not re.fullmatch(r"\*|[a-z]{2,3}", language):
        raise BadInput("A language is a code such as en, or * for all others.", field="language")
    if reference and not _REFERENCE.fullmatch(reference):
        raise BadInput("An encoder is named package:NAME, path:DIR, hub:OWNER/NAME or openai:MODEL.", field="reference")
    with transaction.atomic():
        row = Assistant.objects.of(actor.workspace_id).select_for_update().first()
        row = row or Assistant(workspace_id=actor.workspace_id, name="Kefu")
        known = encoder_choice(actor.workspace_id)
        wanted = {**(known.live if known.wanted is None else known.wanted), language: reference}
        wanted = {code: each for code, each in wanted.items() if each}
        kept = {name: each for name, each in known.options.items() if name in {*known.live.values(), *wanted.values()}}
        if reference:
            kept[reference] = encoder_options(actor, reference, options)
        row.sealed_encoder_options = seal(workspace_key(actor.workspace_id), json.dumps(kept), about=row.id)
        row.wanted_encoders, row.encoders_due_at = wanted, now()
        row.encoders_done = row.encoders_total = 0
        row.encoders_problem = ""
        row.save()
        announce(actor.workspace_id, "assistant.encoders", row.id)
        audit(actor, "assistant.encoders", row.id, before={"encoders": known.live}, after={"encoders": wanted})


def encoder_options(actor: Actor, reference: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options with the stored secrets that they leave out, if the server is the same."""
    actor.require_role(Role.ADMIN)
    known = encoder_choice(actor.workspace_id).options.get(reference, {})
    is_same = (known.get("base_url"), known.get("hub_url")) == (options.get("base_url"), options.get("hub_url"))
    kept = {name: known[name] for name in SECRETS if is_same and name in known and name not in options}
    return {name: value for name, value in {**kept, **options}.items() if value is not None}


def merged_options(actor: Actor, reference: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options with the secrets that they leave out, which are stored for a generator of the same form.

    Raises BadInput for another server without its key.
    """
    actor.require_role(Role.ADMIN)
    stored = for_workspace(actor.workspace_id).generator
    known = generator_options(actor.workspace_id) if not stored or _is_alike(reference.strip(), stored) else {}
    kept = {name: known[name] for name in SECRETS if name in known and name not in options}
    if kept and (known.get("base_url"), known.get("hub_url")) != (options.get("base_url"), options.get("hub_url")):
        raise BadInput("The server has changed: give its key again.", field=next(iter(kept)))
    if reference and not _GENERATOR.fullmatch(reference.strip()):
        raise BadInput(
            "A generator is named openai:MODEL, path:FILE.gguf, package:NAME, hub:OWNER/NAME, version:ID or "
            "model:NAME.",
            field="reference",
        )
    return {name: value for name, value in {**kept, **options}.items() if value is not None}


def _is_alike(one: str, other: str) -> bool:
    """Whether two references have the same form, so that the options of one fit the other."""
    return one.partition(":")[0] == other.partition(":")[0]


def checked_policy(policy: dict[str, Any]) -> dict[str, Any]:
    """Parts of a policy as they are stored. Raises BadInput that names the field."""
    unknown = sorted(set(policy) - set(Policy.__dataclass_fields__))
    if unknown:
        raise BadInput(f"A policy has no {', '.join(unknown)}.", field=unknown[0])
    for name in _THRESHOLDS:
        value = policy.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1):
            raise BadInput(f"{name} is a number from 0 to 1, not {value!r}.", field=name)
    strange = sorted(set(policy.get("kinds") or ()) - set(Decision))
    if strange:
        raise BadInput(f"Kinds of answer are {', '.join(Decision)}; not {', '.join(strange)}.", field="kinds")
    if not isinstance(policy.get("test_knowledge_changes"), bool | None):
        raise BadInput("test_knowledge_changes is true or false.", field="test_knowledge_changes")
    _check_words(policy)
    _check_rules(policy)
    if not is_valid(str(policy.get("quiet_hours") or "")):
        raise BadInput(
            "Quiet hours are `closed` (outside of business hours) or times such as 22:00-08:00, 12:00-13:00.",
            field="quiet_hours",
        )
    unruly = sorted(set((policy.get("intent_rules") or {}).values()) - set(INTENT_RULES))
    if unruly:
        raise BadInput(f"An intent's rule is {', '.join(INTENT_RULES)}; not {', '.join(unruly)}.", field="intent_rules")
    return policy


def _check_words(policy: dict[str, Any]) -> None:
    for name in ("forbidden_topics", "hand_over_words", "forbidden_words"):
        words = policy.get(name) or ()
        if not isinstance(words, list | tuple) or not all(isinstance(word, str) and word.strip() for word in words):
            raise BadInput(f"{name} is a list of words.", field=name)


def _check_rules(policy: dict[str, Any]) -> None:
    """Raises BadInput for an escalation or a disclaimer that says nothing, or something unknown."""
    for at, rule in enumerate(_listed(policy, "escalations")):
        _check_parts(rule, _RULE, f"escalations.{at}")
        if not any(rule.values()):
            raise BadInput("An escalation says when: moods, words, intents, contact or refusals.", field="escalations")
        strange = sorted(set(rule.get("moods") or ()) - set(_MOODS))
        if strange:
            raise BadInput(f"Moods are {', '.join(_MOODS)}; not {strange[0]}.", field=f"escalations.{at}.moods")
    keys = []
    for at, each in enumerate(_listed(policy, "disclaimers")):
        _check_parts(each, _WORDS, f"disclaimers.{at}")
        texts = each.get("texts") or {}
        if not each.get("key") or not texts or not all(isinstance(text, str) and text for text in texts.values()):
            raise BadInput("A disclaimer has a key and texts by language.", field=f"disclaimers.{at}")
        if any(len(text) > _LONGEST_TEXT for text in texts.values()):
            raise BadInput(f"A disclaimer has at most {_LONGEST_TEXT} characters.", field=f"disclaimers.{at}.texts")
        keys.append(each["key"])
    if len(set(keys)) < len(keys):
        raise BadInput("Each disclaimer has a key of its own.", field="disclaimers")


def _listed(policy: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = policy.get(name) or []
    if not isinstance(found, list) or len(found) > _MOST_RULES or not all(isinstance(each, dict) for each in found):
        raise BadInput(f"{name} is a list of at most {_MOST_RULES} objects.", field=name)
    return found


def _check_parts(table: dict[str, Any], known: Mapping[str, type], field: str) -> None:
    for name, value in table.items():
        if name not in known:
            raise BadInput(f"{field} has no {name}; it has {', '.join(known)}.", field=f"{field}.{name}")
        if value is None or (known[name] is int and isinstance(value, bool)) or not isinstance(value, known[name]):
            raise BadInput(f"{name} is of another kind: {known[name].__name__}.", field=f"{field}.{name}")
        words = value if isinstance(value, list) else ()
        if not all(isinstance(word, str) and 0 < len(word) <= _LONGEST_WORD for word in words):
            raise BadInput(f"{name} is a list of words.", field=f"{field}.{name}")

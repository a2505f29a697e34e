"""Disclaimers: words that a company wants added to answers on certain subjects, once a conversation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kefu.brain.handoff import CERTAIN
from kefu.brain.understand import Understanding, mentioned
from kefu.contracts.turn import Disclaimer, Policy

# Where a conversation remembers what it was told; flows' own attributes begin with a letter.
_REMEMBERED = "_disclaimers"


@dataclass(frozen=True)
class Added:
    """A disclaimer in the customer's language."""

    key: str
    text: str


def due(policy: Policy, meaning: Understanding, remembered: Mapping[str, Any]) -> tuple[Added, ...]:
    """The disclaimers that belong to this answer and were not given before."""
    before = remembered.get(_REMEMBERED)
    known = before if isinstance(before, list) else []
    found = [each for each in policy.disclaimers if each.key not in known and _belongs(each, meaning)]
    added = (Added(each.key, _text(each, meaning.language, policy)) for each in found)
    return tuple(each for each in added if each.text)


def said(remembered: Mapping[str, Any], added: Sequence[Added]) -> dict[str, Any]:
    """What the conversation is to remember of it."""
    before = remembered.get(_REMEMBERED)
    return {_REMEMBERED: [*(before if isinstance(before, list) else []), *(each.key for each in added)]}


def _belongs(disclaimer: Disclaimer, meaning: Understanding) -> bool:
    if not disclaimer.topics and not disclaimer.intents:
        return True
    intent = meaning.intent
    is_meant = intent is not None and not intent.out_of_scope and intent.confidence >= CERTAIN
    if is_meant and intent is not None and intent.label in disclaimer.intents:
        return True
    return mentioned(disclaimer.topics, meaning.text or meaning.question, meaning.language) is not None


def _text(disclaimer: Disclaimer, language: str, policy: Policy) -> str:
    for code in (language, language.partition("-")[0], policy.default_language, "en"):
        if disclaimer.texts.get(code):
            return disclaimer.texts[code]
    return next(iter(disclaimer.texts.values()), "")

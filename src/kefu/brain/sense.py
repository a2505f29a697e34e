"""Sense: what models tell of a question beyond its words: the customer's intent, and how they feel.

They run after the search, on the text that was searched, whose vector is known by then; a question with an exact
answer needs none. Rules stand in front of them and do not wait for them.
"""

import asyncio
import math
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from kefu.brain.tools import Tools
from kefu.brain.understand import Intent, Understanding
from kefu.contracts.engine import Classified, Classifier, Scorer
from kefu.contracts.index import Evidence
from kefu.kit.log import Log

log = Log(__name__)

T = TypeVar("T")

# Labels that are kept for the trace.
TOP = 3
# A model that takes longer is not waited for: an answer by rules now is better than a better one later.
SECONDS = 2.0
# Below it a customer is upset. Of the demo's questions and of questions to others fewer than
# one in 100 is called so; of messages of angry customers half (English) or a third are found (benchmarks/moods.py).
UPSET: Mapping[str, float] = {"en": -0.5}
_UPSET_ELSEWHERE = -0.75


@dataclass(frozen=True)
class Sensed:
    """What was added to a meaning; `failed` names the models that did not answer, with the reason."""

    meaning: Understanding
    failed: Mapping[str, str]


def is_needed(meaning: Understanding, evidence: Evidence, tools: Tools) -> bool:
    """Whether a model could change what is decided."""
    has_models = tools.intents is not None or _scorer(meaning.language, tools) is not None
    return has_models and evidence.exact is None and bool(meaning.question) and meaning.small_talk is None


async def sense(meaning: Understanding, evidence: Evidence, tools: Tools) -> Sensed:
    """A meaning with intent and mood. A model that fails, or is too slow, leaves its part out."""
    scorer = _scorer(meaning.language, tools)
    # The form that search found its hits with; the mood is in the customer's own words.
    asked = evidence.question or meaning.question
    intent, score = await asyncio.gather(
        _told("intent", _classified(tools.intents, asked)), _told("mood", _scored(scorer, meaning.question))
    )
    failed = {name: found.failed for name, found in (("intent", intent), ("mood", score)) if found.failed}
    number = score.value
    upset = number is not None and number < UPSET.get(meaning.language, _UPSET_ELSEWHERE)
    return Sensed(replace(meaning, intent=intent.value, mood_score=number, is_upset=upset), failed)


def intent_of(told: Classified) -> Intent:
    """What a model said, as the brain keeps it."""
    scope = None if math.isnan(told.scope) else told.scope
    return Intent(told.label, told.confidence, scope, told.out_of_scope, tuple(told.scores.items())[:TOP])


@dataclass(frozen=True)
class _Told:
    value: Any = None
    failed: str = ""


async def _told(name: str, asked: Awaitable[T]) -> _Told:
    try:
        async with asyncio.timeout(SECONDS):
            return _Told(await asked)
    except Exception as error:  # whatever breaks in a model, the rules go on
        log.warning("model_failed", model=name, reason=type(error).__name__)
        return _Told(failed=type(error).__name__)


async def _classified(intents: Classifier | None, text: str) -> Intent | None:
    if intents is None:
        return None
    (told,) = await intents.classify([text])
    return intent_of(told)


async def _scored(scorer: Scorer | None, text: str) -> float | None:
    if scorer is None:
        return None
    numbers: Sequence[float] = [float(number) for number in await scorer.score([text])]
    return None if math.isnan(numbers[0]) else numbers[0]


def _scorer(language: str, tools: Tools) -> Scorer | None:
    return tools.mood.get(language) or tools.mood.get("*")

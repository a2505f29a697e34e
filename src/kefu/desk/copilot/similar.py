"""Resolved conversations that began with much the same question, and how they were answered."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from kefu.brain.smalltalk import sort
from kefu.desk.actor import Actor, Role
from kefu.desk.copilot.said import exchanges, spoken
from kefu.desk.inbox.queries import FirstQuestion, first_questions, get
from kefu.desk.insights.grouping import near, unit
from kefu.desk.wiring import wiring
from kefu.knowledge.language import detect
from kefu.knowledge.words import tokenise

# Resolved conversations that are looked through, the newest: policies and prices of older ones no longer hold.
_NEWEST = 1_000
# Of them, those that share most words are compared by meaning: embedding takes milliseconds for each.
_COMPARED = 12
_MOST = 5
_FEWEST_WORDS = 2


@dataclass(frozen=True)
class Similar:
    """A resolved conversation: what was asked first and what was answered last to that."""

    id: str
    question: str
    answer: str
    by: str
    resolved_at: datetime | None
    score: float


def similar(actor: Actor, conversation_id: str) -> list[Similar]:
    """The nearest first, at most five. Raises NotFound, NotAllowed."""
    actor.require_role(Role.VIEWER)
    get(actor, conversation_id)
    mine = exchanges(spoken(actor, conversation_id))
    if not mine:
        return []
    # What they want now, unless that is only "thanks" or "hello?".
    asked = next((each.question for each in reversed(mine) if _says_enough(each.question)), mine[-1].question)
    first = first_questions(actor, limit=_NEWEST, says_something=lambda text: bool(sort(text).question))
    others = [each for each in first if each.conversation_id != conversation_id]
    nearest = _by_words(asked, [each.text for each in others])
    scored = _by_meaning(actor.workspace_id, asked, [others[place].text for place in nearest])
    ranked = sorted(zip(nearest, scored, strict=True), key=lambda one: -one[1][0])
    found = [(others[place], round(score, 4)) for place, (score, is_near) in ranked if is_near][:_MOST]
    return [shown for each, score in found if (shown := _shown(actor, each, score))]


def _says_enough(question: str) -> bool:
    return len(frozenset(tokenise(question, detect(question)))) >= _FEWEST_WORDS


def _by_words(asked: str, texts: Sequence[str]) -> list[int]:
    """Places of the texts that share words with a question, best first; a rare word counts for more."""
    language = detect(asked)
    wanted = frozenset(tokenise(asked, language))
    terms = [frozenset(tokenise(text, language)) & wanted for text in texts]
    frequency = Counter(term for each in terms for term in each)
    weights = [sum(math.log(1 + len(texts) / frequency[term]) for term in each) for each in terms]
    ranked = sorted((place for place, each in enumerate(terms) if each), key=lambda place: -weights[place])
    return ranked[:_COMPARED]


def _by_meaning(workspace_id: str, asked: str, texts: Sequence[str]) -> list[tuple[float, bool]]:
    """The cosine of each text with the question, and whether it means the same."""
    if not texts:
        return []
    language = detect(asked)
    (key, mine), *others = wiring().embed_questions(workspace_id, [(text, language) for text in (asked, *texts)])
    least = near(key)
    cosines = [float(unit(mine.astype(np.float32)) @ unit(other.astype(np.float32))) for _, other in others]
    return [(cosine, cosine >= least) for cosine in cosines]


def _shown(actor: Actor, first: FirstQuestion, score: float) -> Similar | None:
    found = exchanges(spoken(actor, first.conversation_id))
    if not found:  # so long ago that no question is among the messages that are read
        return None
    # What a person said weighs more than what the assistant did before they came.
    answered = next((each for each in reversed(found) if each.decision == "member"), found[0])
    return Similar(
        first.conversation_id, found[0].question, answered.answer, answered.decision, first.resolved_at, score
    )

"""Which flow a message starts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from kefu.brain.slots.patterns import matches, may_match
from kefu.brain.slots.readings import LONGEST
from kefu.contracts.flow import Flow
from kefu.contracts.flow_state import Understood
from kefu.kit.errors import BadInput
from kefu.knowledge.words import fold, tokenise

# An intent below this is as likely another's.
_LIKELY = 0.5
# A company's own pattern or words say more than a model that is not certain, and less than one that is.
_BY_PATTERN, _BY_WORDS = 0.95, 0.9
_NO_WORD = re.compile(r"[^\w]+")
_HAN = re.compile(r"[\u3400-\u9fff]")
# Inflected words count for a phrase of at least two: "book" alone is in "the book that I ordered".
_FEWEST_TERMS = 2
# Words that may stand in a phrase or not: "book a table", "book our tables", but not "the book on the table".
_SMALL = frozenset("a an the my our your this that some any".split())


@dataclass(frozen=True)
class Starting:
    """A flow that a message starts, and why; `score` from 0 to 1."""

    flow: Flow
    why: Literal["intent", "keyword", "pattern"]
    score: float


def which_starts(flows: Sequence[Flow], heard: Understood) -> Starting | None:
    """The flow that a message most likely starts: by intent, by the company's words, by its patterns.

    Of several the surest, then the one whose words are longest, then the first.
    """
    text = heard.text[:LONGEST].strip()
    folded = f" {_spaced(text)} "
    terms = _terms(folded, heard.language)
    best: tuple[float, int, Starting] | None = None
    by_pattern = may_match(tuple(pattern for flow in flows for pattern in flow.when.patterns), text)
    for flow in flows:
        for starting, length in _ways(flow, heard, text, folded, terms, by_pattern=by_pattern):
            if best is None or (starting.score, length) > best[:2]:
                best = (starting.score, length, starting)
    return best[2] if best is not None else None


def _ways(
    flow: Flow, heard: Understood, text: str, folded: str, terms: list[str], *, by_pattern: bool
) -> list[tuple[Starting, int]]:
    """The ways in which a message starts a flow, each with the length of what it matched."""
    ways: list[tuple[Starting, int]] = []
    if heard.intent in flow.when.intents and heard.intent_confidence >= _LIKELY:
        ways.append((Starting(flow, "intent", heard.intent_confidence), 0))
    if not text:
        return ways
    for words in flow.when.keywords.values():
        named = [word for word in words if _holds(word, folded, terms, heard.language)]
        if named:
            ways.append((Starting(flow, "keyword", _BY_WORDS), max(map(len, named))))
    if by_pattern and any(_matches(pattern, text) for pattern in flow.when.patterns):
        ways.append((Starting(flow, "pattern", _BY_PATTERN), 0))
    return ways


def _matches(pattern: str, text: str) -> bool:
    try:
        return matches(pattern, text)
    except BadInput:  # a flow that was never checked
        return False


def _holds(phrase: str, folded: str, terms: list[str], language: str) -> bool:
    """Whether a text holds a phrase: in Han as it stands, in other scripts word by word, inflected or not."""
    wanted = _spaced(phrase)
    if not wanted:
        return False
    if _HAN.search(wanted):
        return wanted in folded
    if f" {wanted} " in folded:
        return True
    parts = _terms(wanted, language)
    width = len(parts)
    return width >= _FEWEST_TERMS and any(terms[at : at + width] == parts for at in range(len(terms) - width + 1))


def _terms(folded: str, language: str) -> list[str]:
    """The stems of a text's words, and its words of grammar as they stand, small ones left out."""
    words = [word for word in folded.split() if word not in _SMALL]
    return [stem for word in words for stem in (_stems(word, language) or (word,))]


@lru_cache(maxsize=50_000)
def _stems(word: str, language: str) -> tuple[str, ...]:
    return tuple(tokenise(word, language))


def _spaced(text: str) -> str:
    """Folded words with one blank between them."""
    return _NO_WORD.sub(" ", fold(text)).strip()

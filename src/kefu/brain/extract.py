"""Extract: the sentences of a passage that answer a question, word for word and in order."""

import itertools
import math
from collections import Counter
from dataclasses import dataclass

from kefu.brain import cues
from kefu.brain.passage_units import HAN, Part, Unit, units
from kefu.knowledge.words import tokenise

# As much as is read at a glance in a chat bubble, in Latin letters.
MOST_CHARACTERS = 400
MOST_SENTENCES = 4

# The weights below were chosen on the questions of the demo FAQ against the articles, Doc2Dial and CMRC2018; see
# benchmarks/extraction.py.
# What a unit is worth for words that only its heading or lead-in holds.
_INHERITED = 0.5
# And for words of the sentence before, whose subject it carries on.
_FROM_BEFORE = 0.25
# Sections say the main thing first.
_EARLY = 0.3
# Units of other sections join the best one when they score at least this share of it.
_JOINS = 0.6


@dataclass(frozen=True)
class Extract:
    """Sentences of a passage: their text, and their (start, end) offsets in the passage."""

    text: str
    spans: tuple[tuple[int, int], ...]
    score: float


def extract(question: str, text: str, language: str) -> Extract | None:
    """The best sentences of a passage for a question; None where no sentence may be shown.

    Whole sentences as they stand, at most four and 400 characters; items with the line that introduces them, rows with
    the head of their table; never a heading or a question, never a sentence that instructs an assistant.
    """
    cut = units(text, language)
    quotable = [at for at, unit in enumerate(cut) if unit.quotable]
    if not quotable:
        return None
    scores = _scores(question, cut, language)
    best = max(quotable, key=lambda at: (scores[at], -at))
    chosen = _choose(cut, scores, best, quotable)
    return Extract(_join(text, cut, chosen), tuple((cut[at].start, cut[at].end) for at in chosen), scores[best])


def _scores(question: str, cut: tuple[Unit, ...], language: str) -> list[float]:
    terms = frozenset(tokenise(question, language))
    frequency = Counter(term for unit in cut for term in unit.terms & terms)
    rarity = {term: math.log(1 + len(cut) / count) for term, count in frequency.items()}
    mass = sum(rarity.values()) or 1.0
    own = [sum(rarity[term] for term in unit.terms & terms) / mass for unit in cut]
    asked = cues.asked(question)
    scores = []
    for at, unit in enumerate(cut):
        score = own[at] + asked.gain(unit.cues) + _EARLY / (1 + unit.order)
        score += _INHERITED * sum(rarity[term] for term in unit.inherited & terms) / mass
        if unit.order and unit.part is Part.SENTENCE:
            score += _FROM_BEFORE * own[at - 1]
        scores.append(score)
    return scores


def _choose(cut: tuple[Unit, ...], scores: list[float], best: int, quotable: list[int]) -> list[int]:
    """The best unit, then the rest of its section, then what scores nearly as well elsewhere, as far as it fits."""
    ranked = sorted(quotable, key=lambda at: (-scores[at], at))
    section = [at for at in ranked if cut[at].section == cut[best].section]
    elsewhere = [at for at in ranked if cut[at].section != cut[best].section and scores[at] >= _JOINS * scores[best]]
    chosen = _with_lead(cut, {best})
    for at in (*section, *elsewhere):
        wider = _with_lead(cut, chosen | {at})
        if _fits(cut, wider):
            chosen = wider
    return sorted(_without_empty_leads(cut, chosen, best))


def _with_lead(cut: tuple[Unit, ...], chosen: set[int]) -> set[int]:
    leads = {cut[at].lead for at in chosen if cut[at].lead >= 0}
    return chosen | {at for at in leads if cut[at].quotable}


def _without_empty_leads(cut: tuple[Unit, ...], chosen: set[int], best: int) -> set[int]:
    """A line that introduces a list of which nothing was chosen says nothing."""
    leads = {cut[at].lead for at in chosen}
    return {at for at in chosen if cut[at].part is not Part.LEAD_IN or at in leads or at == best}


def _fits(cut: tuple[Unit, ...], chosen: set[int]) -> bool:
    sentences = sum(1 for at in chosen if cut[at].part is Part.SENTENCE)
    return sentences <= MOST_SENTENCES and sum(cut[at].weight for at in chosen) <= MOST_CHARACTERS


def _join(text: str, cut: tuple[Unit, ...], chosen: list[int]) -> str:
    """The chosen units as they stand; what lies between two that are not neighbours is left out."""
    pieces = [cut[chosen[0]].text]
    for before, at in itertools.pairwise(chosen):
        gap = text[cut[before].end : cut[at].start]
        if at != before + 1:
            gap = "\n" if "\n" in gap else ("" if HAN.search(cut[at].text) else " ")
        pieces += [gap, cut[at].text]
    return "".join(pieces)

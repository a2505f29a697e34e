"""Which passages an answer quotes: the best one, and a second that search could hardly tell from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from kefu.brain import cues
from kefu.brain.check import Sources
from kefu.brain.extract import MOST_CHARACTERS, Extract, extract
from kefu.brain.facts import find
from kefu.brain.passage_units import units, weight
from kefu.contracts.index import Evidence, Hit
from kefu.knowledge.sentences import sentences

# Scores of different encoders spread differently, so distances are shares of the range from the first hit to the last.
# Chosen on the demo FAQ's questions asked of the articles alone: quoting a near second raised the answers that hold a
# figure of the FAQ's own from 64 to 69% in English and from 58 to 68% in Chinese, in a fifth and a third of answers.
# A passage with the kind of fact that is asked for is preferred to one that scores this much better.
_FACT_BONUS = 0.3
# A second passage is quoted when it comes as near: sooner from the same document, whose parts complete each other.
_NEAR_SAME, _NEAR_OTHER = 0.5, 0.3
# A first quotation as long as this is an answer of its own.
_ENOUGH = 250
# From this share of certainty on that the first hit is the best of those found, an approved answer stands alone. Of
# the English questions written for this (tests/demo/dev_questions.jsonl) 0.97 are answered by the first hit above it,
# and below it 0.61 by the first and 0.80 by the first two; of the Chinese all above it, below it 0.67 and 0.88.
_ALONE = 0.5
# The second is looked for among so many.
_NEXT = 3
# A second answer repeats the first when the first holds its figures and names and, sentence by sentence, this share of
# its words. At the check's own 0.6 one of the 81 pairs of dev_questions.jsonl lost an answer of its own ("within 3
# working days" of another step); at 0.8 only one goes that repeats.
_REPEATED = 0.8


@dataclass(frozen=True)
class Quotation:
    """Sentences quoted from a hit; `source` is its text, or a FAQ entry's answer."""

    hit: Hit
    source: str
    extract: Extract


def quote(question: str, hits: Sequence[Hit]) -> tuple[Quotation, ...]:
    """One or two quotations that answer a question, the better first; none where nothing may be quoted."""
    ranked = _ranked(question, hits)
    first = next((one for one in (_quotation(question, hit) for hit, _ in ranked[:2]) if one is not None), None)
    if first is None:
        return ()
    score = next(score for hit, score in ranked if hit is first.hit)
    length = weight(first.extract.text)
    if length >= _ENOUGH:
        return (first,)
    for hit, other in ranked:
        same = hit.passage.document_id == first.hit.passage.document_id
        if hit is first.hit or score - other > (_NEAR_SAME if same else _NEAR_OTHER):
            continue
        second = _quotation(question, hit)
        if second is not None and length + weight(second.extract.text) <= MOST_CHARACTERS:
            return first, second
        return (first,)
    return (first,)


def approved(evidence: Evidence) -> tuple[Hit, ...]:
    """The FAQ entry found first, and where search can hardly tell which one is meant, the next one that says else."""
    first = evidence.hits[0]
    if evidence.features.get("share", 1.0) >= _ALONE:
        return (first,)
    for hit in evidence.hits[1:_NEXT]:
        answer, known = hit.passage.answer, first.passage.answer
        if answer and known and answer != known and weight(answer) + weight(known) <= MOST_CHARACTERS:
            return (first,) if repeats(hit, first) else (first, hit)
    return (first,)


def repeats(second: Hit, first: Hit) -> bool:
    """Whether a FAQ entry's answer says nothing that the first entry's question and answer do not.

    Without a figure, words alone cannot tell: "Yes, with your code" may answer something else.
    """
    said, passage = first.passage, second.passage
    held = Sources([*said.questions, said.answer or ""], language=passage.language)
    text = passage.answer or ""
    return (
        bool(find(text))
        and not held.unsupported(text)
        and all(
            held.support(text[start:end]) >= _REPEATED and not held.contradicts(text[start:end])
            for start, end in sentences(text)
        )
    )


def _ranked(question: str, hits: Sequence[Hit]) -> list[tuple[Hit, float]]:
    lowest = hits[-1].score
    spread = hits[0].score - lowest
    asked = cues.asked(question).facts
    scored = []
    for hit in hits:
        offers = any(asked & unit.cues.facts for unit in units(_source(hit), hit.passage.language)) if asked else False
        scored.append((hit, ((hit.score - lowest) / spread if spread > 0 else 0.0) + _FACT_BONUS * offers))
    # Hits of one score stay in search's order: the sort is stable.
    return sorted(scored, key=lambda one: -one[1])


def _quotation(question: str, hit: Hit) -> Quotation | None:
    source = _source(hit)
    found = extract(question, source, hit.passage.language)
    return None if found is None else Quotation(hit, source, found)


def _source(hit: Hit) -> str:
    return hit.passage.answer or hit.passage.text

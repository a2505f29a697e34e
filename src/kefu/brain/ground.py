"""Ground: passages found for a question, and those that an answer cites."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from kefu.brain.injection import instructs_an_assistant
from kefu.brain.understand import Understanding
from kefu.contracts.index import Evidence, Hit, IndexedPassage, KnowledgeIndex
from kefu.contracts.turn import Citation
from kefu.knowledge.sentences import sentences
from kefu.knowledge.words import fold, tokenise

PASSAGES = 5
# A citation's longest text, as the public API promises.
_LONGEST = 800
# Two short passages answer better, and start sooner, than a page; a third where it scores nearly as well.
_MOST_CITED = 3
_NEARLY = 0.8
# On Doc2Dial's 337 follow-ups these two find the right passage first for 31%, the surer of both forms for 26%, the
# question as asked for 22%.
_SURE, _OWN_WORDS = 0.6, 2


async def find(meaning: Understanding, index: KnowledgeIndex, last_answer: str = "") -> Evidence:
    """Search the question as asked and, for a follow-up, with its subject; the better of the two.

    Raises what the index raises: Unavailable, Busy.
    """
    asked = index.search(meaning.question, meaning.language, PASSAGES)
    if meaning.standalone is None:
        return await asked
    alone, whole = await asyncio.gather(asked, index.search(meaning.standalone, meaning.language, PASSAGES))
    words = len(frozenset(tokenise(meaning.question, meaning.language)))
    return better(alone, _without_repeats(whole, meaning, last_answer), words)


def better(alone: Evidence, whole: Evidence, words: int) -> Evidence:
    """Of a follow-up's two forms the one that knowledge answers more surely.

    As asked it wins if it is exact, or sure with at least two content `words` of its own.
    """
    if alone.exact is not None or (alone.confidence >= _SURE and words >= _OWN_WORDS):
        return alone
    if whole.exact is not None or not alone.hits:
        return whole
    return whole if whole.hits and whole.confidence >= alone.confidence else alone


def cite(hit: Hit, spans: Sequence[tuple[int, int]] = ()) -> Citation:
    """Where an answer stands; of a long passage the part that holds `spans` (offsets in the passage)."""
    passage = hit.passage
    start, end = _window(passage.text, spans)
    return Citation(
        passage_id=passage.id,
        document=passage.document,
        # A sheet's title says nothing to a customer; its entry's question does.
        title=passage.questions[0] if passage.questions else passage.title,
        text=passage.text[start:end],
        start=passage.start + start,
        end=passage.start + end,
        url=passage.url,
        score=round(hit.score, 4),
    )


def cited(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The hits that a generated answer is made from."""
    return tuple(hit for at, hit in enumerate(hits[:_MOST_CITED]) if at < 2 or hit.score >= _NEARLY * hits[0].score)


def clean_text(passage: IndexedPassage) -> str:
    """A passage's text without sentences that instruct an assistant; a FAQ entry's is its question and answer."""
    text = f"{passage.questions[0]}\n{passage.answer}" if passage.answer and passage.questions else passage.text
    if not instructs_an_assistant(text):
        return text
    pieces = (text[start:end] for start, end in sentences(text))
    return "\n".join(piece for piece in pieces if not instructs_an_assistant(piece))


def _window(text: str, spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    if len(text) <= _LONGEST:
        return 0, len(text)
    start = min((start for start, _ in spans), default=0)
    end = max((end for _, end in spans), default=0)
    start = max(0, min(start, len(text) - _LONGEST))
    return start, max(min(len(text), start + _LONGEST), min(end, start + _LONGEST))


def _without_repeats(evidence: Evidence, meaning: Understanding, last_answer: str) -> Evidence:
    """Leave out the passage that was just given as an answer, if it says nothing of what is newly asked.

    A follow-up searched with its subject finds its subject's passage again; that does not answer "what is it made of".
    """
    new = frozenset(tokenise(meaning.question, meaning.language))
    if not last_answer or not new or not evidence.hits:
        return evidence
    top = evidence.hits[0]
    if not _was_said(top.passage, last_answer) or new & frozenset(tokenise(_says(top.passage), meaning.language)):
        return evidence
    rest = evidence.hits[1:]
    # The confidence was the first hit's; the next is as much less likely as it scores less, and no surer than a guess.
    left = evidence.confidence * (rest[0].score / top.score) * 0.5 if rest and top.score else 0.0
    return replace(evidence, hits=rest, confidence=left, exact=None)


def _says(passage: IndexedPassage) -> str:
    return " ".join((passage.title, *passage.heading_path, passage.text, *passage.questions, passage.answer or ""))


def _was_said(passage: IndexedPassage, last_answer: str) -> bool:
    said = fold(last_answer)[:80]
    return said in fold(passage.answer or "") or said in fold(passage.text)

"""A passage cut into what can be quoted: sentences, list items and table rows, with the headings they stand under."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from kefu.brain import cues
from kefu.brain.cues import Cues
from kefu.brain.injection import instructs_an_assistant
from kefu.knowledge.sentences import sentences
from kefu.knowledge.words import tokenise

# A Chinese character says as much as 1.85 Latin letters.
_CJK_WEIGHT = 1.85
HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_ITEM = re.compile(
    r"\s*(?:[-*•·▪◦‣–—]\s|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)、]\s?|[①-⑳]|[（(][一二三四五六七八九十\d]{1,2}[)）]|"
    r"[一二三四五六七八九十]{1,2}、)",
    re.IGNORECASE,
)
_ROW = re.compile(r"\S \| \S")
_SENTENCE_END = re.compile(r"[.!。！…;；,，][\"'”’)）」』]*$")
_QUESTION_END = re.compile(r"[?？][\"'”’)）」』]*$")
# A heading is a short line of its own without a full stop, or a question; longer lines are sentences.
_LONGEST_HEADING = 90


class Part(StrEnum):
    """What a piece of a passage is."""

    SENTENCE = "sentence"
    QUESTION = "question"
    HEADING = "heading"
    LEAD_IN = "lead_in"
    ITEM = "item"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a passage: `text` is the passage's text from `start` to `end`.

    `section` is the place among the units of the heading that it stands under, `lead` that of an item's lead-in or a
    row's table head; -1 for none. `inherited` are the words of both that it does not have itself. `order` counts from
    0 within the section. `weight` is the length in Latin letters. `poisoned` text instructs an assistant.
    """

    start: int
    end: int
    text: str
    part: Part
    terms: frozenset[str]
    cues: Cues
    section: int
    lead: int
    inherited: frozenset[str]
    order: int
    weight: float
    poisoned: bool

    @property
    def quotable(self) -> bool:
        """Whether it may stand in an answer: a heading or a question answers nothing."""
        return not self.poisoned and self.part not in (Part.HEADING, Part.QUESTION)


# Passages in use at a time; one takes about ten kilobytes here.
@lru_cache(maxsize=2048)
def units(text: str, language: str) -> tuple[Unit, ...]:
    """A passage cut into its units, in order; all text that is not blank belongs to exactly one."""
    spans = sentences(text)
    parts = [_part(text, spans, place) for place in range(len(spans))]
    terms = [frozenset(tokenise(text[start:end], language)) for start, end in spans]
    made: list[Unit] = []
    section = -1
    order = 0
    for place, (start, end) in enumerate(spans):
        if parts[place] is Part.HEADING:
            # Headings one after the other are a title and its first part: one section.
            section = section if place and parts[place - 1] is Part.HEADING else place
            order = 0
        lead = _lead(text, spans, parts, place)
        above = frozenset[str]().union(*(terms[at] for at in _above(parts, section, lead) if at != place))
        made.append(
            Unit(
                start=start,
                end=end,
                text=text[start:end],
                part=parts[place],
                terms=terms[place],
                cues=cues.offered(text[start:end]),
                section=section,
                lead=lead,
                inherited=above - terms[place],
                order=order,
                weight=weight(text[start:end]),
                poisoned=instructs_an_assistant(text[start:end]),
            )
        )
        order += parts[place] is not Part.HEADING
    return tuple(made)


def weight(text: str) -> float:
    """A text's length in Latin letters, a Chinese character counted for what it says."""
    return len(text) + (_CJK_WEIGHT - 1) * len(HAN.findall(text))


def _part(text: str, spans: list[tuple[int, int]], place: int) -> Part:
    start, end = spans[place]
    piece = text[start:end]
    if _ROW.search(piece):
        return Part.ROW
    if _ITEM.match(piece):
        return Part.ITEM
    if piece.endswith((":", "：")):
        return Part.LEAD_IN
    alone = text[:start].rpartition("\n")[2].strip() == "" and text[end:].partition("\n")[0].strip() == ""
    short = len(piece) <= _LONGEST_HEADING and place + 1 < len(spans)
    if alone and short and not _SENTENCE_END.search(piece):
        return Part.HEADING
    return Part.QUESTION if _QUESTION_END.search(piece) else Part.SENTENCE


def _lead(text: str, spans: list[tuple[int, int]], parts: list[Part], place: int) -> int:
    """The lead-in just before an item's list, the first row of a row's table, else -1."""
    kind = parts[place]
    if kind not in (Part.ITEM, Part.ROW):
        return -1
    at = place
    while at and (parts[at - 1] is kind or (kind is Part.ITEM and _goes_on(text, spans, parts, at))):
        at -= 1
    if kind is Part.ROW:
        return at if at < place else -1
    return at - 1 if at and parts[at - 1] is Part.LEAD_IN else -1


def _goes_on(text: str, spans: list[tuple[int, int]], parts: list[Part], at: int) -> bool:
    """Whether the sentence before `at` carries on an item: on its line, or on one without a blank line between."""
    return (
        at >= 2
        and parts[at - 1] is Part.SENTENCE
        and parts[at - 2] in (Part.ITEM, Part.SENTENCE)
        and "\n" not in text[spans[at - 2][1] : spans[at - 1][0]]
    )


def _above(parts: list[Part], section: int, lead: int) -> list[int]:
    """The places of the headings of a section and of a lead."""
    places = [] if lead < 0 else [lead]
    while 0 <= section < len(parts) and parts[section] is Part.HEADING:
        places.append(section)
        section += 1
    return places

"""Which slots a message fills: the one asked for first, then whatever else the customer volunteers."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kefu.brain.slots.found import Found
from kefu.brain.slots.readings import Heard, fitting, readings, subjects
from kefu.contracts.flow import Json, Slot, SlotType
from kefu.contracts.flow_state import Candidate
from kefu.knowledge.words import fold

# Types that are plain to see are read first, so that what is left over may be a number.
_PLAIN_TO_SEE = (
    SlotType.PHONE, SlotType.EMAIL, SlotType.ADDRESS, SlotType.NAME, SlotType.PATTERN, SlotType.MONEY, SlotType.DATE,
    SlotType.TIME, SlotType.CHOICE, SlotType.NUMBER,
)  # fmt: skip
# A tagger's span below this is as likely wrong as right.
_LIKELY = 0.5
# How far a word may stand from the value that it belongs to: "party of 4", "people: about 4", "人数大概是4".
_NEAR_BEFORE, _NEAR_AFTER = 16, 10
# Words of so many letters are in too many others.
_SHORT_WORD = 3
# Shorter codes and bare numbers are volunteered only beside a word that says what they are.
_SHORTEST_CODE, _SHORTEST_DIGITS = 4, 6
_NUMBER = re.compile(r"\d+|[一二两三四五六七八九十]+|\b(?:one|two|three|four|five|six|seven|eight|nine|ten)\b")


@dataclass(frozen=True)
class Filled:
    """A slot's new value, and the customer's own words for it."""

    value: Json
    text: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True)
class Gathered:
    """What a message fills; `refused` are values that were understood but are not allowed, with the reason."""

    filled: Mapping[str, Filled] = field(default_factory=dict)
    refused: Mapping[str, tuple[Json, str]] = field(default_factory=dict)


class _Reading:
    """One message being read: what is filled and which characters are used up."""

    def __init__(self, heard: Heard, slots: Sequence[Slot]) -> None:
        self.heard = heard
        self.slots = slots
        self.filled: dict[str, Filled] = {}
        self.refused: dict[str, tuple[Json, str]] = {}
        self.used: list[Found] = []

    def take(self, slot: Slot, found: Found) -> None:
        value, why = fitting(slot, found, self.heard.today)
        if slot.type is not SlotType.TEXT:  # a story may hold a name or a day, too
            self.used.append(found)
        if why is None:
            self.filled[slot.name] = Filled(value, self.heard.text[found.start : found.end], found.start, found.end)
        else:
            self.refused[slot.name] = (value, why)

    def free(self, found: Iterable[Found]) -> list[Found]:
        return [each for each in found if not any(each.overlaps(other) for other in self.used)]

    def is_done(self, slot: Slot) -> bool:
        return slot.name in self.filled or slot.name in self.refused


def gather(
    slots: Sequence[Slot],
    heard: Heard,
    *,
    asked: Slot | None = None,
    candidates: Sequence[Candidate] = (),
    present: Mapping[str, Json] | None = None,
    volunteered: Collection[str] | None = None,
) -> Gathered:
    """Read a message for the slot that was asked for and for those it may volunteer (all of `slots`, if None).

    `candidates` are a trained tagger's spans, believed before the rules for slots that the rules read less well.
    """
    reading = _Reading(heard, slots)
    _by_tagger(reading, candidates, asked, present or {})
    if asked is not None and not reading.is_done(asked):
        _asked(reading, asked, (present or {}).get(asked.name))
    others = [slot for slot in slots if slot.volunteer and not reading.is_done(slot) and slot is not asked]
    if volunteered is not None:
        others = [slot for slot in others if slot.name in volunteered]
    # What the answer to a question for free text holds is that text.
    if asked is None or asked.type is not SlotType.TEXT:
        for kind in _PLAIN_TO_SEE:
            _volunteered(reading, [slot for slot in others if slot.type is kind])
    return Gathered(reading.filled, reading.refused)


def _by_tagger(
    reading: _Reading, candidates: Sequence[Candidate], asked: Slot | None, present: Mapping[str, Json]
) -> None:
    by_name = {slot.name: slot for slot in reading.slots}
    is_text = asked is not None and asked.type is SlotType.TEXT
    answers = _whole_answers(reading, asked, candidates)
    for candidate in sorted(candidates, key=lambda each: -each.score):
        slot = by_name.get(candidate.slot)
        if slot is None or candidate.score < _LIKELY or not candidate.text or reading.is_done(slot):
            continue
        if slot is not asked and not slot.volunteer:
            continue
        # A message that is an answer and nothing else does not change what is known already.
        is_part = any(candidate.text in each if is_text else candidate.text == each for each in answers)
        if slot is not asked and is_part and present.get(slot.name) is not None:
            continue
        span = Heard(candidate.text, reading.heard.language, reading.heard.now)
        found = readings(slot, span, asked=True)
        moved = [
            Found(first.kind, first.value, at + first.start, at + first.end, first.also)
            for first in found[:1]
            for at in _occurrences(candidate.text, reading.heard.text)
        ]
        free = moved if slot.type is SlotType.TEXT else reading.free(moved)  # a story may hold a day, too
        if free:
            reading.take(slot, free[0])


def _whole_answers(reading: _Reading, asked: Slot | None, candidates: Sequence[Candidate]) -> set[str]:
    """The message itself, where the whole of it can be the answer to what was asked; of free text a tagger's spans."""
    if asked is None:
        return set()
    if asked.type is SlotType.TEXT:
        return {each.text for each in candidates if each.slot == asked.name and each.score >= _LIKELY}
    text = reading.heard.text
    whole = text.strip(" .,!?。，！？")
    found = readings(asked, reading.heard, asked=True)
    return {text[each.start : each.end] for each in found if text[each.start : each.end].strip() == whole}


def _occurrences(part: str, text: str) -> list[int]:
    """Where a part stands in a text, as a whole word before within one: the 1 of May 1, not of <NAME_1>."""
    places = [match.start() for match in re.finditer(re.escape(part), text)]
    whole = re.compile(rf"(?<!\w){re.escape(part)}(?!\w)")
    return sorted(places, key=lambda at: whole.match(text, at) is None)


def _asked(reading: _Reading, slot: Slot, before: Json) -> None:
    """The asked slot takes what stands by its own name, else the first that is allowed, else the first."""
    found = readings(slot, reading.heard, asked=True, before=before)
    if slot.type is not SlotType.TEXT:  # free text is the whole answer, whatever else was found in it
        found = reading.free(found)
    if not found:
        return
    rivals = [other for other in reading.slots if other.type is slot.type and other is not slot]
    text = fold_lengthwise(reading.heard.text)
    own = [each for each in found if _is_near(text, each, subjects(slot))]
    others = [each for each in found if not any(_is_near(text, each, subjects(rival)) for rival in rivals)]
    ranked = own or others or found
    today = reading.heard.today
    allowed = [each for each in ranked if fitting(slot, each, today)[1] is None]
    reading.take(slot, (allowed or ranked)[0])


def _volunteered(reading: _Reading, slots: Sequence[Slot]) -> None:
    """Give each value to the slot whose name stands beside it, else to the next slot in the order of the file."""
    text = fold_lengthwise(reading.heard.text)
    left = list(slots)
    for slot in slots:
        found = reading.free(readings(slot, reading.heard, asked=False))
        near = next((each for each in found if _is_near(text, each, subjects(slot))), None)
        if near is not None and slot.type is SlotType.PATTERN and _is_rather_a_number(reading, near, text, slot):
            continue
        if near is not None:
            reading.take(slot, near)
            left.remove(slot)
    for slot in left:
        found = reading.free(readings(slot, reading.heard, asked=False))
        found = [each for each in found if _may_be_volunteered(slot, each, text)]
        if found:
            reading.take(slot, found[0])


def _is_rather_a_number(reading: _Reading, found: Found, text: str, slot: Slot) -> bool:
    """Whether digits belong to what is counted right beside them: in "a room for 2 people" 2 is no room's number."""
    if not text[found.start : found.end].strip().isdigit():
        return False
    own = _distance(text, found, subjects(slot))
    counted = [each for each in reading.slots if each.type is SlotType.NUMBER and not reading.is_done(each)]
    return any(_distance(text, found, subjects(each)) < own for each in counted)


def _may_be_volunteered(slot: Slot, found: Found, text: str) -> bool:
    """Whether a value without the slot's name beside it can be nothing else."""
    written = text[found.start : found.end].strip()
    if slot.type is SlotType.NUMBER:
        return _stands_as_in_an_example(slot, found, text)
    if slot.type is SlotType.PATTERN:
        return len(written) >= (_SHORTEST_DIGITS if written.isdigit() else _SHORTEST_CODE)
    return True


def _stands_as_in_an_example(slot: Slot, found: Found, text: str) -> bool:
    """ "4 of us" stands as in the example "three of us"."""
    before, after = text[: found.start].rstrip(), text[found.end :].lstrip()
    for examples in slot.examples.values():
        for example in examples:
            folded = fold(example)
            number = _NUMBER.search(folded)
            if number is None:
                continue
            head, tail = folded[: number.start()].strip(), folded[number.end() :].strip()
            if (head or tail) and before.endswith(head) and after.startswith(tail):
                return True
    return False


def _is_near(text: str, found: Found, words: Iterable[str]) -> bool:
    before = text[max(0, found.start - _NEAR_BEFORE) : found.start]
    after = text[found.end : found.end + _NEAR_AFTER]
    return names_one(before, words) or names_one(after, words)


def _distance(text: str, found: Found, words: Iterable[str]) -> int:
    """How many characters a value stands from the nearest of the words; more than any that is near where none is."""
    before = text[max(0, found.start - _NEAR_BEFORE) : found.start]
    after = text[found.end : found.end + _NEAR_AFTER]
    folded = [fold(word) for word in words if word]
    gaps = [len(before) - at - len(word) for word in folded if (at := before.rfind(word)) >= 0]
    gaps += [at for word in folded if (at := after.find(word)) >= 0]
    return min(gaps, default=_NEAR_BEFORE + 1)


def names_one(folded: str, words: Iterable[str]) -> bool:
    """Whether a folded text holds one of the words that customers call something."""
    return any(_holds_word(folded, word) for word in map(fold, words) if word)


def _holds_word(window: str, word: str) -> bool:
    """Whether a word begins in a text ("arriv" in "arriving"); short ones stand whole ("to" is not in "today")."""
    at = window.find(word)
    while at >= 0:
        before, after = window[at - 1 : at] if at else "", window[at + len(word) : at + len(word) + 1]
        begins = not (word[0].isascii() and before.isascii() and before.isalnum())
        whole = len(word) > _SHORT_WORD or not (word[-1].isascii() and after.isascii() and after.isalnum())
        if begins and whole:
            return True
        at = window.find(word, at + 1)
    return False


def fold_lengthwise(text: str) -> str:
    """A text folded for comparison, or only in small letters where folding would move its characters."""
    folded = fold(text)
    if len(folded) == len(text):
        return folded
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text

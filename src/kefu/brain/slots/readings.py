"""What a customer's words may mean for one slot, and whether the slot allows it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from kefu.brain.slots import phrases
from kefu.brain.slots.choices import chosen
from kefu.brain.slots.contact_details import addresses, emails, names, phones
from kefu.brain.slots.dates import dates, elsewhere
from kefu.brain.slots.found import Found, apart
from kefu.brain.slots.numbers import amounts, numbers
from kefu.brain.slots.patterns import patterned
from kefu.brain.slots.times import times
from kefu.contracts.flow import Json, Slot, SlotType

# Longer texts are pasted; what they hold is found in their first part or asked for.
LONGEST = 2000
# Today, when a day was asked for: "anything free now?", "in two hours".
_SOON = re.compile(r"\bnow\b|\bin (?:\w+|half an) (?:hours?|minutes?)\b|现在|马上|小时后|分钟后", re.IGNORECASE)
_BOUND = re.compile(r"today(?:\s*([+-])\s*(\d{1,4}))?|(\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True)
class Heard:
    """A message as slots hear it."""

    text: str
    language: str
    now: datetime

    @property
    def today(self) -> date:
        return self.now.date()


def readings(slot: Slot, heard: Heard, *, asked: bool, before: Json = None) -> list[Found]:
    """Everything in a message that could fill a slot, in order; read more liberally when it was asked for.

    `before` is the slot's present value, which "the other one" is not.
    """
    if len(heard.text) > LONGEST:
        heard = Heard(heard.text[:LONGEST], heard.language, heard.now)
    return _READERS[slot.type](slot, heard, asked, before)


def refusal(slot: Slot, value: Json, today: date) -> str | None:
    """Why a slot does not allow a value: too_low, too_high, past, future, no_choice; None if it does."""
    if slot.type is SlotType.CHOICE and value not in [choice.value for choice in slot.choices]:
        return "no_choice"
    measure = value.get("amount") if isinstance(value, dict) else value
    if slot.type is SlotType.DATE and isinstance(measure, str):
        if slot.direction == "future" and measure < today.isoformat():
            return "past"
        if slot.direction == "past" and measure > today.isoformat():
            return "future"
    low, high = bound(slot.minimum, slot.type, today), bound(slot.maximum, slot.type, today)
    if low is not None and _is_below(measure, low):
        return "too_low"
    return "too_high" if high is not None and _is_below(high, measure) else None


def fitting(slot: Slot, found: Found, today: date) -> tuple[Json, str | None]:
    """The likeliest meaning that the slot allows, or the likeliest of all and why it is not allowed."""
    for value in (found.value, *found.also):
        if refusal(slot, value, today) is None:
            return value, None
    return found.value, refusal(slot, found.value, today)


def bound(written: str | float | None, kind: SlotType, today: date) -> str | float | None:
    """A bound as values are kept: `today+30` is a date. None where it is none."""
    if written is None or kind is not SlotType.DATE:
        return written
    match = _BOUND.fullmatch(str(written))
    if match is None:
        return None
    if match[3]:
        return match[3]
    days = int(match[2] or 0)
    return (today + timedelta(-days if match[1] == "-" else days)).isoformat()


def _is_below(one: Json, other: Json) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one < other
    both = isinstance(one, int | float) and isinstance(other, int | float)
    return both and one < other  # type: ignore[operator]  # mypy does not follow `both`


def _free_text(slot: Slot, heard: Heard, asked: bool, _: Json) -> list[Found]:
    return phrases.free_text(heard.text, subjects(slot)) if asked else []


def subjects(slot: Slot) -> tuple[str, ...]:
    """What customers call a slot: its hints in all languages, and the words of its name."""
    hints = [word for words in slot.hint.values() for word in words]
    return tuple(dict.fromkeys([*hints, slot.name.replace("_", " ")]))


def _name(_: Slot, heard: Heard, asked: bool, __: Json) -> list[Found]:
    return names(heard.text, asked=asked)


def _address(_: Slot, heard: Heard, asked: bool, __: Json) -> list[Found]:
    return addresses(heard.text, asked=asked)


def _number(_: Slot, heard: Heard, asked: bool, __: Json) -> list[Found]:
    """Numbers that are no part of a date, a time, an amount or a placeholder."""
    others = [
        *dates(heard.text, heard.today),
        *times(heard.text, heard.now),
        *amounts(heard.text),
        *(Found("placeholder", None, *match.span()) for match in re.finditer(r"<[A-Z]+_\d+>", heard.text)),
    ]
    found = numbers(heard.text, asked=asked)
    return [each for each in found if not any(each.overlaps(other) for other in others)]


def _money(slot: Slot, heard: Heard, asked: bool, _: Json) -> list[Found]:
    found = amounts(heard.text, slot.currency, asked=asked)
    days = dates(heard.text, heard.today) if asked else []
    return apart(found, days)


def _date(slot: Slot, heard: Heard, asked: bool, _: Json) -> list[Found]:
    found = dates(heard.text, heard.today, slot.direction)
    if found or not asked:
        return found
    soon = [Found("date", heard.today.isoformat(), *match.span()) for match in _SOON.finditer(heard.text)]
    return soon or elsewhere(heard.text, heard.language, heard.now, slot.direction)


def _time(_: Slot, heard: Heard, asked: bool, __: Json) -> list[Found]:
    days = dates(heard.text, heard.today)
    return [each for each in times(heard.text, heard.now, asked=asked) if not any(map(each.overlaps, days))]


def _phone(_: Slot, heard: Heard, asked: bool, __: Json) -> list[Found]:
    return phones(heard.text, heard.language, asked=asked)


def _email(_: Slot, heard: Heard, __: bool, ___: Json) -> list[Found]:
    return emails(heard.text)


def _pattern(slot: Slot, heard: Heard, asked: bool, _: Json) -> list[Found]:
    return patterned(slot.pattern or "", heard.text, asked=asked) if slot.pattern else []


def _choice(slot: Slot, heard: Heard, asked: bool, before: Json) -> list[Found]:
    return chosen(slot.choices, heard.text, asked=asked, before=before if isinstance(before, str) else None)


def _yes_no(_: Slot, heard: Heard, asked: bool, __: Json) -> list[Found]:
    answer = phrases.yes_or_no(heard.text) if asked else None
    return [] if answer is None else [Found("yes_no", answer, 0, len(heard.text))]


_READERS: dict[SlotType, Callable[[Slot, Heard, bool, Json], list[Found]]] = {
    SlotType.TEXT: _free_text,
    SlotType.NAME: _name,
    SlotType.ADDRESS: _address,
    SlotType.NUMBER: _number,
    SlotType.MONEY: _money,
    SlotType.DATE: _date,
    SlotType.TIME: _time,
    SlotType.PHONE: _phone,
    SlotType.EMAIL: _email,
    SlotType.PATTERN: _pattern,
    SlotType.CHOICE: _choice,
    SlotType.YES_NO: _yes_no,
}

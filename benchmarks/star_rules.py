"""What a company would write down of its customers' words: lists of hotels and doctors, patterns of numbers.

Written looking at the seen half of the dialogues only. The lists are the company's own; the patterns are of numbers
(booking, room, PIN), days and times, and of the words that requests are made with.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from kefu.brain.slots.contact_details import names
from kefu.contracts.flow_state import Candidate

_HOTEL = re.compile(r"\b(?:hilton|hyatt|shadyside|old ?town)(?: (?:hotel|inn))?\b", re.IGNORECASE)
_TITLED = r"\b(?:dr|doctor)\b(?:'s name)?(?: is| was)?\.? ?(<NAME_\d+>|(?:johnson|morgan|alexis)\b)"
_DOCTOR = re.compile(rf"{_TITLED}|\b(johnson|morgan|alexis)\b", re.IGNORECASE)
# To "who is your doctor?" any name is an answer.
_ANY_DOCTOR = re.compile(rf"{_TITLED}|(<NAME_\d+>|\b(?:johnson|morgan|alexis)\b)", re.IGNORECASE)
_ONESELF = re.compile(r"\b(?:names?(?:'s| is)?|i'?m|i am|this is|it'?s|it is)\W*$", re.IGNORECASE)
_I_AM = re.compile(r"\b(?:i'?m|i am|my names?(?:'s| is)?)\W*$", re.IGNORECASE)
_NOT = re.compile(r"\b(?:not|old|previous|wasn't|was a fraud)\b[^.!?]{0,12}$|^[^.!?]{0,25}\bprevious\b", re.IGNORECASE)
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*"
_DAYS = re.compile(
    rf"\b(?:the )?(?:{_MONTH} (?:the )?)?(\d{{1,2}}(?:st|nd|rd|th)?)(?: (?:of )?{_MONTH})?"
    rf"\s*(?:-|–|to|through|thru|until|till|and leav\w+(?: on)?)\s*(?:the )?(?:{_MONTH} (?:the )?)?"
    r"(\d{1,2}(?:st|nd|rd|th)?)\b(?!/|:|\s*[ap]\.?m\b)",
    re.IGNORECASE,
)
_ONE_DAY = re.compile(
    rf"\b{_MONTH} (?:the )?(\d{{1,2}}(?:st|nd|rd|th)?)\b|\b(\d{{1,2}}(?:st|nd|rd|th))\b|\b"
    rf"(\d{{1,2}}) (?:of )?{_MONTH}\b|\b(?:0?[1-9]|1[0-2])/(\d{{1,2}})(?:/\d{{2,4}})?\b"
    # "on the 21", not "the 21 dollars" or "the 2 of us"
    rf"|\bon (?:the )?(\d{{1,2}})\b(?! ?(?:[ap]\.?m\b|:|/|of us|people|\w+ street))",
    re.IGNORECASE,
)
_LEAVING = re.compile(
    r"\b(?:through|thru|until|till|to|leav\w+|depart\w+|check(?:ing)?[- ]?out|out on|stay\w*|ends?|ending)\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"\b\d{1,2}(?::\d\d)? ?[ap]\.?m\b\.?", re.IGNORECASE)
# Not the year of "July 4th 1988", nor a part of "5512 8890".
_PIN = re.compile(
    r"(?<![\d$/_.-])(?<!\d )(?<!\d, )\b(?<!(?:st|nd|rd|th) )(?<!(?:st|nd|rd|th), )\d{4}\b"
    rf"(?![\d/-]| \d| (?:of )?{_MONTH}\b)",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(r"(?<![\d$/_])\b\d{7,13}\b(?![\d/])")
_GROUPS = re.compile(r"(?<![\d$/_-])\b\d{2,5}(?:[ -]\d{2,5}){1,4}\b(?![\d/])")
_BORN = re.compile(
    rf"\b\d{{1,2}}[/.-]\d{{1,2}}[/.-]\d{{2,4}}\b|\b{_MONTH} (?:the )?\d{{1,2}}(?:st|nd|rd|th)?,? (?:of )?\d{{4}}\b"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH},? \d{{4}}\b",
    re.IGNORECASE,
)
_ROOM = re.compile(r"\b(?:room|in)\b\D{0,12}?\b(\d{3})\b", re.IGNORECASE)
# "It's 942 that I want, not 965."
_NOT_THIS = re.compile(r"\b(?:not|isn't|instead of|rather than) (?:the |flight |id |number )*\d+\b", re.IGNORECASE)
_CUED = re.compile(r"\b(?:id|flight|ride|booking|check|i mean|said)\b[^\d$]{0,22}?\b(\d{1,4})\b", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\d$/_.-])\b\d{1,4}\b(?!\d|/|:|\s*[ap]\.?m\b)", re.IGNORECASE)
_SAID = (
    r"(?: (?:was|is|named|called)|'s|:)? ?(?!(?:was|is|name|names|and|or|if|i|my|the|not|but|it)\b)(<NAME_\d+>|[a-z]+)"
)
_MAIDEN = re.compile(
    rf"\bmaiden\b(?: name)?{_SAID}|question 1 (\w+)|(<NAME_\d+>|\b[a-z]+) (?:was|is) (?:her|my \w+) maiden\b"
    r"|\b(?:mom|mother|mum)(?: was|'s|'s name was)(?: an?)? (?!maiden\b)(<NAME_\d+>|[a-z]+)",
    re.IGNORECASE,
)
_PET = re.compile(
    rf"\b(?:pet|dog|cat|fish|goldfish|hamster|puppy|kitty)(?:'?s)?'?(?: name)?,?{_SAID}|question 2 (\w+)"
    r"|(<NAME_\d+>|\b[a-z]+) (?:was|is) (?:my|the|our) (?:\w+ )?(?:pet|dog|cat|fish|goldfish|hamster|puppy|kitty)\b",
    re.IGNORECASE,
)
_THAT_WAS = re.compile(
    r"^(?:that was|her name was|it was|it's|its|it is|his name was|that'd be|that would be|she was an?|(?:he|she) was) "
    r"(<NAME_\d+>|[A-Z][a-z]+|[a-z]+(?=[.!,]|$))",
    re.IGNORECASE,
)
_REQUESTS = {
    "details": r"\$ ?\d|\bmissing\b|\bfraud\w*|\bstole\w*|\btook\b|\bwithdr\w+|\btransfer\w*|\bsuspicious",
    # A place that is only named as what should change ("change my departure location") says not yet to what.
    "change": r"\b(?:locations?|destination)\b|\b(?:depart|arriv|cancel)\w*"
    r"|\b(?:go|going|leave|pick\w* up|driven|drive) (?:\w+ )?(?:to|from)\b|\b(?:drop|pick)\w* (?:me|us|him|her|them)\b"
    r"|\b(?:instead of|rather than|reschedul\w+)",
    "request": r"\b(?:order|bring|clean|noises?|broken?|broke|leak\w*|clog\w*|noisy|dirty|stuck)\b"
    r"|\b(?:fix|repair|replac|deliver)\w*"
    r"|\b(?:isn't|not|stopped|won't|doesn't|quit) (?:\w+ )?(?:work\w*|drain\w*|flush\w*|turn\w*|open\w*|clos\w*)\b"
    r"|\b(?:towels?|pillows?|blankets?|sheets?|linen|soap|shampoo|toilet paper|breakfast|lunch|dinner|champagne|wine"
    r"|beers?|steak|burger|cheeseburger|pizza|sandwich\w*|coffee|tea|ice|massage|laundry|wake[- ]?up call|taxi)\b",
}
_SENTENCE = re.compile(r"[^.!?]+[.!?]*")


def candidates(text: str, slots: Sequence[str], values: Mapping[str, object], asked: str) -> tuple[Candidate, ...]:
    """What is plain to see of these slots in a masked text; `values` are what slots hold already."""
    found: dict[str, str] = {}
    for slot, part in _seen(text, values, asked):
        if slot in slots and part:
            found[slot] = part
    return tuple(Candidate(slot, part) for slot, part in found.items())


def _seen(text: str, values: Mapping[str, object], asked: str) -> Iterator[tuple[str, str]]:
    """Slots and their words; of a slot that is told twice the last counts."""
    yield from (("hotel", match[0]) for match in _HOTEL.finditer(text))
    yield from (("doctor", each) for each in _doctors(text, asked, str(values.get("name") or "")))
    yield from _days(text, values, asked)
    yield from (("time", match[0]) for match in _CLOCK.finditer(text))
    yield from (("account_number", match[0]) for match in _ACCOUNT.finditer(text))
    if asked == "account_number":
        yield from (("account_number", match[0]) for match in _GROUPS.finditer(text))
    yield from (("birthday", match[0]) for match in _BORN.finditer(text))
    pins = _PIN.findall(text)
    if pins:
        yield "pin", pins[0]
        yield "other_pin", pins[1] if len(pins) > 1 and pins[1] != pins[0] else ""
    yield from (("room", match[1]) for match in _ROOM.finditer(text))
    meant = _NOT_THIS.sub(" ", text)
    numbers, cued = _NUMBER.findall(meant), [match[1] for match in _CUED.finditer(meant)]
    # Of a change's own numbers ("at 5 instead of 4") none is the booking's.
    if cued or (len(numbers) == 1 and asked != "change"):
        yield "reference", (cued or numbers)[-1]
        if len(numbers[0] if numbers else "") == 3 and not _ROOM.search(text):
            yield "room", numbers[0]
    yield from _people(text, values, asked)
    for slot, words in _REQUESTS.items():
        told = [match[0].strip() for match in _SENTENCE.finditer(text) if re.search(words, match[0], re.IGNORECASE)]
        if told and not values.get(slot):
            yield slot, max(told, key=len)


def _doctors(text: str, asked: str, own: str) -> Iterator[str]:
    """Doctors in their order; not who is one no more, nor, without a title, who speaks."""
    for match in (_ANY_DOCTOR if asked == "doctor" else _DOCTOR).finditer(text):
        if asked == "doctor" and own and match[0] == own:
            continue
        before, after = text[: match.start()], text[match.end() :]
        if _NOT.search(before) or _NOT.search(after[:30]):
            continue
        told = asked == "doctor" and not _I_AM.search(before)
        if match[1] or told or not _ONESELF.search(before):
            yield match[1] or match[2]


def _days(text: str, values: Mapping[str, object], asked: str) -> Iterator[tuple[str, str]]:
    both = _DAYS.search(text)
    days = [next(filter(None, match.groups())) for match in _ONE_DAY.finditer(text)]
    if both or len(days) == 2:
        first, last = both.groups() if both else days
        yield "arrival", first
        yield "departure", last
        return
    for match in _ONE_DAY.finditer(text):
        is_end = bool(_LEAVING.search(text[max(0, match.start() - 14) : match.start()])) or bool(values.get("arrival"))
        yield "departure" if is_end or asked == "departure" else "arrival", next(filter(None, match.groups()))


def _people(text: str, values: Mapping[str, object], asked: str) -> Iterator[tuple[str, str]]:
    maiden, pet, that = _MAIDEN.search(text), _PET.search(text), _THAT_WAS.search(text)
    if maiden:
        yield "maiden_name", next(filter(None, maiden.groups()))
    if pet:
        yield "pet", next(filter(None, pet.groups()))
    elif that and values.get("maiden_name"):
        yield "pet", that[1]
    told = [each.value for each in names(text, asked=True)]
    if len(told) == 1 and values.get("name") and values.get("birthday") and not (maiden or that):
        other = "pet" if values.get("maiden_name") else "maiden_name"
        if not pet or str(told[0]) not in pet.groups():
            yield other, str(told[0])
    is_name = len(told) == 1 and len(str(told[0]).split()) <= 2 and (asked == "name" or told == introduced(text))
    if is_name and not values.get("name") and not (maiden or pet):
        yield "name", str(told[0])


def introduced(text: str) -> list[object]:
    """The names that somebody gives as his own without being asked."""
    return [each.value for each in names(text)]

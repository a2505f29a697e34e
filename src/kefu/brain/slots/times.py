"""Times of day that people write, in English and Chinese: 7 pm, half past seven, noon, 下午三点半."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from kefu.brain.numerals import chinese_number, english_number
from kefu.brain.slots.found import Found, apart

_HOURS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_MINUTES = "five|ten|fifteen|twenty|twenty[- ]five|thirty|thirty[- ]five|forty|forty[- ]five|fifty|fifty[- ]five"
_HALF = r"(?P<half>[ap])\.? ?m\b\.?"
_PART = r"(?P<part>in the (?:morning|afternoon|evening)|at night|tonight|tonite|this (?:morning|afternoon|evening))"
_CLOCK = re.compile(
    rf"(?<![\d.,/-])(?P<hour>[01]?\d|2[0-4])[:：.h](?P<minute>[0-5]\d)(?![\d/]|[.:]\d)(?: ?{_HALF})?(?: {_PART})?"
)
_HALF_DAY = re.compile(rf"(?<![\d.:,])(?P<hour>1[0-2]|0?[1-9])(?P<minute>[0-5]\d)? ?{_HALF}")
_WORDS_HALF_DAY = re.compile(rf"\b(?P<hour>{_HOURS})(?: (?P<minute>{_MINUTES}))? ?{_HALF}")
_OCLOCK = re.compile(rf"\b(?P<hour>1[0-2]|0?[1-9]|{_HOURS}) ?o'? ?clock(?: ?{_HALF})?(?: {_PART})?")
_PAST = re.compile(
    rf"\b(?P<minutes>half|(?:a )?quarter|{_MINUTES}|[1-5]?\d)(?: (?:minutes?|mins?))? (?P<side>past|to|before"
    rf"|after|till)"
    rf" (?P<hour>1[0-2]|0?[1-9]|{_HOURS})\b(?! ?[:.]\d)(?: ?{_HALF})?(?: {_PART})?"
)
_AT = re.compile(
    rf"\b(?:at|around|about|by|from|after|before|until|till|for|@) (?:about |around )?"
    rf"(?P<hour>1\d|2[0-3]|0?[1-9]|{_HOURS})(?:[ -](?P<minute>{_MINUTES}|[0-5]\d))?(?![\d:./]|\w|[ -](?:of"
    rf"|people|persons?|guests?|"
    rf"adults?|days?|weeks?|months?|minutes?|hours?|nights?|items?|pieces?|%))(?: {_PART})?"
)
_BARE = re.compile(
    rf"^\W*(?:maybe |perhaps |let'?s say |say |ok(?:ay)?,? )?(?P<hour>[01]?\d|2[0-3]|{_HOURS})"
    rf"(?: (?P<minute>{_MINUTES}|[0-5]\d)|(?P<digits>[0-5]\d))?(?: hours| hrs)?(?: {_PART})?(?: please| thanks)?\W*$"
)
# An hour among other words, which is a time only if a time was asked for and nothing else is one: "6 works", "umm 5".
_LOOSE = re.compile(
    rf"(?<![\w.,/:#$-])(?P<hour>1\d|2[0-3]|0?[1-9]|{_HOURS})(?:ish\b|'s\b|hrs?\b)?"
    rf"(?![\d:/-]|\.\d|[a-z]|%|[ -](?:of|people|persons?"
    rf"|guests?|adults?|child\w*|kids?|days?|weeks?|months?|minutes?|hours?|nights?|items?|pieces?))(?: {_PART})?"
)
# "The earliest one", "that one": one of what was named, and no hour.
_WHICH_ONE = re.compile(r"\b(?:the|that|this|which)(?: [a-z]+)? one\b")
_BRITISH_HALF = re.compile(rf"\bhalf (?P<hour>1[0-2]|[1-9]|{_HOURS})\b(?! (?:of|people|hours?))(?: {_PART})?")
_NOW = re.compile(r"\b(?:right )?now\b|现在|马上")
_NAMED = re.compile(r"\b(?:noon|midday|midnight)\b|正午|中午(?!\d|[一二三四五六七八九十两]+[点时:：])|午夜")
_NAMES = {"noon": "12:00", "midday": "12:00", "midnight": "00:00", "正午": "12:00", "中午": "12:00", "午夜": "00:00"}
_IN = re.compile(r"\bin (?P<count>\d{1,3}|an?|one|two|three|half an) (?P<unit>hours?|hrs?|minutes?|mins?)\b"
r"|(?P<zh>\d{1,3}|[一二两三四五六七八九十半]{1,3})个?(?P<zh_unit>半?小时|钟头|分钟)(?:之后|以后|后)")  # fmt: skip
_ZH_HOUR = r"[01]?\d|2[0-4]|二?十[一二三四]?|[零一二两三四五六七八九]"
_ZH_MINUTE = r"[0-5]?\d|[二三四五]?十[一二三四五六七八九]?|[零〇]?[一二三四五六七八九]"
_ZH_PART = r"凌晨|清晨|早上|早晨|上午|中午|下午|午后|傍晚|晚上|晚间|夜里|半夜|今晚|明晚|昨晚|今早|明早|晚|早"
_ZH_TIME = re.compile(
    rf"(?P<part>{_ZH_PART})?(?:的|大概|大约|差不多)?(?P<hour>{_ZH_HOUR})(?:点钟|[点點时])(?!间)"
    rf"(?:(?P<quarter>半|一刻|三刻|整)|(?P<minute>{_ZH_MINUTE})分?)?"
)
_ZH_CLOCK = re.compile(rf"(?P<part>{_ZH_PART})\s?(?P<hour>[01]?\d|2[0-3])[:：](?P<minute>[0-5]\d)")
_EVENING = re.compile(r"\b(?:evening|tonight|tonite|dinner|supper|night|pm)\b|晚")
_MORNING = re.compile(r"\b(?:morning|breakfast|am)\b|早|上午")
_AFTERNOON = re.compile(r"\b(?:afternoon|lunch)\b|下午|午后")
# An hour with nothing beside it is more likely in the working day: 8 is the morning, 3 the afternoon.
_DAY_BEGINS = 7


def times(text: str, now: datetime, *, asked: bool = False) -> list[Found]:
    """The times of day in a text, in order; values as `15:00`, `also` what else an hour of twelve may mean.

    When a time was asked for, a message that is nothing but an hour counts too. "In two hours" counts from `now`.
    """
    lowered = text.lower()
    found = [*_clock(lowered, asked), *_chinese(lowered), *_relative(lowered, now)]
    found += [Found("time", _NAMES[match[0]], *match.span()) for match in _NAMED.finditer(lowered)]
    sure = apart(found)
    # "A table for 4" is no time; "make it for 7" is, when a time was asked for and nothing else is one.
    loose = [_hour(match, lowered) for match in _AT.finditer(lowered) if not match[0].startswith("for")]
    named = [match.end() for match in _WHICH_ONE.finditer(lowered)] if asked else []
    for pattern in (_AT, _BARE, _LOOSE) if asked and not sure else ():
        loose = loose or [
            _hour(match, lowered) for match in pattern.finditer(lowered) if match.end("hour") not in named
        ]
    if asked and not sure and not loose:
        loose = [Found("time", now.strftime("%H:%M"), *match.span()) for match in _NOW.finditer(lowered)]
    return sorted([*sure, *apart([each for each in loose if each is not None], sure)], key=lambda each: each.start)


def _clock(text: str, asked: bool) -> Iterator[Found]:
    for match in _CLOCK.finditer(text):
        dotted = "." in match[0].split(" ")[0]
        if dotted and not asked and not match["half"] and not _said_as_time(text, match.start()):
            continue  # 7.30 is a number unless a time was asked for or something says that it is one
        found = _hour(match, text)
        if found is not None:
            yield found
    for pattern in (_HALF_DAY, _WORDS_HALF_DAY, _OCLOCK):
        for match in pattern.finditer(text):
            found = _hour(match, text)
            if found is not None:
                yield found
    for match in _BRITISH_HALF.finditer(text):
        found = _made(match, _number(match["hour"]), 30, part=match["part"], text=text)
        if found is not None:
            yield found
    for match in _PAST.finditer(text):
        found = _past(match, text)
        if found is not None:
            yield found


def _said_as_time(text: str, start: int) -> bool:
    return re.search(r"(?:\b(?:at|by|around|from|until|till)|@)\s$", text[:start]) is not None


def _hour(match: re.Match[str], text: str) -> Found | None:
    groups = match.groupdict()
    hour = _number(groups["hour"])
    written = groups.get("minute") or groups.get("digits")
    minute = _number(written) if written else 0
    return _made(match, hour, minute, half=groups.get("half"), part=groups.get("part"), text=text)


def _past(match: re.Match[str], text: str) -> Found | None:
    words = match["minutes"]
    minutes = 30 if words == "half" else 15 if words.endswith("quarter") else _number(words)
    hour = _number(match["hour"])
    if match["side"] in ("to", "before", "till"):
        hour, minutes = (hour - 1) % 12 or 12, 60 - minutes
    if not 0 <= minutes < 60:
        return None
    return _made(match, hour, minutes, half=match["half"], part=match["part"], text=text)


def _made(
    match: re.Match[str], hour: int, minute: int, *, half: str | None = None, part: str | None = None, text: str
) -> Found | None:
    """A time in one of its two readings; the words around may tell which."""
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return None
    hour %= 24
    if half and 1 <= hour <= 12:
        return Found("time", _written(hour % 12 + (12 if half == "p" else 0), minute), *_span(match))
    if not 1 <= hour <= 12 or match["hour"].startswith("0"):
        return Found("time", _written(hour, minute), *_span(match))
    early, late = _written(hour % 12, minute), _written(hour % 12 + 12, minute)
    around = f"{part or ''} {text}"
    if _EVENING.search(around) or _AFTERNOON.search(around):
        return Found("time", late if hour != 12 or _AFTERNOON.search(around) else early, *_span(match))
    if _MORNING.search(around):
        return Found("time", early if hour != 12 else late, *_span(match))
    likely, other = (early, late) if _DAY_BEGINS <= hour < 12 else (late, early)
    return Found("time", likely, *_span(match), also=(other,))


def _span(match: re.Match[str]) -> tuple[int, int]:
    """Where a time stands, without "tonight" and 今晚, which are days too."""
    start, end = match.span()
    part = match.groupdict().get("part")
    if part and match.start("part") == start and part[0] in "今明昨":
        return match.end("part"), end
    if part and match.end("part") == end:
        return start, match.start("part")
    return start, end


def _chinese(text: str) -> Iterator[Found]:
    for pattern in (_ZH_TIME, _ZH_CLOCK):
        for match in pattern.finditer(text):
            groups = match.groupdict()
            hour = _number(groups["hour"])
            quarter = {"半": 30, "一刻": 15, "三刻": 45}.get(groups.get("quarter") or "", 0)
            minute = _number(groups["minute"]) if groups.get("minute") else quarter
            part = groups["part"] or _part_before(text, match.start())
            if hour > 24 or minute > 59:
                continue
            if hour >= 13 or hour == 0 or not part:
                found = _made(match, hour, minute, text=text if part else "")
                if found is not None:
                    yield found
                continue
            yield Found("time", _written(_of_part(hour, part), minute), *_span(match))


def _part_before(text: str, start: int) -> str | None:
    """今晚 is read as a day; its 晚 still tells which eight o'clock."""
    before = text[max(0, start - 3) : start].rstrip()
    return before[-1:] if before[-1:] in ("晚", "早") else None


def _of_part(hour: int, part: str) -> int:
    if part.endswith(("晚", "晚上", "晚间", "夜里", "傍晚")):
        return 0 if hour == 12 else hour + 12 if hour > 4 else hour
    if part in ("下午", "午后"):
        return hour % 12 + 12
    if part == "中午":
        return hour + 12 if hour < 4 else hour
    return 0 if hour == 12 and part in ("凌晨", "半夜") else hour


def _relative(text: str, now: datetime) -> Iterator[Found]:
    for match in _IN.finditer(text):
        words, unit = match["count"] or match["zh"], match["unit"] or match["zh_unit"]
        count = 0.5 if words in ("half an", "半") else 1 if words in ("a", "an") else _number(words)
        minutes = count * (60 if unit.startswith(("h", "小", "钟")) else 30 if unit == "半小时" else 1)
        yield Found("time", (now + timedelta(minutes=minutes)).strftime("%H:%M"), *match.span())


def _number(words: str) -> int:
    if words.isdecimal():
        return int(words)
    return english_number(words) if words.isascii() else int(chinese_number(words))


def _written(hour: int, minute: int) -> str:
    return f"{hour:02d}:{minute:02d}"

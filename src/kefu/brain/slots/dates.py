"""Days that people write, in English and Chinese: tomorrow, next Friday, 23 August, 下周三, 11月27日.

A library reads other languages (`elsewhere`); for these two it misses too much (下周三, "a week from Monday") and takes
"we" for Wednesday.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

from kefu.brain.numerals import chinese_number, english_number
from kefu.brain.slots.found import Found, apart

_MONTHS = "january february march april may june july august september october november december".split()
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_SHORT_WEEKDAYS = {
    "mon": 0, "tue": 1, "tues": 1, "wed": 2, "weds": 2,
    "thu": 3, "thur": 3, "thurs": 3, "fri": 4, "sat": 5, "sun": 6,
}  # fmt: skip
_WEEKDAY_OF = {name: at for at, name in enumerate(_WEEKDAYS)} | _SHORT_WEEKDAYS
_MONTH_OF = {name[:length]: at for at, name in enumerate(_MONTHS, 1) for length in (3, len(name))} | {"sept": 9}
_ZH_WEEKDAY = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6}
_EN_DAYS = {
    "day after tomorrow": 2, "day before yesterday": -2, "today": 0, "tonight": 0, "tonite": 0, "this evening": 0,
    "this afternoon": 0, "this morning": 0, "tomorrow": 1, "tomorow": 1, "tommorow": 1, "tommorrow": 1, "tmrw": 1,
    "tmr": 1, "yesterday": -1, "last night": -1,
}  # fmt: skip
_ZH_DAYS = {
    "大后天": 3, "大前天": -3, "后天": 2, "後天": 2, "前天": -2, "今天": 0, "今日": 0, "今晚": 0, "今早": 0, "今儿": 0,
    "明天": 1, "明日": 1, "明晚": 1, "明早": 1, "明儿": 1, "昨天": -1, "昨日": -1, "昨晚": -1,
}  # fmt: skip
# Days that are on the same date every year; the moving feasts are not worth a calendar of their own.
_FEASTS = {
    "christmas eve": (12, 24), "christmas day": (12, 25), "christmas": (12, 25), "boxing day": (12, 26),
    "new year's eve": (12, 31), "new years eve": (12, 31), "new year's day": (1, 1), "new years day": (1, 1),
    "valentine's day": (2, 14), "valentines day": (2, 14), "halloween": (10, 31), "元旦": (1, 1), "情人节": (2, 14),
    "五一": (5, 1), "劳动节": (5, 1), "六一": (6, 1), "儿童节": (6, 1), "国庆": (10, 1), "平安夜": (12, 24),
    "圣诞": (12, 25),
}  # fmt: skip
# The longest text that is worth a library's time when the whole of it should be one date.
_LONGEST_ELSEWHERE = 40

_WEEKDAY = rf"(?:{'|'.join(_WEEKDAYS)}|mon|tues?|weds?|thu(?:rs?)?|fri|sat|sun)\b\.?"
_MONTH = rf"(?:{'|'.join(_MONTHS)}|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?"
_COUNT = r"(?:\d{1,3}|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fourteen|twenty|thirty)"
_ZH_COUNT = r"(?:\d{1,3}|[一二两三四五六七八九十]{1,3})"
_DAY = r"(?P<day>0?[1-9]|[12]\d|3[01])"
_YEAR = r"(?:,?\s*(?P<year>20\d\d|19\d\d))?"

_EN_WORD = re.compile(rf"\b(?:the )?(?P<word>{'|'.join(_EN_DAYS)})\b")
_ZH_WORD = re.compile("|".join(_ZH_DAYS))
_FEAST = re.compile(rf"\b(?:{'|'.join(re.escape(name) for name in _FEASTS if name.isascii())})\b|"
                    + "|".join(rf"{name}(?:节)?" for name in _FEASTS if not name.isascii()))  # fmt: skip
_EN_WEEKDAY = re.compile(
    r"\b(?:(?P<ahead>a week (?:from|on)|the week after) )?"
    r"(?:(?P<which>this|next|coming|the coming|this coming|last|the following) )?"
    rf"(?P<weekday>{_WEEKDAY})(?: (?P<later>(?:of )?next week|week))?"
)
_EN_AGO = re.compile(
    rf"\b(?:(?P<ahead>in|after) )?(?P<count>{_COUNT}|a couple of|a few) (?P<unit>days?|weeks?|months?|fortnights?)"
    r"(?:'s)?(?: time)?(?: (?P<side>ago|from now|from today|later|before|earlier))?\b"
)
_EN_MONTH_DAY = re.compile(rf"\b(?P<month>{_MONTH})\s*(?:the )?{_DAY}(?:st|nd|rd|th)?\b(?!:|\s?[ap]\.?m){_YEAR}")
_EN_DAY_MONTH = re.compile(rf"\b(?:the )?{_DAY}(?:st|nd|rd|th)?(?: day)?(?: of)?[\s-]*(?P<month>{_MONTH}){_YEAR}")
_EN_DAY_ONLY = re.compile(rf"\b(?:the )?{_DAY}(?:st|nd|rd|th)\b(?! (?:floor|time|one|street|avenue|order|item))")
_EN_WEEKEND = re.compile(r"\b(?:(?P<which>this|next|coming|the) )?weekend\b")
_EN_MONTH_END = re.compile(r"\bend of (?:the|this) month\b")
_ISO = re.compile(r"(?<!\d)(?P<year>20\d\d|19\d\d)[-/.年](?P<month>0?[1-9]|1[0-2])[-/.月]" + _DAY + r"[日号]?(?!\d)")
_SLASHED = re.compile(r"(?<![\d/.-])(?P<one>\d{1,2})(?P<mark>[/.-])(?P<two>\d{1,2})(?:(?P=mark)(?P<year>\d{4}"
r"|\d{2}))?(?![\d/]|[.-]\d)")  # fmt: skip
_ZH_DATE = re.compile(
    r"(?:(?P<year>20\d\d|[二〇零一九]{4}|今|明|去)年)?(?P<month>1[0-2]|0?[1-9]|十[一二]?"
    r"|[一二三四五六七八九])月(?:份)?"
    r"(?P<day>[12]\d|3[01]|0?[1-9]|[二三]?十[一二三四五六七八九]?|[一二三四五六七八九])[日号號]?"
)
_ZH_DAY_ONLY = re.compile(
    r"(?:(?P<which>这个?月|本月|当月|下个?月|上个?月)的?)?"
    r"(?<![\d十])(?<!\d月)(?<!十月)(?P<day>[12]\d|3[01]|[1-9]|[二三]?十[一二三四五六七八九]?"
    r"|[一二三四五六七八九])[号號]"
    r"(?!线|楼|店|门|单|码|机|院|桌|[\dA-Za-z])"
)
_ZH_WEEKDAY_AT = re.compile(
    r"(?P<which>下下|上上|这|本|下|上)?个?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天])(?!个|次)"
)
_ZH_WEEKEND = re.compile(r"(?P<which>这|本|下|上)?个?周末")
_ZH_AGO = re.compile(
    rf"(?:过|再过)?(?P<count>{_ZH_COUNT}|半)个?(?P<unit>天|日|周|星期|礼拜|月)(?P<side>以?之?后|以?之?前|过后)"
)
_ZH_MONTH_END = re.compile(r"(?P<which>这个?|本|下个?)?月底")


def dates(text: str, today: date, direction: str | None = None) -> list[Found]:
    """The days in a text, in order; values as `2026-11-27`.

    A day without its year or week is the nearest in `direction` ("future", "past"); without one a weekday is the
    coming one and a date the nearest. 5/6 is 6 May, 5.6. is 5 June, as they are mostly written.
    """
    lowered = text.lower()
    found = [
        Found("date", day.isoformat(), start, end)
        for reader in _READERS
        for day, start, end in reader(lowered, today, direction)
        if day is not None
    ]
    return _joined(apart(found), lowered)


def elsewhere(text: str, language: str, now: datetime, direction: str | None) -> list[Found]:
    """A text that is one date in a language other than English and Chinese."""
    if language in ("en", "zh") or not 0 < len(text) <= _LONGEST_ELSEWHERE:
        return []
    import dateparser

    side = {"future": "future", "past": "past"}.get(direction or "", "current_period")
    settings = {"RELATIVE_BASE": now.replace(tzinfo=None), "PREFER_DATES_FROM": side, "REQUIRE_PARTS": ["day"]}
    try:
        day = dateparser.parse(text, languages=[language], settings=settings)
    except (ValueError, OverflowError):  # a language that it does not know; a year beyond the calendar
        return []
    return [Found("date", day.date().isoformat(), 0, len(text))] if day is not None else []


def _joined(found: list[Found], text: str) -> list[Found]:
    """ "Sunday, 5 August" is one day: the written date says which."""
    joined: list[Found] = []
    for each in found:
        before = joined[-1] if joined else None
        if before is not None and re.fullmatch(r"[\s,，(（]*(?:the )?", text[before.end : each.start]):
            if _is_weekday(text[before.start : before.end]) and _is_written(text[each.start : each.end]):
                joined[-1] = Found("date", each.value, before.start, each.end)
                continue
            if _is_written(text[before.start : before.end]) and _is_weekday(text[each.start : each.end]):
                joined[-1] = Found("date", before.value, before.start, each.end)
                continue
        joined.append(each)
    return joined


def _is_weekday(text: str) -> bool:
    return _EN_WEEKDAY.fullmatch(text) is not None or _ZH_WEEKDAY_AT.fullmatch(text) is not None


def _is_written(text: str) -> bool:
    patterns = (_ISO, _EN_MONTH_DAY, _EN_DAY_MONTH, _ZH_DATE, _SLASHED, _EN_DAY_ONLY, _ZH_DAY_ONLY)
    return any(pattern.fullmatch(text) for pattern in patterns)


_Days = Iterator[tuple[date | None, int, int]]


def _named(text: str, today: date, direction: str | None) -> _Days:
    for match in _EN_WORD.finditer(text):
        yield today + timedelta(_EN_DAYS[match["word"]]), *match.span()
    for match in _ZH_WORD.finditer(text):
        yield today + timedelta(_ZH_DAYS[match[0]]), *match.span()
    for match in _FEAST.finditer(text):
        month, day = _FEASTS[match[0] if match[0] in _FEASTS else match[0].removesuffix("节")]
        yield _nearest(today, direction, month, day), *match.span()


def _weekdays(text: str, today: date, direction: str | None) -> _Days:
    monday = today - timedelta(today.weekday())
    for match in _EN_WEEKDAY.finditer(text):
        name = match["weekday"].rstrip(".")
        if name in ("sat", "sun", "mon", "wed") and not match["which"] and not _stands_as_a_day(text, match):
            continue
        place = _WEEKDAY_OF[name]
        weeks = {"next": 1, "the following": 1, "last": -1, "this": 0}.get(match["which"] or "")
        if match["later"] and match["later"].endswith("next week"):
            weeks = 1
        day = _on(monday, today, place, weeks, direction)
        yield day + timedelta(7 * bool(match["ahead"] or match["later"] == "week")), *match.span()
    for match in _ZH_WEEKDAY_AT.finditer(text):
        weeks = {"下": 1, "下下": 2, "上": -1, "上上": -2, "这": 0, "本": 0}.get(match["which"] or "")
        yield _on(monday, today, _ZH_WEEKDAY[match["weekday"]], weeks, direction), *match.span()
    for match in [*_EN_WEEKEND.finditer(text), *_ZH_WEEKEND.finditer(text)]:
        weeks = {"next": 1, "下": 1, "上": -1}.get(match["which"] or "", 0)
        saturday = monday + timedelta(5 + 7 * weeks)
        yield (today if weeks == 0 and today > saturday else saturday), *match.span()


def _stands_as_a_day(text: str, match: re.Match[str]) -> bool:
    """ "sat" and "sun" are words of their own; as days they stand after "on", before a date, or alone."""
    before, after = text[: match.start()].rstrip(), text[match.end() :].lstrip()
    return (
        not before
        or before.endswith((" on", "for", "to", "from", "till", "until", ",", "or", "this", "is", "be"))
        or before == "on"
        or (bool(after) and (after[0].isdigit() or after[0] in ",.?!"))
        or (not after and not before.endswith(" the"))
    )


def _on(monday: date, today: date, place: int, weeks: int | None, direction: str | None) -> date:
    """The weekday of a week counted from this one; without a count the coming one, or the last if past is meant."""
    if weeks == 0 and direction != "past" and monday + timedelta(place) < today:
        weeks = 1  # "this Friday" said on a Sunday
    if weeks is not None:
        return monday + timedelta(7 * weeks + place)
    ahead = (place - today.weekday()) % 7
    return today + timedelta(ahead - 7 if direction == "past" and ahead else ahead)


def _counted(text: str, today: date, _: str | None) -> _Days:
    for match in _EN_AGO.finditer(text):
        side = match["side"] or ""
        if not side and match["ahead"] != "in":
            continue
        count = _english_count(match["count"])
        back = side in ("ago", "before", "earlier")
        yield _moved(today, -count if back else count, match["unit"].rstrip("s")), *match.span()
    for match in _ZH_AGO.finditer(text):
        if match["count"] == "半":
            day = today + timedelta(-15 if "前" in match["side"] else 15)
            yield (day if match["unit"] == "月" else None), *match.span()
            continue
        count = int(chinese_number(match["count"])) if not match["count"].isdigit() else int(match["count"])
        yield _moved(today, -count if "前" in match["side"] else count, _ZH_UNITS[match["unit"]]), *match.span()


_ZH_UNITS = {"天": "day", "日": "day", "周": "week", "星期": "week", "礼拜": "week", "月": "month"}


def _english_count(words: str) -> int:
    if words.isdigit():
        return int(words)
    return {"a": 1, "an": 1, "a couple of": 2, "a few": 3}.get(words) or english_number(words)


def _moved(today: date, count: int, unit: str) -> date | None:
    if unit == "month":
        months = today.month - 1 + count
        return _day(today.year + months // 12, months % 12 + 1, min(today.day, 28) if today.day > 28 else today.day)
    return today + timedelta(count * {"day": 1, "week": 7, "fortnight": 14}[unit])


def _written(text: str, today: date, direction: str | None) -> _Days:
    for match in _ISO.finditer(text):
        yield _day(int(match["year"]), int(match["month"]), int(match["day"])), *match.span()
    for pattern in (_EN_MONTH_DAY, _EN_DAY_MONTH):
        for match in pattern.finditer(text):
            month = _MONTH_OF[match["month"].rstrip(".")]
            yield _in_year(match["year"], month, int(match["day"]), today, direction), *match.span()
    for match in _ZH_DATE.finditer(text):
        month, day = _zh_int(match["month"]), _zh_int(match["day"])
        near = {"今": today.year, "明": today.year + 1, "去": today.year - 1}
        year = near.get(match["year"] or "") or (_zh_int(match["year"]) if match["year"] else None)
        yield _in_year(str(year) if year else None, month, day, today, direction), *match.span()
    for match in _SLASHED.finditer(text):
        yield _slashed(match, today, direction), *match.span()


def _slashed(match: re.Match[str], today: date, direction: str | None) -> date | None:
    one, two, year = int(match["one"]), int(match["two"]), match["year"]
    if match["mark"] != "/" and not year:  # 3.5 and 3-4 are numbers
        return None
    month, day = (two, one) if match["mark"] == "." or one > 12 else (one, two)
    return _in_year(f"20{year}" if year and len(year) == 2 else year, month, day, today, direction)


def _partly(text: str, today: date, direction: str | None) -> _Days:
    """A day of a month that is not named."""
    for match in _EN_DAY_ONLY.finditer(text):
        yield _of_month(int(match["day"]), today, direction), *match.span()
    for match in _ZH_DAY_ONLY.finditer(text):
        day, which = _zh_int(match["day"]), match["which"] or ""
        if which:
            months = today.month - 1 + {"下": 1, "上": -1}.get(which[0], 0)
            yield _day(today.year + months // 12, months % 12 + 1, day), *match.span()
        else:
            yield _of_month(day, today, direction), *match.span()
    for match in [*_EN_MONTH_END.finditer(text), *_ZH_MONTH_END.finditer(text)]:
        later = match[0].startswith("下")
        first = date(today.year, today.month, 1)
        for _ in range(2 if later else 1):
            first = (first + timedelta(32)).replace(day=1)
        yield first - timedelta(1), *match.span()


def _of_month(day: int, today: date, direction: str | None) -> date | None:
    """The nearest such day ahead, or behind where the past is meant; months without it are passed over."""
    step = -1 if direction == "past" else 1
    for months in range(3):
        place = today.month - 1 + step * months
        found = _day(today.year + place // 12, place % 12 + 1, day)
        if found is not None and (found - today).days * step >= 0:
            return found
    return None


def _in_year(year: str | None, month: int, day: int, today: date, direction: str | None) -> date | None:
    return _day(int(year), month, day) if year else _nearest(today, direction, month, day)


def _nearest(today: date, direction: str | None, month: int, day: int) -> date | None:
    years = [_day(today.year + step, month, day) for step in (-1, 0, 1)]
    known = [each for each in years if each is not None]
    if direction == "future":
        known = [each for each in known if each >= today]
    elif direction == "past":
        known = [each for each in known if each <= today]
    return min(known, key=lambda each: abs((each - today).days), default=None)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _zh_int(written: str) -> int:
    return int(written) if written.isascii() else int(chinese_number(written))


_READERS: tuple[Callable[[str, date, str | None], _Days], ...] = (_named, _weekdays, _counted, _written, _partly)

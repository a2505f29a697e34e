"""How a flow says a value to people: 2026-11-27 is Friday, 27 November 2026, or 2026年11月27日（周五）.

Values are kept as tools want them. What stands in a text for a customer is said; conditions, formulas and tools'
arguments get the value as it is kept. Languages other than English and Chinese read dates and times as they are
written everywhere: 2026-11-27, 19:30.
"""

import re
from collections.abc import Mapping
from datetime import date as Date
from datetime import time as Time
from itertools import islice
from typing import Any

# The name under which a template finds the language that values are said in; none can be written that names it.
SAID = "_said"
_WEEKDAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "zh": "周一 周二 周三 周四 周五 周六 周日".split(),
}
_MONTHS = "January February March April May June July August September October November December".split()
_SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "HKD": "HK$", "JPY": "JP¥"}
_TRUTH = {"en": ("yes", "no"), "zh": ("是", "否")}
# Parts of a Chinese day by the hour at which each begins.
_PARTS = ((18, "晚上"), (13, "下午"), (12, "中午"), (5, "上午"), (0, "凌晨"))
_HOURS = {"en": {"00:00": "midnight", "12:00": "noon"}}
_AND = {"en": (", ", " and "), "zh": ("、", "和")}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?")
_MOMENT = re.compile(rf"(?P<date>{_DATE.pattern})[T ](?P<time>{_TIME.pattern})(?:Z|[+-]\d\d:?\d\d)?")
# A list in a list is no sentence any more; deeper data are not said. Nobody reads more items than these.
_DEEPEST, _MOST = 3, 100


class Labelled(str):
    """A choice as it is kept, with what people call it: compared as the value, said as the label."""

    __slots__ = ("label",)
    label: str

    @classmethod
    def of(cls, value: str, label: str) -> "Labelled":
        made = cls(value)
        made.label = label
        return made


class Unsaid(str):
    """A text that stands as it is, also where it looks like a date."""

    __slots__ = ()


def said(value: Any, language: str, depth: int = 0) -> str:
    """What people read for a value; "" for null and for what is no plain data."""
    if isinstance(value, str):
        return _text_said(value, language)
    if isinstance(value, int | float):
        return _number_said(value, language)
    if isinstance(value, Mapping) and set(value) == {"amount", "currency"} and _is_amount(value["amount"]):
        return money_said(value)
    if depth < _DEEPEST and isinstance(value, Mapping | list | tuple):
        items = islice(value.values() if isinstance(value, Mapping) else value, _MOST)
        return _listed([text for text in (said(item, language, depth + 1) for item in items) if text], language)
    return ""


def date_said(written: str, language: str | None) -> str:
    """Friday, 27 November 2026, or 2026年11月27日（周五）. Raises ValueError for what is no date."""
    day = Date.fromisoformat(written[:10])
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日（{_WEEKDAYS['zh'][day.weekday()]}）"
    return f"{_WEEKDAYS['en'][day.weekday()]}, {day.day} {_MONTHS[day.month - 1]} {day.year}"


def time_said(written: str, language: str) -> str:
    """7:30 pm, noon, or 晚上7:30, 上午9点. Raises ValueError for what is no time."""
    moment = Time.fromisoformat(written)
    on_the_hour = moment.minute == 0
    if language == "zh":
        part = next(name for begins, name in _PARTS if moment.hour >= begins)
        hour = moment.hour - 12 if moment.hour > 12 else moment.hour
        return f"{part}{hour}点" if on_the_hour else f"{part}{hour}:{moment.minute:02}"
    if language == "en":
        hour, half = moment.hour % 12 or 12, "am" if moment.hour < 12 else "pm"
        whole = f"{hour} {half}" if on_the_hour else f"{hour}:{moment.minute:02} {half}"
        return _HOURS["en"].get(moment.strftime("%H:%M"), whole)
    return moment.strftime("%H:%M")


def money_said(value: Any, currency: Any = None) -> str:
    """{"amount": 99.5, "currency": "CNY"} or 99.5 with a currency is ¥99.50. Raises TypeError for what is no amount."""
    if isinstance(value, Mapping):
        value, currency = value.get("amount"), value.get("currency") or currency
    if not _is_amount(value):
        raise TypeError("not an amount")
    sign = _SIGNS.get(str(currency), f"{currency} " if isinstance(currency, str) else "")
    return f"{sign}{value:,.2f}"


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number_said(value: float, language: str) -> str:
    """yes, 4, 99.5; a whole number without its point."""
    if isinstance(value, bool):
        return _TRUTH.get(language, _TRUTH["en"])[0 if value else 1]
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _text_said(text: str, language: str) -> str:
    """A label, a text, or the date, time or moment that the whole of it is."""
    if isinstance(text, Labelled):
        return text.label
    if isinstance(text, Unsaid) or language not in _WEEKDAYS or not text[:1].isdigit():
        return str(text)
    try:
        return _moment_said(text, language)
    except ValueError:  # 2026-02-30
        return text


def _moment_said(text: str, language: str) -> str:
    if _DATE.fullmatch(text):
        return date_said(text, language)
    if _TIME.fullmatch(text):
        return time_said(text, language)
    moment = _MOMENT.fullmatch(text)
    if moment is None:
        return text
    between = "" if language == "zh" else ", "
    return between.join([date_said(moment["date"], language), time_said(moment["time"], language)])


def _listed(texts: list[str], language: str) -> str:
    """a, b and c."""
    between, last = _AND.get(language, (", ", ", "))
    return last.join([between.join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)

"""What templates of flows may do with values: format, count, pick. Each is bounded in what it takes and gives."""

from collections.abc import Callable, Iterable, Mapping
from datetime import time as Time
from itertools import islice
from typing import Any

from kefu.brain.flow.spoken import SAID, Unsaid, date_said, money_said, said
from kefu.brain.slots.phrases import yes_or_no

# A value in between may be longer than a message, but not without end.
_LONGEST, _MOST = 10_000, 1000
_LARGEST = 10**18


def compute(operator: Callable[[Any, Any], Any], sign: str, left: Any, right: Any) -> Any:
    """Add, subtract, multiply, divide numbers; join texts and lists with +. Raises TypeError, OverflowError."""
    if _is_number(left) and _is_number(right):
        result = operator(left, right)
        if abs(result) > _LARGEST:
            raise OverflowError("too large")
        return round(result, 10) if isinstance(result, float) else result
    if sign == "+" and isinstance(left, str) and isinstance(right, str):
        return str(bounded(left + right))
    if sign == "+" and isinstance(left, list) and isinstance(right, list):
        return bounded(left + right)
    raise TypeError(f"{sign} between {type(left).__name__} and {type(right).__name__}")


def bounded(value: Any) -> Any:
    """The value, if it is no longer than values may be. Raises OverflowError."""
    if (isinstance(value, str) and len(value) > _LONGEST) or (isinstance(value, list) and len(value) > _MOST):
        raise OverflowError("too long")
    return value


def few(most: int) -> Callable[[Any], list[Any]]:
    """A filter that gives the first items of anything that can be looped over."""

    def take(value: Any) -> list[Any]:
        return list(islice(value, most)) if _is_series(value) else []

    return take


def dated(context: Mapping[str, Any], value: Any, language: Any = None) -> str:
    """2026-11-27 in the language that the flow speaks: Friday, 27 November 2026, or 2026年11月27日（周五）.

    `date('zh')` says it in Chinese whatever the flow speaks; other languages than Chinese read English.
    """
    return _date(value, context.get("language") if language is None else language)


def _date(value: Any, language: Any = "en") -> str:
    try:
        return date_said(str(value), language)
    except ValueError:
        return _text(value)


def _time(value: Any) -> str:
    try:
        return Unsaid(Time.fromisoformat(str(value)).strftime("%H:%M"))
    except ValueError:
        return _text(value)


def _money(value: Any, currency: Any = None) -> str:
    """{"amount": 99.5, "currency": "CNY"} or 99.5 with `money('CNY')` is ¥99.50."""
    try:
        return money_said(value, currency)
    except TypeError:
        return _text(value)


def _number(value: Any, places: Any = None) -> str:
    """1234.5 is 1,234.5, and 1,234.50 with `number(2)`."""
    if not _is_number(value):
        return _text(value)
    if isinstance(places, int) and 0 <= places <= 10:
        return f"{value:,.{places}f}"
    return f"{value:,}"


def _text(value: Any) -> str:
    return "" if value is None else str(bounded(value) if isinstance(value, str | list) else value)


def _default(value: Any, instead: Any = "", also_if_empty: Any = True) -> Any:
    from jinja2 import Undefined

    return instead if isinstance(value, Undefined) or value is None or (also_if_empty and value == "") else value


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str) or _is_series(value) else 0


def joined(context: Mapping[str, Any], value: Any, between: Any = ", ") -> str:
    """The items of a list in one text, each as people say it where the text is for people."""
    language = context.get(SAID)
    return _join(value, between, str if language is None else lambda item: said(item, language))


def _join(value: Any, between: Any = ", ", written: Callable[[Any], str] = str) -> str:
    parts: list[str] = []
    length = 0
    for item in _list(value):
        parts.append("" if item is None else written(bounded(item)))
        length += len(parts[-1]) + len(_text(between))
        if length > _LONGEST:
            raise OverflowError("too long")
    return _text(between).join(parts)


def _replace(value: Any, old: Any, new: Any) -> str:
    text, old, new = _text(value), _text(old), _text(new)
    if not old:
        return text
    if len(text) + text.count(old) * len(new) > _LONGEST:
        raise OverflowError("too long")
    return text.replace(old, new)


def _round(value: Any, places: Any = 0) -> Any:
    if not _is_number(value) or not isinstance(places, int) or not 0 <= places <= 10:
        raise TypeError("not a number")
    return round(value, places) if places else round(value)


def _int(value: Any, instead: Any = 0) -> Any:
    number = _float(value, None)
    return int(number) if number is not None and abs(number) <= _LARGEST else instead


def _float(value: Any, instead: Any = 0.0) -> Any:
    if _is_number(value):
        return float(value)
    try:
        return float(_text(value)[:40].replace(",", ""))
    except ValueError:
        return instead


def _list(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(islice(value, _MOST))
    return list(islice(value, _MOST)) if _is_series(value) or isinstance(value, str) else []


def _first(value: Any) -> Any:
    return next(iter(_list(value)), None)


def _last(value: Any) -> Any:
    items = _list(value)
    return items[-1] if items else None


def _sort(value: Any, by: Any = None) -> list[Any]:
    """In order; of a list of objects by one of their parts. Kinds that have no order stand as texts."""
    items = _list(value)
    keys = [item.get(by) if isinstance(item, Mapping) and isinstance(by, str) else item for item in items]
    numbers = all(_is_number(key) for key in keys)

    def place(at: int) -> Any:
        return keys[at] if numbers else _text(keys[at])

    return [items[at] for at in sorted(range(len(items)), key=place)]


def _unique(value: Any) -> list[Any]:
    seen: dict[str, Any] = {}
    for item in _list(value):
        seen.setdefault(_text(item), item)
    return list(seen.values())


def _part(value: Any, name: Any) -> list[Any]:
    """One part of each object in a list: `orders | part('number')`."""
    return [item.get(name) for item in _list(value) if isinstance(item, Mapping) and isinstance(name, str)]


def _where(value: Any, name: Any, equals: Any) -> list[Any]:
    """The objects of a list of which one part is this: `orders | where('status', 'open')`."""
    return [item for item in _list(value) if isinstance(item, Mapping) and item.get(name) == equals]


def _sum(value: Any, name: Any = None) -> Any:
    items = _part(value, name) if isinstance(name, str) else _list(value)
    total = sum(item for item in items if _is_number(item))
    return round(total, 10) if isinstance(total, float) else total


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(islice(value.items(), _MOST)) if isinstance(value, Mapping) else []


def _truncate(value: Any, length: Any = 100) -> str:
    text = _text(value)
    return text if not isinstance(length, int) or len(text) <= length else text[: max(0, length - 1)] + "…"


def _split(value: Any, between: Any = None) -> list[str]:
    return _text(value).split(_text(between) or None)[:_MOST]


def _agrees(value: Any) -> bool | None:
    """Whether a text begins with a yes or a no in either language; null where it begins with neither."""
    return yes_or_no(_text(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_series(value: Any) -> bool:
    return isinstance(value, list | tuple | Mapping) or (isinstance(value, Iterable) and isinstance(value, range))


FILTERS: dict[str, Callable[..., Any]] = {
    "date": _date,
    "time": _time,
    "money": _money,
    "number": _number,
    "upper": lambda value: _text(value).upper(),
    "lower": lambda value: _text(value).lower(),
    "title": lambda value: _text(value).title(),
    "capitalize": lambda value: _text(value).capitalize(),
    "trim": lambda value: _text(value).strip(),
    "default": _default,
    "length": _length,
    "join": _join,
    "replace": _replace,
    "round": _round,
    "int": _int,
    "float": _float,
    "string": lambda value: Unsaid(_text(value)),
    "list": _list,
    "first": _first,
    "last": _last,
    "sort": _sort,
    "unique": _unique,
    "part": _part,
    "where": _where,
    "sum": _sum,
    "items": _items,
    "truncate": _truncate,
    "split": _split,
    "agrees": _agrees,
}

"""One of a list that a tool gave: by its number, its name, "the second one", "the cheapest", 最便宜的."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kefu.brain.flow.run import Run
from kefu.brain.slots.choices import chosen
from kefu.contracts.flow import Choice, ChooseStep, Json
from kefu.knowledge.words import fold

# More than these are not offered: nobody reads them, and buttons of most channels end at ten.
MOST_OFFERED = 10
# A name is at most so long; longer texts are descriptions, in which too many words stand.
_LONGEST_NAME = 60
# A word or part of a name tells which is meant from so many characters; fewer are in too many others.
_SHORTEST_WORD, _SHORTEST_PART = 4, 2
_LEAST = {
    "price": (
        r"cheap\w*|least expensive|lowest(?: price)?|best price|most affordable"
        r"|最便宜|最低价?|价格?最低|便宜(?:点|一点|些)?的"
    ),
    "time": r"earli\w+|soonest|quickest|as soon as possible|asap|最早|最快|早(?:点|一点|些)?的",
    "distance": r"near\w*|closest|最近",
    "rating": r"worst|lowest rated|最差|评分最低",
}
_MOST = {
    "price": r"most expensive|dearest|priciest|highest(?: price)?|最贵|价格?最高",
    "time": r"latest|most recent|newest|最晚|最新|最后",
    "distance": r"farthest|furthest|最远",
    "rating": r"best(?! price)|highest rated|top rated|most popular|最好|评分最高|最受欢迎",
}
ASPECTS = tuple(_LEAST)
_FIRST = (
    "any",
    "either",
    "whichever",
    "whatever",
    "surprise me",
    "you choose",
    "doesn't matter",
    "don't mind",
    "don't care",
)
_ANY = re.compile(rf"\b(?:{'|'.join(_FIRST)})\b|随便|都可以|都行|哪个都|无所谓|任意")
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_FILLER = re.compile(
    r"^(?:i(?:'ll| will)? (?:take|have|want|like)|the|please|我要|选|要|就)\s*|\s*(?:please|one|吧|的|那个?)$"
)


@dataclass(frozen=True)
class Offered:
    """An item of the list with its place, as customers may name it."""

    choice: Choice
    item: Json


def offered(run: Run, step: ChooseStep) -> list[Offered]:
    """The items that a step offers now; none where its list is no list. Raises FlowFailed."""
    found = run.value(step.source)
    items = [each for each in found if each is not None][:MOST_OFFERED] if isinstance(found, list) else []
    names = [_names(item) for item in items]
    made = []
    for at, item in enumerate(items):
        label = run.words(step.label, item=item, place=at + 1)
        others = [word for place, each in enumerate(names) if place != at for name in each for word in _words(name)]
        words = [word for name in names[at] for word in _words(name) if word not in others]
        synonyms = tuple(dict.fromkeys([*names[at], *words, *_figures(item, step.compare, len(items))]))
        made.append(Offered(Choice(str(at + 1), {run.language(): label}, {"*": synonyms}), item))
    return made


def picked(step: ChooseStep, items: Sequence[Offered], text: str) -> Offered | None:
    """Which item a message means; None where it means none, or two."""
    found = chosen([each.choice for each in items], text, asked=True)
    if found:
        return next(each for each in items if each.choice.value == found[0].value)
    folded = fold(text)
    extreme = _extreme(step.compare, items, folded)
    if extreme is not None:
        return extreme
    part = _FILLER.sub("", _FILLER.sub("", folded.strip(" .!?。！？,，"))).strip()
    if len(part) >= _SHORTEST_PART and not part.isdigit():
        holding = [each for each in items if any(part in fold(name) for name in _names(each.item))]
        if len(holding) == 1:
            return holding[0]
    return items[0] if items and _ANY.search(folded) else None


def _extreme(compare: Mapping[str, Json], items: Sequence[Offered], folded: str) -> Offered | None:
    """The cheapest, the earliest, the nearest: the item whose field is least or most, where all can be compared."""
    for aspect, name in compare.items():
        for words, is_most in ((_MOST.get(aspect), True), (_LEAST.get(aspect), False)):
            if words is None or not re.search(words, folded):
                continue
            held = [(_measure(_field(each.item, str(name))), each) for each in items]
            known = [(value, each) for value, each in held if value is not None]
            if not known or len({type(value) for value, _ in known}) > 1:
                return None
            values = [value for value, _ in known]
            best = max(values) if is_most else min(values)  # type: ignore[type-var]  # all are of one type
            return next(each for value, each in known if value == best)
    return None


def _measure(value: Json) -> float | str | None:
    """A value that can be compared: a number, one written in a text ("from 20 €"), or a date or time as text."""
    if isinstance(value, dict):
        value = value.get("amount")
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        is_moment = re.fullmatch(r"\d{4}-\d\d-\d\d.*|\d{1,2}:\d\d(?::\d\d)?", value)
        if is_moment:
            return value if value[1:2] != ":" else f"0{value}"  # 9:30 is before 10:00
        number = _NUMBER.search(value)
        return float(number[0].replace(",", ".")) if number else None
    return None


def _field(item: Json, name: str) -> Json:
    return item.get(name) if isinstance(item, dict) else item


def _names(item: Json) -> list[str]:
    """The short texts of an item: its name, its number."""
    values = item.values() if isinstance(item, dict) else (item,)
    return [value for value in values if isinstance(value, str) and 1 < len(value.strip()) <= _LONGEST_NAME]


def _words(name: str) -> Iterator[str]:
    yield from (word for word in re.findall(r"[^\W\d_]+", fold(name)) if len(word) >= _SHORTEST_WORD and word.isascii())


def _figures(item: Json, compare: Mapping[str, Json], places: int) -> Iterator[str]:
    """A price as it is said, "the 25 one"; not where it could be a place in the list."""
    for name in compare.values():
        value = _measure(_field(item, str(name)))
        if isinstance(value, float) and value > places:
            yield f"{value:g}"

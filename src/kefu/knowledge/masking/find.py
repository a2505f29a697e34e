"""Runs the finders that a text can concern and settles what they both claim."""

import re
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator

from kefu.knowledge.masking import addresses_en, addresses_zh, cards, identity, names_en, names_zh, online, phones
from kefu.knowledge.masking.entity import PLACEHOLDER, Entity
from kefu.knowledge.masking.letters import has_han, has_latin, plain

_Finder = Callable[[str], Iterable[Entity]]

# Cheap tests for whether a finder can find anything; most messages pass few of them.
_NUMBERS = re.compile(r"\d[\d\-. ()·]{3,}\d|\(\d{3}\)")  # five digits, grouped or not
_LONG_NUMBER = re.compile(r"\d(?:[ \-]?[\dXx]){13}")
_CODE = re.compile(r"[0-9A-Za-z]{7}")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}[ \-]?[A-Za-z0-9]{4}")
_ADDRESS_V4 = re.compile(r"\d\.\d+\.\d+\.\d|[0-9A-Fa-f]:[0-9A-Fa-f:]*:")
_CHAT = re.compile(r"微信|薇信|威信|徽信|we ?chat|weixin|[vw]x|v信|qq|扣扣|企鹅|加q|我的?q", re.IGNORECASE)
_PLATE = re.compile(r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Za-z]")
_SPELT = re.compile(r"\bdot\b|[(\[{] ?dot", re.IGNORECASE)


# Passes over a message: masking a name may free the number that was written onto it (John Smith13800138000), and so
# on. Two are the rule; the bound is for texts that are written to have more.
_PASSES = 8
# Stands for what is found already: no letter, digit or Chinese character, so it ends a name and is no cue.
_BLANK = "\ufffc"


def find(text: str, language: str | None = None) -> tuple[Entity, ...]:
    """Return the personal data in a message, in order of place, never overlapping.

    `language` ("zh" or "en", as a language detector gives it) is only a hint: finders look at the script of the text,
    because one message may hold both. Offsets count characters of `text` as given. Placeholders (`<PHONE_1>`) are
    neither personal data nor cues. Raises nothing for any string.
    """
    form = PLACEHOLDER.sub(lambda match: _BLANK * len(match[0]), plain(text)) if "<" in text else plain(text)
    found: list[Entity] = []
    for _ in range(_PASSES):
        new = _pass(form, found)
        if not new:
            break
        found = settled([*found, *new])
        form = blanked(form, new)
    return tuple(Entity(one.start, one.end, one.kind, text[one.start : one.end]) for one in found)


def _pass(form: str, before: list[Entity]) -> list[Entity]:
    found = settled(_certain(form))
    found = settled([*found, *_places(form)])
    found = settled([*found, *_names(form, [*before, *found])])
    return settled([*found, *_mentioned_again(form, found)])


def blanked(form: str, entities: Iterable[Entity]) -> str:
    """Return the text with the entities, in order of place, blanked out; every offset stays as it was."""
    parts: list[str] = []
    position = 0
    for one in entities:
        parts += (form[position : one.start], _BLANK * (one.end - one.start))
        position = one.end
    return "".join((*parts, form[position:]))


def _certain(text: str) -> Iterator[Entity]:
    """Yield what has a form of its own, the surest first: where two overlap, the earlier finder wins."""
    if "@" in text:
        yield from online.find_emails(text)
    if _SPELT.search(text):
        yield from online.find_spelt_emails(text)
    for gate, finder in _GATED:
        if gate.search(text):
            yield from finder(text)


_GATED: tuple[tuple[re.Pattern[str], _Finder], ...] = (
    (_IBAN, cards.find_ibans),
    (_LONG_NUMBER, identity.find_residents),
    (_CODE, identity.find_companies),
    (_LONG_NUMBER, cards.find_cards),
    (_CHAT, online.find_qq),
    (_NUMBERS, identity.find_social_security),
    (_NUMBERS, phones.find_phones),
    (_ADDRESS_V4, online.find_ips),
    (_CHAT, online.find_wechat),
    (_PLATE, identity.find_plates),
    (_CODE, identity.find_passports),
)


def _places(text: str) -> Iterator[Entity]:
    if has_han(text):
        yield from addresses_zh.find_chinese_addresses(text)
    if has_latin(text):
        yield from addresses_en.find_english_addresses(text)


def _names(text: str, others: list[Entity]) -> Iterator[Entity]:
    if has_han(text):
        yield from names_zh.find_chinese_names(text, others)
    if has_latin(text):
        yield from names_en.find_latin_names(text)


def _mentioned_again(text: str, found: list[Entity]) -> Iterator[Entity]:
    """A second mention has no cue of its own: 我叫王洋娜…王洋娜的订单."""
    values = {text[one.start : one.end]: one.kind for one in found if one.kind in ("ZH_NAME", "EN_NAME")}
    for value, kind in values.items():
        yield from occurrences(text, value, kind)


def occurrences(text: str, value: str, kind: str) -> Iterator[Entity]:
    """Yield every place where the value stands as a whole: in Latin letters or digits, not inside a longer word."""
    start_edge = r"(?<![A-Za-z0-9])" if value[:1].isascii() else ""
    end_edge = r"(?![A-Za-z0-9])" if value[-1:].isascii() else ""
    for match in re.finditer(start_edge + re.escape(value) + end_edge, text):
        yield Entity(match.start(), match.end(), kind, match[0])


def settled(found: Iterable[Entity]) -> list[Entity]:
    """Keep, of entities that overlap, the one reported first; return them in order of place."""
    kept: list[Entity] = []
    starts: list[int] = []
    for entity in found:
        index = bisect(starts, entity.start)
        free_before = index == 0 or kept[index - 1].end <= entity.start
        if free_before and (index == len(kept) or entity.end <= kept[index].start):
            kept.insert(index, entity)
            starts.insert(index, entity.start)
    return kept

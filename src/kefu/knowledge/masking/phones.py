"""Telephone numbers: Chinese mobiles and landlines, North American numbers, and those of other countries."""

import re
from collections.abc import Iterator

from kefu.knowledge.masking.context import cue_after, cue_before
from kefu.knowledge.masking.entity import Entity
from kefu.knowledge.masking.letters import digits_of, has_han

# A number may follow a letter only where the letters are a label written without a space: "tel13800138000".
_LEFT = r"(?:(?<![A-Za-z0-9_.])|(?<=tel)|(?<=phone)|(?<=mobile)|(?<=cell)|(?<=\bm)|(?<=\bt))(?<!\d[-.])"
_RIGHT = r"(?![A-Za-z0-9_]|[-.]\d)"
_GAP = r"[ .\-·]?"
_EXTENSION = r"(?:\s?(?:转|分机|ext\.?|x|extension)\s?:?\d{1,6})?"

# 11 digits from 13 to 19. The country code is written +86, 86, 0086 or in brackets. People group the digits 3-4-4,
# 3-3-5, 3-5-3 or 4-3-4, or put the same separator between all of them.
_MOBILE = re.compile(
    _LEFT
    + r"(?:(?<!\+)|(?=\+))(?:(?:\((?:\+|00)?86\)|(?:\+|00)?86)[- ]?)?(?:"
    + rf"1[3-9]\d(?:{_GAP}\d{{4}}{_GAP}\d{{4}}|{_GAP}\d{{3}}{_GAP}\d{{5}}|{_GAP}\d{{5}}{_GAP}\d{{3}})"
    + rf"|1[3-9]\d{{2}}{_GAP}\d{{3}}{_GAP}\d{{4}}|1(?P<gap>[ .\-])[3-9](?:(?P=gap)\d){{9}})"
    + _RIGHT,
    re.IGNORECASE,
)
# Area codes: 010, 02x, 03xx to 09xx; then 7 or 8 digits that do not start with 0 or 1.
_LANDLINE = re.compile(
    _LEFT
    + r"(?:(?:\+|00)86[- ]?)?"
    + r"(?:\(0?(?:10|2\d|[3-9]\d{2})\)|0(?:10|2\d|[3-9]\d{2})|(?<=86[- ])(?:10|2\d|[3-9]\d{2}))"
    + rf"(?P<gap>\s?[-./]?\s?)[2-9]\d{{2,3}}[- ]?\d{{4}}(?:-\d{{1,4}})?{_EXTENSION}"
    + _RIGHT,
    re.IGNORECASE,
)
_LOCAL = re.compile(_LEFT + rf"[2-9]\d{{2,3}}[- ]?\d{{4}}{_EXTENSION}" + _RIGHT, re.IGNORECASE)
# North America: neither area code nor exchange starts with 0 or 1. 555 numbers count: phones in examples are personal
# data in the same way, and `phonenumbers` would refuse some.
_AMERICAN = re.compile(
    _LEFT
    + r"(?P<country>\+?1[-. ]?)?(?:\((?P<area>[2-9]\d{2})\)|[2-9]\d{2})"
    + rf"(?P<gap>\s?[-./ ]?\s?)[2-9]\d{{2}}(?P<gap2>[-. ]?)\d{{4}}{_EXTENSION}"
    + _RIGHT,
    re.IGNORECASE,
)
_HOTLINE = re.compile("[48]00")  # a Chinese firm's, so nobody's personal number
_SEVEN = re.compile(_LEFT + r"[2-9]\d{2}-\d{4}" + _RIGHT)
_ABROAD = re.compile(_LEFT + r"(?:\+|\b00)[1-9](?:[ .\-()/]{0,2}\d){6,14}" + _EXTENSION + _RIGHT, re.IGNORECASE)
_NATIONAL = re.compile(_LEFT + r"\(?0\d(?:[ \-()]{0,2}\d){7,10}" + _RIGHT)
# Whose trunk prefix is 0 and whose customers write in English without a country code.
_REGIONS = ("GB", "AU", "IN", "ZA", "NZ", "IE")


def find_phones(text: str) -> Iterator[Entity]:
    """Yield telephone numbers in a text in plain form (see `letters.plain`), the surest first."""
    chinese = has_han(text)
    yield from _mobiles(text)
    if "+" in text or "00" in text:
        yield from _abroad(text)
    if chinese:
        yield from _landlines(text)
    yield from _americans(text, chinese)
    if not chinese and "0" in text:
        yield from _national(text)


def _mobiles(text: str) -> Iterator[Entity]:
    for match in _MOBILE.finditer(text):
        cue = cue_before(text, match.start())
        if cue == "order" or (cue == "qq" and cue_after(text, match.end()) != "phone"):
            continue
        yield _entity(match, "ZH_MOBILE")


def _landlines(text: str) -> Iterator[Entity]:
    for match in _LANDLINE.finditer(text):
        cue = cue_before(text, match.start())
        written_together = not match["gap"] and "(" not in match[0]
        if cue == "order" or (written_together and not _is_called(text, match, cue)):
            continue
        yield _entity(match, "ZH_LANDLINE")
    for match in _LOCAL.finditer(text):
        if _directly_after_label(text, match.start()):
            yield _entity(match, "ZH_LANDLINE")


def _is_called(text: str, match: re.Match[str], cue: str | None) -> bool:
    """Digits without any separator need a word for a telephone, or no other word and an area code that exists."""
    if cue in ("phone", "landline") or _DIALLED.search(text, 0, match.start()):
        return True
    import phonenumbers

    return cue is None and phonenumbers.is_valid_number(phonenumbers.parse(match[0], "CN"))


_DIALLED = re.compile(r"[打拨]\s?$")
_LABEL = re.compile(r"(?:座机|固话|固定电话|办公电话|家里电话|公司电话|电话)(?:号码?)?[是为:]?\s?$")


def _directly_after_label(text: str, start: int) -> bool:
    """Seven or eight digits alone are a telephone number only straight after the word for one."""
    return _LABEL.search(text[max(0, start - 10) : start]) is not None


def _americans(text: str, chinese: bool) -> Iterator[Entity]:
    for match in _AMERICAN.finditer(text):
        if chinese and _HOTLINE.match(match[0]):
            continue
        cue = cue_before(text, match.start())
        if cue in ("order", "qq", "version", "wechat"):
            continue
        looks_like_one = (
            match["area"] or (match["gap"].strip() and match["gap2"]) or (match["country"] or "").strip(" -.") == "+1"
        )
        spaced = match["gap"] and match["gap2"]
        called_one = cue == "phone" or cue_after(text, match.end()) == "phone"
        if looks_like_one or called_one or (spaced and cue not in ("card", "tax", "id")):
            yield _entity(match, "US_PHONE")
    for match in _SEVEN.finditer(text):
        if cue_before(text, match.start()) == "phone":
            yield _entity(match, "US_PHONE")


def _abroad(text: str) -> Iterator[Entity]:
    for match in _ABROAD.finditer(text):
        number = match[0] if match[0].startswith("+") else "+" + match[0][2:]
        if match[0].startswith("+") or cue_before(text, match.start()) == "phone":
            kind = _kind_abroad(number)
            if kind:
                yield _entity(match, kind)


def _kind_abroad(number: str) -> str | None:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    if parsed.country_code == 1:
        return "US_PHONE" if len(str(parsed.national_number)) == 10 else None
    if not phonenumbers.is_valid_number(parsed):
        return None
    if parsed.country_code == 86:
        mobile = phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.MOBILE
        return "ZH_MOBILE" if mobile else "ZH_LANDLINE"
    return "PHONE"


def _national(text: str) -> Iterator[Entity]:
    for match in _NATIONAL.finditer(text):
        called_one = "phone" in (cue_before(text, match.start()), cue_after(text, match.end()))
        if called_one and 9 <= len(digits_of(match[0])) <= 12 and _possible_somewhere(match[0]):
            yield _entity(match, "PHONE")


def _possible_somewhere(number: str) -> bool:
    import phonenumbers

    for region in _REGIONS:
        try:
            if phonenumbers.is_possible_number(phonenumbers.parse(number, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def _entity(match: re.Match[str], kind: str) -> Entity:
    return Entity(match.start(), match.end(), kind, match[0])

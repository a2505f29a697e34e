"""Numbers that stand for a person or a firm: resident IDs, social security, passports, plates, company codes."""

import re
from collections.abc import Iterator
from datetime import date

from kefu.knowledge.masking.context import cue_after, cue_before, has_cue
from kefu.knowledge.masking.entity import Entity

_LEFT = r"(?<![A-Za-z0-9_])"
_RIGHT = r"(?![A-Za-z0-9_])"

# GB/T 2260: the first two digits are the province.
_PROVINCE = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91)"
# GB 11643: six digits of place, eight of birth date, three of order, one check character.
_RESIDENT = re.compile(_LEFT + _PROVINCE + r"\d{4}[ \-]?(?P<born>(?:18|19|20)\d{6})[ \-]?\d{3}[\dXx]" + _RIGHT)
_RESIDENT_OLD = re.compile(
    _LEFT + _PROVINCE + r"\d{4}(?P<born>\d{6})\d{3}" + _RIGHT
)  # before 1999, without check digit
_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS = "10X98765432"

_SSN = re.compile(
    _LEFT + r"(?<![-.])(?!000|666)\d{3}(?P<gap>[- ]?)(?!00)\d{2}(?P=gap)(?!0000)\d{4}" + _RIGHT + r"(?!-\d)"
)

# GB 32100: office, kind, six digits of place, nine of the organisation, one check character; never I, O, S, V, Z.
# Check characters are not asked for: people copy these codes from invoices, and a wrong one still names the firm.
_CODE = "0-9A-HJ-NP-RTUWXY"
_COMPANY = re.compile(_LEFT + rf"[1-9ANY][1-59]{_PROVINCE}\d{{4}}[{_CODE}]{{10}}" + _RIGHT, re.IGNORECASE)

# Ordinary (E, or E with a letter, formerly G), diplomatic, service, Hong Kong and Macao passports; travel permits.
_PASSPORT = re.compile(
    _LEFT + r"(?:[EG]\d{8}|E[A-HJ-NP-Z]\d{7}|[DSP]E?\d{7,8}|K[JH]?\d{7,8}|MA\d{7}|[HMCWT]\d{8})" + _RIGHT, re.IGNORECASE
)
_ORDINARY_PASSPORT = re.compile("[EG]", re.IGNORECASE)
_FOREIGN_PASSPORT = re.compile(_LEFT + r"(?=[A-Z0-9]*\d{5})[A-Z]{0,2}\d{6,9}" + _RIGHT)

_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·•. \-]?"
    r"(?:[A-HJ-NP-Z0-9]{5,6}|[A-HJ-NP-Z0-9]{4}[挂学警港澳])" + _RIGHT,
    re.IGNORECASE,
)
# Words that end in a plate's first character: 阿里云E…, 北京A…, 最新B….
_WORD_BEFORE_PLATE = re.compile(
    r"(?:里云|讯云|为云|度云|动云|山云|金云|北京|南京|东京|天津|四川|辽宁|南宁|最新|全新|更新|刷新|重新)$"
)


def find_residents(text: str) -> Iterator[Entity]:
    """Yield Chinese resident ID numbers: place, birth date and check character hold, or an ID is spoken of."""
    for match in _RESIDENT.finditer(text):
        if not _is_date(match["born"]):
            continue
        number = re.sub("[ -]", "", match[0]).upper()
        if _resident_check(number) == number[-1] or cue_before(text, match.start()) == "id":
            yield _entity(match, "ZH_ID")
    for match in _RESIDENT_OLD.finditer(text):
        if cue_before(text, match.start()) == "id" and _is_date("19" + match["born"]):
            yield _entity(match, "ZH_ID")


def _resident_check(number: str) -> str:
    """ISO 7064 MOD 11-2 over the first 17 digits."""
    total = sum(int(digit) * weight for digit, weight in zip(number, _RESIDENT_WEIGHTS, strict=False))
    return _RESIDENT_CHECKS[total % 11]


def _is_date(text: str) -> bool:
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def find_social_security(text: str) -> Iterator[Entity]:
    """Yield US social security and taxpayer numbers: 3-2-4 with hyphens, or any spelling after the word."""
    for match in _SSN.finditer(text):
        cue = cue_before(text, match.start()) or cue_after(text, match.end())
        if cue == "ssn" or (match["gap"] == "-" and cue not in ("order", "qq")):
            yield _entity(match, "US_SSN")


def find_companies(text: str) -> Iterator[Entity]:
    """Yield 18-character Chinese company codes: with a letter, or after a word for one."""
    for match in _COMPANY.finditer(text):
        cue = cue_before(text, match.start())
        called_one = cue == "tax" or cue_after(text, match.end()) == "tax"
        if called_one or (cue != "order" and not match[0].isdigit()):
            yield _entity(match, "ZH_USCC")


def find_passports(text: str) -> Iterator[Entity]:
    """Yield passport and travel permit numbers: after a word for one, or a Chinese ordinary passport's with no cue."""
    for match in _PASSPORT.finditer(text):
        cue = cue_before(text, match.start())
        called_one = cue == "id" or (cue != "order" and has_cue(text, "passport", match.start()))
        if called_one or (cue is None and _ORDINARY_PASSPORT.match(match[0]) and not text.isascii()):
            yield _entity(match, "ZH_PASSPORT")
    for match in _FOREIGN_PASSPORT.finditer(text):
        if cue_before(text, match.start()) == "passport":
            yield _entity(match, "PASSPORT")


def find_plates(text: str) -> Iterator[Entity]:
    """Yield Chinese number plates. One without a digit, or in a word that ends in its first character, needs a car."""
    for match in _PLATE.finditer(text):
        certain = any(character.isdigit() for character in match[0]) and match[0].isupper()
        in_word = _WORD_BEFORE_PLATE.search(text[max(0, match.start() - 1) : match.start() + 1]) is not None
        if (certain and not in_word) or has_cue(text, "plate", match.start()):
            yield _entity(match, "ZH_PLATE")


def _entity(match: re.Match[str], kind: str) -> Entity:
    return Entity(match.start(), match.end(), kind, match[0])

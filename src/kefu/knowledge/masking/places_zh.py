"""Words of Chinese addresses: cuts a text into words and says what part of an address each could be."""

import re
from dataclasses import dataclass
from itertools import pairwise

from kefu.knowledge.masking.lists import keyed, words

# Roles of a word. Evidence: known (a province or city by name), admin (区, 县), town (镇, 村), road, place (an estate
# or a building), unit (号, 栋, 室 after a number). Carried along: number, join ("-"), space, other (perhaps part of a
# name), weak (hardly ever begins one). Boundaries: soft (a comma, which an address may hold) and stop.
EVIDENCE = frozenset(("known", "admin", "town", "road", "place", "unit"))

_ADMIN = re.compile(r".+(?:省|市|自治区|自治州|地区|盟|[区县旗])$")
_TOWN = re.compile(r".+(?:镇|乡|街道|街道办|办事处|[村庄屯寨]|社区|园区|开发区)$")
_ROAD = re.compile(r".+(?:[路街道巷弄条里]|胡同|环线|[东西南北中]段)$")
_PLACE = re.compile(
    r".+(?:小区|花园|花苑|家园|公寓|大厦|大楼|广场|新村|别墅|公馆|宿舍|大学|学院|中学|小学|医院|写字楼|商场|中心|"
    r"[工产]业[区园]|科技园|[苑城府湾庭园阁轩郡居墅座院])$"
)
_NUMBER = re.compile(r"[A-Za-z]?\d{1,5}[A-Za-z]?|[A-Za-z]|[甲乙丙丁]\d{0,4}|第?[一二三四五六七八九十百零〇两]{1,4}")
BLOCK = re.compile("[A-Za-z0-9一二三四五六七八九十]{1,3}[座栋幢]")  # one word to the dictionary, a unit to us
_AFTER_UNIT = frozenset("楼院房室门")  # 5号|楼
_JOIN = frozenset("-~#之附·/")
_PREPOSITION = re.compile(r".+[在到往给至]$")  # 装在, 停到: a verb that ends in a preposition
_GRAMMAR = frozenset(("r", "p", "u", "uj", "ul", "uz", "c", "y", "e", "o"))  # tags: pronouns, prepositions, particles
# What a dictionary joins: SOHO4|栋, and 在世 in 装在世茂花园.
_HALVES = re.compile(r"([A-Za-z]{2,}|[在到至往])(\d+|[\u4e00-\u9fff])")
_OFFICIAL = re.compile("(?:省|市|(?:壮族|回族|维吾尔)?自治区|特别行政区|地区|州)$")


@dataclass(slots=True)
class Piece:
    """A word of the text, where it stands, and its role (see above)."""

    start: int
    end: int
    word: str
    role: str


def pieces(text: str) -> list[Piece]:
    """Cut a plain-form text into words with their roles."""
    import rjieba

    found: list[Piece] = []
    position = 0
    for word, tag in rjieba.tag(text, False):
        halves = _HALVES.fullmatch(word)
        for part in halves.groups() if halves else (word,):
            role = _role(part, tag, found[-1].role if found else "stop")
            found.append(Piece(position, position + len(part), part, role))
            position += len(part)
    for piece, following in pairwise(found):
        _correct(piece, following)
    return found


def is_known_place(word: str) -> bool:
    """Say whether the word is a province or prefecture-level city, with or without 省, 市 and the like."""
    places = words("places_zh")
    return word in places or (len(word) > 2 and _OFFICIAL.sub("", word) in places)


def _correct(piece: Piece, following: Piece) -> None:
    """Take back a role that the next word refutes."""
    if piece.role == "known" and following.role in ("road", "place") and piece.word in words("places_zh"):
        piece.role = "other"  # 延安|西路 is a road of many towns
    ordinary = piece.word[-1] in "里条道" and not piece.word.endswith("大道")
    if piece.role == "road" and ordinary and following.role != "number":
        piece.role = "other"  # 万里, 链条


def _role(word: str, tag: str, previous: str) -> str:
    return _form(word, previous) or _suffix(word, previous) or _boundary(word, tag) or _ending(word)


def _form(word: str, previous: str) -> str | None:
    """Return the role that a word has by its form alone."""
    if word.isspace():
        return "space"
    if word in (",", "，"):
        return "soft"
    if word in _JOIN:
        return "join"
    follows_number = word in keyed("address_words_zh")["unit"] and previous == "number"
    if follows_number or (word in _AFTER_UNIT and previous == "unit") or BLOCK.fullmatch(word):
        return "unit"
    if _NUMBER.fullmatch(word):
        return "number"
    return "known" if is_known_place(word) else None


def _suffix(word: str, previous: str) -> str | None:
    """Names that no dictionary has come as single characters, with the suffix as a word of its own: 珞|喻|路."""
    if previous not in ("other", "weak", "number", "known", "admin", "place", "road", "town"):
        return None
    for role in ("road", "place", "town"):
        if word in keyed("address_words_zh")[role]:
            return role
    return "admin" if word in keyed("address_words_zh")["admin"] and previous != "number" else None


def _boundary(word: str, tag: str) -> str | None:
    lists = keyed("address_words_zh")
    if word in lists["weak"]:
        return "weak"
    grammar = len(word) > 1 and (tag in _GRAMMAR or _PREPOSITION.match(word) is not None)
    return "stop" if word in lists["stop"] or grammar or not word[0].isalnum() else None


def _ending(word: str) -> str:
    if word in keyed("address_words_zh")["common"] or len(word) < 2:
        return "other"
    for role, ending in (("town", _TOWN), ("place", _PLACE), ("road", _ROAD), ("admin", _ADMIN)):
        if ending.match(word):
            return role
    return "other"

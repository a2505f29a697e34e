"""One text to another that means the same, one way at a time."""

import itertools
import random
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import rjieba

from kefu.knowledge.words import STOP_WORDS, STOP_WORDS_ZH

# Placeholders of masked data stay whole; then words, numbers, Han runs (cut further by jieba), blanks, other signs.
_PIECE = re.compile(r"<[A-Z_]+_\d+>|[^\W\d_\u3400-\u9fff]+(?:['’][^\W\d_]+)*|\d+|[\u3400-\u9fff]+|\s+|.", re.DOTALL)
_HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_LATIN = re.compile(r"[a-zA-Z]+")
# People mistype long words; in a short one a slip is often another word ("not", "now").
_LEAST_LETTERS = 4
# Below it, a moved or dropped word takes too much of the text's meaning along.
_LEAST_WORDS = 4
# Full-width forms are the ASCII signs shifted by this; the blank has one of its own.
_SHIFT = 0xFEE0


def rewrite(text: str, kind: str, chance: random.Random) -> str | None:
    """The text changed in one of KINDS' ways, or None where that way does not fit it."""
    return _WAYS[kind](text, chance)


def typo(text: str, chance: random.Random) -> str | None:
    """One slip of the fingers in one word: a neighbouring key, two letters swapped, one lost or doubled."""
    parts = pieces(text)
    places = [at for at, part in enumerate(parts) if _LATIN.fullmatch(part) and len(part) >= _LEAST_LETTERS]
    if not places:
        return None
    at = chance.choice(places)
    word, letter = parts[at], chance.randrange(1, len(parts[at]) - 1)
    before, here, after = word[:letter], word[letter], word[letter + 1 :]
    slips = (
        before + chance.choice(_neighbours().get(here.lower(), here)) + after,
        before + after[0] + here + after[1:],
        before + after,
        before + here + here + after,
    )
    return "".join([*parts[:at], chance.choice(slips), *parts[at + 1 :]])


def synonym(text: str, chance: random.Random) -> str | None:
    """One word or phrase replaced by another of its group in service_words.toml."""
    found = list(_phrases().finditer(text)) if not _HAN.search(text) else list(_chinese_phrases().finditer(text))
    if not found:
        return None
    match = chance.choice(found)
    other = chance.choice(_synonyms()[match[0].lower()])
    if match[0][0].isupper() and not match[0].isupper():
        other = other[0].upper() + other[1:]
    return text[: match.start()] + other + text[match.end() :]


def drop(text: str, chance: random.Random) -> str | None:
    """One word of grammar or politeness left out, never one that asks or negates."""
    parts = pieces(text)
    words = [at for at, part in enumerate(parts) if _WORD.fullmatch(part)]
    idle = [at for at in words if parts[at].lower() in _idle_words()]
    if len(words) < _LEAST_WORDS or not idle:
        return None
    at = chance.choice(idle)
    rest = parts[:at] + parts[at + 1 :]
    return re.sub(r"[ \t]{2,}", " ", "".join(rest)).strip()


def swap(text: str, chance: random.Random) -> str | None:
    """Two words beside each other change places, never a negation."""
    parts = pieces(text)
    words = [at for at, part in enumerate(parts) if _WORD.fullmatch(part)]
    pairs = [
        (first, second)
        for first, second in itertools.pairwise(words)
        if not "".join(parts[first + 1 : second]).strip() and not _negates(parts[first]) and not _negates(parts[second])
    ]
    if len(words) < _LEAST_WORDS or not pairs:
        return None
    first, second = chance.choice(pairs)
    parts[first], parts[second] = parts[second], parts[first]
    return "".join(parts)


def case(text: str, chance: random.Random) -> str | None:
    """All small, all capital, or each word's first letter capital; placeholders stay as they are."""
    way: Callable[[str], str] = chance.choice([str.lower, str.upper, str.capitalize])
    changed = "".join(way(part) if _WORD.fullmatch(part) else part for part in pieces(text))
    return changed if changed != text else None


def width(text: str, chance: random.Random) -> str | None:
    """In a Chinese text, letters and digits in the other width."""
    if not _HAN.search(text):
        return None
    parts = pieces(text)
    changed = "".join(part if part.startswith("<") and len(part) > 1 else _turned(part) for part in parts)
    return changed if changed != text else None


def homophone(text: str, chance: random.Random) -> str | None:
    """One Chinese character replaced by another of the same sound."""
    known = _homophones()
    places = [at for at, character in enumerate(text) if character in known and not _negates(character)]
    if not places:
        return None
    at = chance.choice(places)
    return text[:at] + chance.choice(known[text[at]]) + text[at + 1 :]


def pieces(text: str) -> list[str]:
    """Words, numbers, blanks and signs of a text, in order; joined they are the text again."""
    found: list[str] = []
    for part in _PIECE.findall(text):
        found += rjieba.cut(part) if _HAN.match(part) else [part]
    return found


_WAYS: Mapping[str, Callable[[str, random.Random], str | None]] = MappingProxyType(
    {"typo": typo, "synonym": synonym, "drop": drop, "swap": swap, "case": case, "width": width, "homophone": homophone}
)
KINDS = tuple(_WAYS)


def _turned(part: str) -> str:
    """ASCII letters and digits made full-width, and the other way round."""
    return "".join(
        chr(ord(sign) + _SHIFT)
        if sign.isascii() and sign.isalnum()
        else chr(ord(sign) - _SHIFT)
        if "\uff01" <= sign <= "\uff5e" and chr(ord(sign) - _SHIFT).isalnum()
        else sign
        for sign in part
    )


@cache
def _idle_words() -> frozenset[str]:
    return frozenset((STOP_WORDS | STOP_WORDS_ZH) - _words()["negations"] - set(_words()["questions"]))


def _negates(word: str) -> bool:
    return word.lower() in _words()["negations"]


@cache
def _words() -> Mapping[str, Any]:
    raw = tomllib.loads(files("kefu.factory.data").joinpath("service_words.toml").read_text(encoding="utf-8"))
    return MappingProxyType({**raw, "negations": frozenset(raw["negations"])})


@cache
def _neighbours() -> Mapping[str, str]:
    """Of each letter those beside, above and below it."""
    rows: Sequence[str] = _words()["keyboard"]
    at = {letter: (row, column) for row, keys in enumerate(rows) for column, letter in enumerate(keys)}
    return {
        letter: "".join(
            other
            for other, (other_row, other_column) in at.items()
            # Each row stands half a key to the right of the one above it.
            if other != letter
            and abs(row - other_row) <= 1
            and abs(column + row / 2 - other_column - other_row / 2) <= 1
        )
        for letter, (row, column) in at.items()
    }


@cache
def _synonyms() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for group in [*_words()["english"], *_words()["chinese"]]:
        for word in group:
            found[word.lower()] = (*found.get(word.lower(), ()), *(other for other in group if other != word))
    return found


@cache
def _homophones() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for group in _words()["homophones"]:
        for character in group:
            found[character] = found.get(character, "") + group.replace(character, "")
    return found


@cache
def _phrases() -> re.Pattern[str]:
    """Any English word or phrase that has synonyms, the longest first."""
    known = sorted((word for group in _words()["english"] for word in group), key=len, reverse=True)
    return re.compile(r"\b(?:" + "|".join(map(re.escape, known)) + r")\b", re.IGNORECASE)


@cache
def _chinese_phrases() -> re.Pattern[str]:
    known = sorted((word for group in _words()["chinese"] for word in group), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, known)))

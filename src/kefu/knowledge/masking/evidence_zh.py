"""Weighs what speaks for a Chinese name that no label announces.

No list of names exists, so these are weighed: a hint before (客服, 找), what follows (的订单), whether the characters
are common in given names, and whether a dictionary takes them for an ordinary word (高兴, 方便, 周一, 马上).
"""

import re
from bisect import bisect_right
from collections.abc import Set
from dataclasses import dataclass
from functools import cache

from kefu.knowledge.masking.letters import CJK
from kefu.knowledge.masking.lists import keyed, lines, words
from kefu.knowledge.masking.places_zh import is_known_place

# A name needs this much; see `weight`. Set on the phrasings in tests, and on real conversations and reviews in which
# few names stand.
ENOUGH = 1.5
# A dictionary may join a hint to the surname: 找齐|思钧, 客户王|洋娜. Of single characters only these are no worse.
_HINT_CHARACTERS = frozenset("找给帮叫替由代")
_PERSON = frozenset(("nr", "nrfg"))  # the dictionary's tags for people; its "nrt" are foreign: 巴菲特
_PROPER = _PERSON | {"ns", "nz"}  # and for other proper nouns


class Words:
    """The words of a text: where they begin and end, and which part of speech a span has if it is one word."""

    def __init__(self, text: str) -> None:
        import rjieba

        self.edges = [0]
        self.tags: dict[tuple[int, int], str] = {}
        for word, tag in rjieba.tag(text, False):
            end = self.edges[-1] + len(word)
            self.tags[self.edges[-1], end] = tag
            self.edges.append(end)
        self._at_edge = frozenset(self.edges)

    def has_edge(self, index: int) -> bool:
        return index in self._at_edge

    def first_end(self, start: int) -> int:
        """Return where the first word that ends after `start` ends."""
        return self.edges[bisect_right(self.edges, start)]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Characters of a text that may be a name: [start, end), of which the first `surname` are the surname."""

    text: str
    start: int
    surname: int
    end: int

    @property
    def name(self) -> str:
        return self.text[self.start : self.end]

    @property
    def given(self) -> str:
        return self.text[self.start + self.surname : self.end]

    @property
    def alone_before(self) -> bool:
        return not is_han(self.text, self.start - 1)

    @property
    def alone_after(self) -> bool:
        return not is_han(self.text, self.end)

    @property
    def hint(self) -> str:
        """What speaks for a name right before it (客服, 给); empty if nothing does."""
        match = _hint().search(self.text, max(0, self.start - 8), self.start)
        return match[0] if match else ""


def fits(candidate: Candidate, in_words: Words) -> bool:
    """Say whether the candidate begins and ends with words, and neither is nor holds nor begins an ordinary word."""
    return (
        _at_edges(candidate, in_words)
        and _can_be_name(candidate)
        and not _is_grammar(candidate, in_words)
        and not _begins_with_word(candidate, in_words)
        and in_words.tags.get((candidate.start, candidate.end), "nr") in _PERSON
    )


def weight(candidate: Candidate, in_words: Words, neighbours: Set[int]) -> float:
    """Weigh what speaks for a name: 1 for each thing that says so, ½ for what only agrees.

    `neighbours` are the offsets where other personal data begins and ends: a name often stands beside a number.
    """
    total = _weight_of_characters(candidate, in_words)
    hint = candidate.hint
    total += 1.0 * (hint != "") + 0.25 * (len(hint) > 1)  # 给 and 是 stand before anything
    total += 1.0 * (after().match(candidate.text, candidate.end) is not None)
    total += 0.5 * candidate.alone_before + 0.5 * candidate.alone_after
    if candidate.alone_before and candidate.alone_after:
        before, behind = range(candidate.start - 2, candidate.start + 1), range(candidate.end, candidate.end + 3)
        near = any(place in neighbours for place in (*before, *behind))
        total += 1.0 * (near or candidate.name == candidate.text)
    return total


def _weight_of_characters(candidate: Candidate, in_words: Words) -> float:
    distinct, listed = given_characters()
    given, surname = candidate.given, candidate.name[: candidate.surname]
    everyday = surname in keyed("name_words_zh")["everyday"]
    common = len(surname) == 2 or surname in surnames()[0]
    one_word = (candidate.start, candidate.end) in in_words.tags
    total = 0.5 * common - 0.5 * everyday + 0.5 * (len(given) == 2)
    total -= sum(0.5 for character in given if character not in listed) + 0.25 * (given[-1] not in listed)
    # Half of the dictionary's two-character "people" are words (温馨, 马上), so there the characters prove nothing.
    if not one_word or len(given) == 2:
        total += sum(0.5 for character in given if character in distinct)
    elif everyday or not common:
        total -= 0.25
    if one_word and len(given) == 2:
        total += 0.5
    given_tag = in_words.tags.get((candidate.start + candidate.surname, candidate.end))
    if given_tag and len(given) == 2:  # a proper noun in 霍|建华, an ordinary one in 高|国庆
        total += 0.5 if given_tag in _PROPER and not everyday else -0.5
    return total


def _at_edges(candidate: Candidate, in_words: Words) -> bool:
    if candidate.end > len(candidate.text):
        return False
    if not in_words.has_edge(candidate.end) and not after().match(candidate.text, candidate.end):
        return False
    if in_words.has_edge(candidate.start):
        return True
    return len(candidate.hint) > 1 or candidate.hint in _HINT_CHARACTERS


def _can_be_name(candidate: Candidate) -> bool:
    lists = keyed("name_words_zh")
    name, given = candidate.name, candidate.given
    if any(character in lists["never"] or not is_han(character, 0) for character in given):
        return False
    if name[-1] in lists["notlast"] or given in lists["notgiven"]:
        return False
    if name in words("not_names_zh") or is_known_place(name):
        return False
    return not title().match(given) and not _firm().match(candidate.text, candidate.end)


def _is_grammar(candidate: Candidate, in_words: Words) -> bool:
    """由|于, 我|和 after another character; 和|朋友, 于|明天 before a word."""
    if candidate.text[candidate.start] not in keyed("name_words_zh")["grammar"]:
        return False
    given_tag = in_words.tags.get((candidate.start + candidate.surname, candidate.end), "nr")
    before_word = len(candidate.given) > 1 and given_tag not in _PROPER
    return before_word or not (candidate.alone_before or candidate.hint)


def _begins_with_word(candidate: Candidate, in_words: Words) -> bool:
    """沈阳|人, 高清|河, 曾经|有: a word that is longer than the surname and ends within the name."""
    first_end = in_words.first_end(candidate.start)
    if not candidate.start + candidate.surname < first_end < candidate.end:
        return False
    first = candidate.text[candidate.start : first_end]
    if is_known_place(first) or first in words("not_names_zh"):
        return True
    return in_words.tags.get((candidate.start, first_end), "nr") not in _PROPER


@cache
def surnames() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the hundred most common surnames, all of one character, and those of two."""
    common, rest, compound = lines("surnames_zh")
    return frozenset(common), frozenset(common + rest), frozenset(compound.split())


@cache
def given_characters() -> tuple[frozenset[str], frozenset[str]]:
    """Return characters that hardly occur outside given names, and all that are common in them."""
    distinct, shared = lines("given_zh")
    return frozenset(distinct), frozenset(distinct + shared)


@cache
def after() -> re.Pattern[str]:
    """Return what follows names. 收 alone does so before no character that makes another word of it."""
    return re.compile(rf"\s?(?:{alternatives('after')}|收(?![到取费藏入]))")


@cache
def title() -> re.Pattern[str]:
    return re.compile(alternatives("title"))


@cache
def _hint() -> re.Pattern[str]:
    return re.compile(rf"(?:{alternatives('hint')}|(?<!是)和|(?<=人)从)[\s:]?$")


@cache
def _firm() -> re.Pattern[str]:
    return re.compile(
        rf"[^，,。！？;；\s]{{0,4}}?(?:{alternatives('firm')})"
        r"|[店牌路街镇村县市区省馆站号]|品牌|国际|系列|[(（][^)）]{0,10}店"
    )


def alternatives(key: str) -> str:
    """Return the words of a key as a pattern, the longer first."""
    members = keyed("name_words_zh")[key]
    return "|".join(re.escape(word) for word in sorted(members, key=lambda word: (-len(word), word)))


def is_han(text: str, index: int) -> bool:
    return 0 <= index < len(text) and re.match(f"[{CJK}]", text[index]) is not None

"""One of few: which choice a customer's words mean."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from kefu.brain.slots.found import Found
from kefu.contracts.flow import Choice
from kefu.knowledge.words import fold

# A word misspelt by one letter in six to nine scores about this much of 100; "left" and "lift" score 75.
_ALIKE = 84
_SHORTEST_FUZZY = 4
# Longer messages hold words enough for one to look like a choice by chance.
_LONGEST_FUZZY = 60
_ORDINALS = (
    r"(?:the )?(?:1|a|one|first|1st)(?: one| option)?|(?:选)?(?:第)?(?:一|1)(?:个|种|项|条)?",
    r"(?:the )?(?:2|b|two|second|2nd)(?: one| option)?|(?:选)?(?:第)?(?:二|两|2)(?:个|种|项|条)?",
    r"(?:the )?(?:3|c|three|third|3rd)(?: one| option)?|(?:选)?(?:第)?(?:三|3)(?:个|种|项|条)?",
    r"(?:the )?(?:4|d|four|fourth|4th)(?: one| option)?|(?:选)?(?:第)?(?:四|4)(?:个|种|项|条)?",
    r"(?:the )?(?:5|e|five|fifth|5th)(?: one| option)?|(?:选)?(?:第)?(?:五|5)(?:个|种|项|条)?",
    r"(?:the )?(?:6|f|six|sixth|6th)(?: one| option)?|(?:选)?(?:第)?(?:六|6)(?:个|种|项|条)?",
)
_ORDINAL = tuple(re.compile(rf"\W*(?:(?:option|number|no\.?|选项?) ?)?(?:{each})(?:吧|的)?\W*") for each in _ORDINALS)
_LAST = re.compile(r"\W*(?:(?:the )?last(?: one| option)?|最后(?:一)?(?:个|种|项|条))(?:吧)?\W*")
_OTHER = re.compile(r"\b(?:the )?other(?: one| option)?\b|另外?一?(?:个|种)")
_NOT = re.compile(
    r"(?:\bnot|\bno|n't|\bisn't|\bwithout|\brather than|\binstead of|不是|不要|不|别|没)(?:的|the|a|an|\s)*$"
)


def chosen(choices: Sequence[Choice], text: str, *, asked: bool = False, before: str | None = None) -> list[Found]:
    """The choices that a text names, by value, label or synonym, whole words; empty where two are named.

    When asked for, ordinals count ("the second one"), and so do words with a typing error. `before` is the value that
    "the other one" is not.
    """
    folded = fold(text)
    if len(folded) != len(text):  # offsets then point into the folded text, which is only used to keep values apart
        text = folded
    named = _named(choices, folded)
    if named or not asked:
        return named[:1] if len({each.value for each in named if isinstance(each.value, str)}) == 1 else []
    place = next((at for at, each in enumerate(_ORDINAL) if each.fullmatch(folded)), None)
    if place is None and _LAST.fullmatch(folded):
        place = len(choices) - 1
    if place is not None and place < len(choices):
        return [Found("choice", choices[place].value, 0, len(text))]
    if before is not None and len(choices) == 2 and _OTHER.search(folded):
        return [Found("choice", each.value, 0, len(text)) for each in choices if each.value != before]
    return _alike(choices, folded)


def _named(choices: Sequence[Choice], folded: str) -> list[Found]:
    found = [
        Found("choice", choice.value, start, end)
        for choice in choices
        for name in _folded_names(choice)
        for start, end in _places(name, folded)
    ]
    # "red wine" names the choice "red wine" and not also "red"; two that stand apart name nothing.
    longest = [
        one
        for one in found
        if not any(one.overlaps(other) and other.end - other.start > one.end - one.start for other in found)
    ]
    return [one for one in longest if not _NOT.search(folded[: one.start])]


def _places(name: str, folded: str) -> Iterator[tuple[int, int]]:
    at = folded.find(name)
    while at >= 0:
        end = at + len(name)
        if _is_word(folded, at, end):
            yield at, end
        at = folded.find(name, at + 1)


def _is_word(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    joined_before = before.isascii() and before.isalnum() and text[start].isascii() and text[start].isalnum()
    joined_after = after.isascii() and after.isalnum() and text[end - 1].isascii() and text[end - 1].isalnum()
    plural = after == "s" and not text[end + 1 : end + 2].isalnum()
    return not joined_before and (not joined_after or plural)


def _alike(choices: Sequence[Choice], folded: str) -> list[Found]:
    """The one choice that is written almost like this."""
    from rapidfuzz import fuzz

    if not _SHORTEST_FUZZY <= len(folded) <= _LONGEST_FUZZY:
        return []
    best: dict[str, float] = {}
    for choice in choices:
        for name in _folded_names(choice):
            if len(name) < _SHORTEST_FUZZY:
                continue
            score = fuzz.ratio(name, folded) if len(folded) <= len(name) + 2 else fuzz.partial_ratio(name, folded)
            best[choice.value] = max(best.get(choice.value, 0.0), score)
    ranked = sorted(best.items(), key=lambda each: -each[1])
    if not ranked or ranked[0][1] < _ALIKE or (len(ranked) > 1 and ranked[1][1] >= ranked[0][1]):
        return []
    return [Found("choice", ranked[0][0], 0, len(folded))]


def _folded_names(choice: Choice) -> tuple[str, ...]:
    names = (
        choice.value.replace("_", " "),
        *choice.label.values(),
        *(w for ws in choice.synonyms.values() for w in ws),
    )
    return _folded(names)


@lru_cache(maxsize=8192)
def _folded(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(folded for name in names if (folded := fold(name).strip())))

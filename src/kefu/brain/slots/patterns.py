"""Order numbers, codes and whatever else a company describes by a pattern of its own.

Patterns are run by RE2, whose time grows with the text's length only: neither a company's pattern nor a customer's
text can make it slow. It has no look-around and no back references; `bad_pattern` says so in words.
"""

import re
from functools import lru_cache
from typing import Any

from kefu.brain.slots.found import Found
from kefu.brain.slots.numbers import read_out
from kefu.kit.errors import BadInput

# A pattern longer than this is a list of words; those belong into choices.
LONGEST_PATTERN = 500
# Beyond this much memory for its automaton RE2 refuses a pattern such as ((a{100}){100}){100}.
_MEMORY = 1 << 20
_NUMBER_PLACEHOLDER = re.compile(r"<(?:PHONE|ID|CARD|ACCOUNT|PASSPORT|PLATE|COMPANY)_\d+>")
_BETWEEN = re.compile(r"(?<=\d)[ \t-]+(?=[\dA-Za-z])|(?<=[\dA-Za-z])[ \t-]+(?=\d)")
_ESCAPED = re.compile(r"\\[a-zA-Z]|\(\?[a-z]+[:)]")


class BadPattern(BadInput):
    """A regular expression that cannot be used."""

    code = "bad_pattern"


@lru_cache(maxsize=2048)
def compiled(pattern: str) -> Any:
    """A pattern, ready to search. Raises BadPattern."""
    import re2

    if len(pattern) > LONGEST_PATTERN:
        raise BadPattern(f"A pattern may have {LONGEST_PATTERN} characters; this one has {len(pattern)}.")
    options = re2.Options()
    options.log_errors, options.max_mem = False, _MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0].decode(errors="replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        raise BadPattern(f"The pattern {pattern!r} cannot be used: {why}.") from None
    except UnicodeEncodeError:
        raise BadPattern("The pattern holds half a character.") from None


def matches(pattern: str, text: str) -> bool:
    """Whether a text holds the pattern. Raises BadPattern."""
    return compiled(pattern).search(_whole_characters(text)) is not None


@lru_cache(maxsize=256)
def _together(patterns: tuple[str, ...]) -> Any:
    """Patterns as one that holds where any of them does; None where that cannot be told at once."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile("|".join(f"(?:{pattern})" for pattern in patterns), options)
    except (re2.error, UnicodeEncodeError):  # one of them is bad, or they are too many for one automaton
        return None


def may_match(patterns: tuple[str, ...], text: str) -> bool:
    """Whether a text may hold one of the patterns; a no is sure, and takes the time of one pattern."""
    together = _together(patterns)
    return bool(patterns) and (together is None or together.search(_whole_characters(text)) is not None)


def patterned(pattern: str, text: str, *, asked: bool = False) -> list[Found]:
    """What matches, in order; small letters count as capitals if the pattern has capitals only.

    When it was asked for, blanks and hyphens inside do not count ("AB 12-34"), and a message whose only number was
    masked as personal data gives that placeholder: an order number may look like a telephone number.
    """
    text = _whole_characters(text)
    tried = text.upper() if _has_capitals_only(pattern) and len(text.upper()) == len(text) else text
    expression = compiled(pattern)
    found = [_found(match, tried) for match in expression.finditer(tried) if match.group()]
    found = [each for each in found if _stands_alone(tried, each)] or (found if asked else [])
    if found or not asked:
        return found
    for pieces in (_joined(tried), _read_out(tried)):
        again = expression.search("".join(piece for piece, _ in pieces))
        if again is not None and again.group():
            return [_placed(again, pieces)]
    masked = _NUMBER_PLACEHOLDER.findall(text)
    if len(masked) == 1:
        at = text.index(masked[0])
        return [Found("pattern", masked[0], at, at + len(masked[0]))]
    return []


# A text in pieces as they are searched, each with its place in the text as it was written.
_Pieces = list[tuple[str, tuple[int, int]]]


def _joined(text: str) -> _Pieces:
    """Without blanks and hyphens inside codes: "AB 12-34"."""
    gaps = {at for match in _BETWEEN.finditer(text) for at in range(*match.span())}
    return [(char, (at, at + 1)) for at, char in enumerate(text) if at not in gaps]


def _read_out(text: str) -> _Pieces:
    """With numbers in digits that were read out: "four eighty three"."""
    pieces: _Pieces = []
    at = 0
    for digits, start, end in read_out(text):
        pieces += [(char, (place, place + 1)) for place, char in enumerate(text[at:start], at)]
        pieces += [(digit, (start, end)) for digit in digits]
        at = end
    return [*pieces, *((char, (place, place + 1)) for place, char in enumerate(text[at:], at))]


def _placed(match: Any, pieces: _Pieces) -> Found:
    """What matched in the pieces, where it stands in the text."""
    start, end = match.span()
    return Found("pattern", _value(match), pieces[start][1][0], pieces[end - 1][1][1])


def _found(match: Any, text: str) -> Found:
    start, end = match.span()
    return Found("pattern", _value(match), start, end)


def _value(match: Any) -> str:
    """The first group if the pattern has one: `order (\\d+)` gives the number."""
    groups = match.groups()
    return str(groups[0] if groups and groups[0] else match.group())


def _stands_alone(text: str, found: Found) -> bool:
    """Not a piece of a longer word or number."""
    before, after = text[: found.start][-1:], text[found.end :][:1]
    cut_before = before.isascii() and before.isalnum() and text[found.start].isalnum()
    cut_after = after.isascii() and after.isalnum() and text[found.end - 1].isalnum()
    return not cut_before and not cut_after


def _has_capitals_only(pattern: str) -> bool:
    literal = _ESCAPED.sub("", pattern)
    return any(char.isupper() for char in literal) and not any(char.islower() for char in literal)


def _whole_characters(text: str) -> str:
    """Half characters (lone surrogates) cannot be given to RE2."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text

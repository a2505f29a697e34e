"""Long replies in pieces that a channel takes, cut where a reader would pause."""

from collections.abc import Callable

# Where a text is cut, best first: between paragraphs, lines, sentences, clauses, words.
_BREAKS = (("\n\n",), ("\n",), ("。", "！", "？", ". ", "! ", "? "), ("；", "，", "; ", ", "), (" ",))
_LEAST = 0.4  # of what is allowed: a cut before that leaves a piece too short to be worth its message


def split(text: str, limit: int, *, measure: Callable[[str], int] = len) -> list[str]:
    """The text in pieces that measure at most `limit` each; nothing but white space at the cuts is lost."""
    pieces = []
    rest = text.strip()
    while measure(rest) > limit:
        fits = _longest(rest, limit, measure)
        cut = _cut(rest[:fits])
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest else pieces


def utf8(text: str) -> int:
    """Bytes, as WeChat counts."""
    return len(text.encode())


def utf16(text: str) -> int:
    """UTF-16 code units, as Telegram counts."""
    return len(text.encode("utf-16-le")) // 2


def _longest(text: str, limit: int, measure: Callable[[str], int]) -> int:
    """How many characters fit, at least one."""
    low, high = 1, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measure(text[:middle]) <= limit else (low, middle - 1)
    return low


def _cut(text: str) -> int:
    least = int(len(text) * _LEAST)
    for breaks in _BREAKS:
        found = max(text.rfind(mark) + len(mark) if mark in text else 0 for mark in breaks)
        if found > least:
            return found
    return len(text)

"""Where the sentences of a text stand, in English and in Chinese."""

import re
from collections.abc import Iterator

# A run of end marks with the quotes and brackets that close behind it.
_END = re.compile(r"([.!?…。！？｡．]+)[\"'”’»)\]）】」』》]*")
# Everything that str.splitlines treats as a line's end.
_LINE = re.compile(r"[^\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029]+")
_NOT_SPACE = re.compile(r"\S")
# Chinese, Japanese and Korean characters and their full-width punctuation.
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\u3000-\u303f\uff01-\uff60]")
_TOKEN = re.compile(r"(?:[A-Za-z][A-Za-z.]*|\d+)$")
# "1. Open", "b. Open", "iv. Open": a number that begins a list item, alone on its line so far.
_ITEM_NUMBER = re.compile(r"\s*(?:[-*•]\s*)?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,4})$")
_FULL_STOPS = frozenset("。！？｡．")
_GOES_ON = frozenset("，,、；;：:")

# Never the last word of a sentence.
_ALWAYS = frozenset(
    """
    mr mrs ms dr prof mx messrs rev hon gov gen sen rep capt lt col sgt e.g eg i.e ie vs cf viz al approx incl excl
    min max avg tel ext resp esp dept u.s u.k u.n e.u
    """.split()
)
# The last word of a sentence unless a small letter follows: "Acme Inc. We open", "Acme Inc. and others".
_BEFORE_SMALL = frozenset({"etc", "inc", "ltd", "corp", "llc", "plc", "bros", "ave", "blvd"})
# Joined to a number that follows: "No. 5", "Sept. 30", "fig. 2".
_BEFORE_NUMBER = frozenset(
    """
    no nos art sec sect ch fig figs p pp vol ver par para jan feb mar apr jun jul aug sep sept oct nov dec
    """.split()
)
# "St. Louis", "Mt. Vernon", "Ft. Hood": a capital follows and yet the sentence goes on.
_BEFORE_NAME = frozenset({"st", "mt", "ft"})

# A line broken by a mail program or an editor is this long at least, and its neighbour is so long at most: a shorter
# line was ended on purpose, a longer one shows that the text is not wrapped. Custom is to wrap at 65 to 100 columns.
_WRAPPED_FROM, _WRAPPED_TO = 50, 110


def sentences(text: str) -> list[tuple[int, int]]:
    """Give the (start, end) offsets of each sentence, in order, without the blanks around it.

    A line ends a sentence (headings, list items, table rows), except where a paragraph is plainly wrapped by hand.
    All text that is not blank belongs to exactly one sentence.
    """
    found: list[tuple[int, int]] = []
    for start, end in _lines(text):
        cut = start
        if " | " not in text[start:end]:  # a table row stays whole
            for mark in _END.finditer(text, start, end):
                if mark.end() < end and _ends_here(text, start, mark, end):
                    _add(found, text, cut, mark.end())
                    cut = mark.end()
        _add(found, text, cut, end)
    return found


def _add(found: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    inner = piece.strip()
    if inner:
        begin = start + len(piece) - len(piece.lstrip())
        found.append((begin, begin + len(inner)))


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """Lines, the wrapped ones joined again."""
    start = end = -1
    for line in _LINE.finditer(text):
        if start >= 0 and _is_wrapped(text, end, line):
            end = line.end()
            continue
        if start >= 0:
            yield start, end
        start, end = line.span()
    if start >= 0:
        yield start, end


def _is_wrapped(text: str, end: int, line: re.Match[str]) -> bool:
    """Whether this line continues the one that ends at `end`."""
    if text[end : line.start()] not in ("\n", "\r\n") or not text[line.start()].islower():
        return False
    before = text[max(0, end - _WRAPPED_TO - 1) : end].splitlines()
    return (
        bool(before)
        and _WRAPPED_FROM <= len(before[-1]) <= _WRAPPED_TO
        and line.end() - line.start() <= _WRAPPED_TO
        and " | " not in before[-1]
        and before[-1].rstrip()[-1:] not in _GOES_ON | frozenset(".!?")
    )


def _ends_here(text: str, line_start: int, mark: re.Match[str], line_end: int) -> bool:
    following = _NOT_SPACE.search(text, mark.end(), line_end)
    if following is None:
        return True
    run, next_char = mark.group(1), following.group()
    if run[-1] in _FULL_STOPS or next_char in _GOES_ON:
        return next_char not in _GOES_ON
    if following.start() == mark.end():
        return _ends_without_space(text, mark, next_char)
    if run == ".":
        return not _is_inner_dot(text, line_start, mark.start(), following.start())
    return not next_char.islower() or _is_brand(text, following.start())


def _ends_without_space(text: str, mark: re.Match[str], next_char: str) -> bool:
    """ASCII marks in Chinese text have no space behind them: "可以吗?可以.好"."""
    if not CJK.match(next_char):
        return False
    return mark.group(1)[-1] in "!?…" or bool(CJK.match(text[mark.start() - 1 : mark.start()]))


def _is_brand(text: str, at: int) -> bool:
    """A small letter and then a capital, as in iPhone, opens a sentence like a capital."""
    return text[at + 1 : at + 2].isupper()


def _is_inner_dot(text: str, line_start: int, dot: int, following: int) -> bool:
    """Whether a single full stop belongs to an abbreviation, an initial or a list number."""
    # 24 characters hold every abbreviation above and the indent before a list number.
    before = text[max(line_start, dot - 24) : dot]
    if dot - line_start <= len(before) and _ITEM_NUMBER.match(before):
        return True
    token = _TOKEN.search(before)
    word = token.group() if token else ""
    if not word or word[0].isdigit():
        return False
    small = word.lower()
    if small in _ALWAYS or (len(word) == 1 and word.isupper() and word != "I"):
        return True
    next_char = text[following]
    if next_char.isdigit():
        return small in _BEFORE_NUMBER
    if next_char.islower() and not _is_brand(text, following):
        # A short word that we do not know is more often an abbreviation than a sentence's end.
        return small in _BEFORE_SMALL or "." in word or len(word) <= 3
    return small in _BEFORE_NAME and word[0].isupper()

"""Plain text files: the text is the decoded file, to the letter, and headings are found by their shape."""

import re
import unicodedata
from dataclasses import dataclass

from kefu.knowledge.parsing.characters import decode
from kefu.knowledge.parsing.document import File, ParsedDocument, ParseLimits, ParseResult, Section, Unreadable
from kefu.knowledge.parsing.outline import first_heading, one_line, title_from_name, too_long

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
# Columns, a Chinese character being two: longer lines are sentences.
_WIDEST_HEADING = 90
# No line of a file wrapped by hand is longer; custom is 65 to 100 columns.
_WIDEST_WRAPPED = 120
_NARROWEST_WRAPPED = 60
# How far before the margin a line may end because the next word did not fit.
_MARGIN = 10
_NO_HEADING_END = re.compile(r"[.!,;:。．！，、；：…\-–—|]$")
_LIST_ITEM = re.compile(r"(?:[-*+•·●○▪–—>]|\d{1,3}[.)、]|[(（]\d{1,3}[)）]|[a-zA-Z][.)])\s*")
_BULLET = re.compile(r"[-*+•·●○▪–—>]\s")
_UNDERLINE = re.compile(r"(?:={3,}|-{3,})\s*$")
# "Phone: 555 0100", as in an address block.
_FIELD = re.compile(r"[^\s:：][^:：]{0,40}[:：]\s*\S")


def parse_text(file: File, limits: ParseLimits) -> ParseResult:
    """Offsets in the document are offsets in the decoded file; only a byte order mark is removed."""
    text = decode(file.data)
    if len(text) > limits.characters:
        raise Unreadable(too_long(limits.characters))
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise Unreadable(f"The file is not plain text: line {line:,} holds a NUL character.")
    if not text.strip():
        raise Unreadable("The file holds no text.")
    sections = headings(text)
    title = first_heading(tuple(section for section in sections if section.level == 1)) or title_from_name(file.name)
    return ParseResult((ParsedDocument(file.name, title, text, "text/plain", sections, url=file.url),))


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    text: str


def headings(text: str) -> tuple[Section, ...]:
    """Short lines that begin a block, have no final punctuation and have text after them.

    A line that stands first and alone is the title, level 1; the others are level 2.
    """
    blocks = _blocks(text)
    widest = max((len(line.text) for block in blocks for line in block), default=0)
    sections: list[Section] = []
    for at, block in enumerate(blocks[:-1] if blocks and len(blocks[-1]) == 1 else blocks):
        following = blocks[at + 1] if at + 1 < len(blocks) else []
        if _is_heading(block, following, is_first=at == 0, widest=widest):
            level = 1 if at == 0 and len(block) == 1 else 2
            sections.append(Section(level, one_line(block[0].text), block[0].start))
    return tuple(sections)


def _blocks(text: str) -> list[list[_Line]]:
    blocks: list[list[_Line]] = [[]]
    for match in _LINE.finditer(text):
        line = match.group().strip()
        if line:
            blocks[-1].append(_Line(match.start() + match.group().index(line), line))
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def _is_heading(block: list[_Line], following: list[_Line], *, is_first: bool, widest: int) -> bool:
    line = block[0].text
    if not _looks_like_heading(line):
        return False
    if len(block) == 1:
        # A run of short lines with blanks between is a list, unless it is the title and the first heading.
        return is_first or not (len(following) == 1 and _looks_like_heading(following[0].text))
    second = block[1].text
    if _UNDERLINE.match(second):
        return len(block) > 2 or bool(following)
    if any(pattern.match(line) and pattern.match(second) for pattern in (_LIST_ITEM, _FIELD)):
        return False
    return not _is_wrapped(line, second, widest)


def _looks_like_heading(line: str) -> bool:
    return (
        _columns(line) < _WIDEST_HEADING
        and not _NO_HEADING_END.search(line)
        and not _BULLET.match(line)
        and "\t" not in line
        and " | " not in line
        and any(character.isalnum() for character in line)
    )


def _columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def _is_wrapped(line: str, second: str, widest: int) -> bool:
    """Whether the line ended because the next word did not fit, in a file that is wrapped by hand."""
    if widest > _WIDEST_WRAPPED or line.endswith(("?", "？")):
        return False
    width = max(widest, _NARROWEST_WRAPPED)
    return len(line) + 1 + len(second.split(maxsplit=1)[0]) > width - _MARGIN

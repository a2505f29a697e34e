"""PDF: lines with their places become paragraphs, lists, tables and headings."""

import json
import os
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from kefu.knowledge.parsing.document import File, ParseLimits, ParseResult, Unreadable
from kefu.knowledge.parsing.outline import Outline, collapse_blanks
from kefu.knowledge.sentences import CJK

# A heading's letters are larger than the body's by this factor at least.
_HEADING_SIZE = 1.15
_LONGEST_HEADING = 120
# Between paragraphs the distance is larger than between lines by this factor at least.
_PARAGRAPH_GAP = 1.3
# Pieces whose bases differ by less than this share of their size stand on one line.
_SAME_BASE = 0.35
# The lines of a heading are closer than this many times their size.
_HEADING_LEADING = 1.35
# Pieces on one line that are farther apart than their size are cells of a table; words are at most half as far apart.
_CELL_GAP = 1.0
# A line that is shorter than this share of the widest one was not broken because it was full.
_FULL_LINE = 0.6
# A line that stands on this share of the pages, and on three at least, is a running header or footer.
_RUNNING_SHARE, _RUNNING_PAGES = 0.6, 3
# Above this share of characters without meaning the fonts do not say which letters they draw.
_MEANINGLESS_SHARE = 0.2
_BULLET = re.compile(r"^[\x7f•·●○▪■□◦‣⁃*➢✓✔\uf0b7\uf0a7\u2013\u2014-][\s\u00a0]+(?=\S)")
_LONE_BULLET = re.compile(r"^[\x7f•·●○▪■□◦‣⁃➢✓✔\uf0b7\uf0a7]$")
_NUMBERED = re.compile(r"^(?:\d{1,3}[.)、]|[a-zA-Z][.)]|[(（]\d{1,3}[)）]|[一二三四五六七八九十]{1,3}、)\s*\S")
_PAGE_NUMBER = re.compile(
    r"^(?:page|p\.|第)?\s*[-–—]?\s*\d{1,4}\s*(?:(?:of|/)\s*\d{1,4})?\s*[-–—]?\s*页?$", re.IGNORECASE
)
_HYPHENATED = re.compile(r"[^\W\d_]{2,}[-\u00ad]$")
# Fonts draw these for common characters: "ﬁ" for "fi", the radical "⽇" for the word "日".
_COMPATIBLE = re.compile(r"[\u2e80-\u2fdf\ufb00-\ufb06]")
_MEANINGLESS = re.compile(r"[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f]|\(cid:\d+\)")
_NARROW, _WIDE, _CAPITALS = re.compile(r"[iIjltf.,:;'|!()\[\] ]"), re.compile("[mwMW@%]"), re.compile("[A-HJ-LN-VX-Z]")
_FINAL = ".!?。！？:：;；…”\"')）"
_NO_TEXT = "The PDF holds no text; if it was scanned, run text recognition (OCR) on it and add it again."


def parse_pdf(file: File, limits: ParseLimits) -> ParseResult:
    """Page numbers and running headers are left out; lines that the page's width broke are joined."""
    answer = _read(file.data, limits)
    if "reason" in answer:
        raise Unreadable(answer["reason"])
    pages = [_joined_on_base([_Line(_readable(text), *place) for text, *place in page]) for page in answer["pages"]]
    text = "".join(line.text for page in pages for line in page)
    if not text.strip():
        raise Unreadable(_NO_TEXT)
    if len(_MEANINGLESS.findall(text)) > _MEANINGLESS_SHARE * len(text):
        raise Unreadable("The PDF's fonts do not say which letters they draw; export it again or add the original.")
    outline = Outline(limits)
    _Layout(_without_running_lines(pages)).add_to(outline)
    title = answer["title"].strip()
    is_name = not title or "." in title[-6:] or title.lower().startswith(("microsoft word", "untitled", "无标题"))
    has_heading = any(section.level == 1 for section in outline.sections)
    return ParseResult((outline.document(file, "application/pdf", None if has_heading or is_name else title),))


def _read(data: bytes, limits: ParseLimits) -> dict[str, Any]:
    command = [sys.executable, "-m", "kefu.knowledge.parsing.pdf_reader", str(limits.pdf_pages), str(limits.characters)]
    # The child finds this package wherever it was imported from, and gets none of the server's secrets.
    environment = {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        **{name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ},
    }
    try:
        done = subprocess.run(  # noqa: S603  our own module, no shell
            command, input=data, capture_output=True, timeout=limits.pdf_seconds, env=environment, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Unreadable(
            f"The PDF took more than {limits.pdf_seconds:g} seconds to read; split it or save it anew."
        ) from error
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise Unreadable("The PDF made its reader fail, so it was not read; save it anew and add it again.") from error
    return answer


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    x: float
    y: float
    size: float
    is_bold: bool


def _readable(text: str) -> str:
    return _COMPATIBLE.sub(lambda match: unicodedata.normalize("NFKC", match.group()), text)


def _joined_on_base(lines: list[_Line]) -> list[_Line]:
    """Pieces on one base line are one line: a bullet and its text, the cells of a table's row."""
    joined: list[_Line] = []
    for line in lines:
        before = joined[-1] if joined else None
        if before is None or abs(before.y - line.y) > _SAME_BASE * max(before.size, line.size) or line.x <= before.x:
            joined.append(line)
            continue
        is_bullet = _LONE_BULLET.match(before.text.strip())
        gap = line.x - before.x - _width(before)
        mark = " " if is_bullet or gap < _CELL_GAP * line.size else " | "
        size = line.size if is_bullet else max(before.size, line.size)
        text = f"{before.text.strip()}{mark}{line.text.strip()}"
        joined[-1] = _Line(text, before.x, before.y, size, before.is_bold and line.is_bold)
    return joined


def _width(line: _Line) -> float:
    """About how wide a line is: the font's own widths are not known, so those of Helvetica's classes of letters."""
    text = line.text.strip()
    narrow, wide, capitals, square = (len(letters.findall(text)) for letters in (_NARROW, _WIDE, _CAPITALS, CJK))
    others = len(text) - narrow - wide - capitals - square
    return line.size * (0.27 * narrow + 0.85 * wide + 0.69 * capitals + 1.0 * square + 0.54 * others)


def _without_running_lines(pages: list[list[_Line]]) -> list[list[_Line]]:
    counts = Counter(key for page in pages for key in {_running_key(line) for line in page})
    bound = max(_RUNNING_PAGES, _RUNNING_SHARE * len(pages))
    kept = []
    for page in pages:
        edges = {min((line.y for line in page), default=0.0), max((line.y for line in page), default=0.0)}
        kept.append(
            [
                line
                for line in page
                if counts[_running_key(line)] < bound
                and not (line.y in edges and len(page) > 1 and _PAGE_NUMBER.match(line.text.strip()))
            ]
        )
    return kept


def _running_key(line: _Line) -> tuple[str, int]:
    """The same words at the same height, whatever the page's number."""
    return re.sub(r"\d+", "#", line.text.strip()), round(line.y)


class _Layout:
    """Lines to blocks. A block is a run of lines without a gap, of one size."""

    def __init__(self, pages: list[list[_Line]]) -> None:
        self._pages = pages
        lines = [line for page in pages for line in page]
        sizes: Counter[float] = Counter()
        for line in lines:
            sizes[round(line.size)] += len(line.text)
        self._body = sizes.most_common(1)[0][0] if sizes else 0.0
        large = {round(line.size) for line in lines if self._is_large(line)}
        self._levels = {size: at + 1 for at, size in enumerate(sorted(large, reverse=True))}
        self._widest = max((_width(line) for line in lines if not self._is_large(line)), default=0.0)
        self._pitches = self._line_distances()

    def add_to(self, outline: Outline) -> None:
        for block in self._blocks():
            level = self._level(block)
            text = collapse_blanks(self._text(block))
            if level:
                outline.heading(level, text.replace("\n", " "))
            else:
                outline.paragraph(text)

    def _is_large(self, line: _Line) -> bool:
        return line.size >= _HEADING_SIZE * self._body

    def _line_distances(self) -> dict[int, float]:
        """For each size of letters the distance between the lines of a paragraph."""
        gaps: dict[int, list[float]] = {}
        for above, below in (pair for page in self._pages for pair in pairwise(page)):
            if round(above.size) == round(below.size) and above.y > below.y:
                gaps.setdefault(round(above.size), []).append(above.y - below.y)
        # Wrapped lines are the closest ones; gaps between paragraphs would raise a plain median.
        return {size: median(sorted(found)[: max(1, len(found) // 2)]) for size, found in gaps.items()}

    def _blocks(self) -> list[list[_Line]]:
        blocks: list[list[_Line]] = []
        for page in self._pages:
            for at, line in enumerate(page):
                before = blocks[-1][-1] if blocks else None
                if before is not None and self._continues(before, line, is_new_page=at == 0):
                    blocks[-1].append(line)
                else:
                    blocks.append([line])
        return blocks

    def _continues(self, before: _Line, line: _Line, *, is_new_page: bool) -> bool:
        if round(before.size) != round(line.size) or (before.is_bold != line.is_bold and not self._is_full(before)):
            return False
        gap = before.y - line.y
        if is_new_page or gap <= 0:  # the next page or column: a sentence may go on
            return before.text.rstrip()[-1] not in _FINAL and self._is_full(before) and not _starts_item(line.text)
        if self._is_large(line):
            return gap <= _HEADING_LEADING * line.size
        # A single pair of lines may be two paragraphs: no line distance is above one and a half times the size.
        return gap <= _PARAGRAPH_GAP * min(self._pitches[round(line.size)], 1.5 * line.size)

    def _is_full(self, line: _Line) -> bool:
        return _width(line) >= _FULL_LINE * self._widest

    def _level(self, block: list[_Line]) -> int:
        text = " ".join(line.text for line in block).strip()
        if len(text) > _LONGEST_HEADING or not any(character.isalnum() for character in text):
            return 0
        if self._is_large(block[0]):
            return self._levels[round(block[0].size)]
        is_bold_line = len(block) == 1 and block[0].is_bold and text[-1] not in ".。:：;；" and " | " not in text
        return len(self._levels) + 1 if is_bold_line and not _starts_item(text) else 0

    def _text(self, block: list[_Line]) -> str:
        text = _item(block[0].text)
        for before, line in pairwise(block):
            piece = _item(line.text)
            is_row = " | " in before.text or " | " in piece
            if is_row or _starts_item(line.text) or not (self._is_full(before) or self._is_large(before)):
                text += "\n" + piece
            else:
                text = _join(text, piece)
        return text


def _starts_item(text: str) -> bool:
    return bool(_BULLET.match(text.strip()) or _NUMBERED.match(text.strip()))


def _item(text: str) -> str:
    return _BULLET.sub("- ", text.strip())


def _join(text: str, piece: str) -> str:
    """Two halves of a broken line: a word parted by a hyphen is whole again, Chinese has no blank."""
    if _HYPHENATED.search(text) and piece[:1].islower():
        return text[:-1] + piece
    if CJK.match(text[-1:]) and CJK.match(piece[:1]):
        return text + piece
    return f"{text} {piece}"

"""Cuts documents into passages: the pieces that are searched, quoted and cited."""

import bisect
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from kefu.knowledge.parsing.document import ParsedDocument, Section
from kefu.knowledge.sentences import CJK, sentences

Span = tuple[int, int]

# A Chinese character says as much as 1.85 Latin letters: a target of 480 letters is 260 Chinese characters.
_CJK_EXTRA = 0.85
# A paragraph that is longer than the target by less than this stays whole: two halves would each say too little.
_STRETCH = 1.5
# A last piece below this share of the target joins the one before it.
_TOO_SHORT = 0.25

_BLANK_LINES = re.compile(r"(?:\r\n?|\n)[^\S\r\n]*(?:\r\n?|\n)\s*")
_LEAD_IN = (":", "：")
_CLAUSE = re.compile(r"[;；,，、:：](?!\d)|\s[-–—]\s|\s(?=[(（])")
_SPACE = re.compile(r"\s+")
# No cut parts a word, a number ("1,250.00", "2026-11-21") or a character from its accents and joiners.
_WORD_CHARACTER = r"[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]"
_INSIDE = re.compile(
    rf"(?<={_WORD_CHARACTER})(?={_WORD_CHARACTER})|(?<=\d)(?=[.,:/-]\d)|(?<=\d[.,:/-])(?=\d)"
    r"|(?=[\u0300-\u036f\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u200d\u20d0-\u20ff\ufe00-\ufe0f])|(?<=\u200d)"
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A citable piece: `document.text[start:end]`. `faq_index` is the entry of `document.faqs` it belongs to."""

    start: int
    end: int
    heading_path: tuple[str, ...]
    kind: Literal["text", "faq"]
    faq_index: int | None


def chunk(document: ParsedDocument, target_chars: int = 480, max_chars: int = 800) -> tuple[Passage, ...]:
    """Cut a document into passages of about `target_chars` Latin or 0.54 times as many Chinese characters.

    Passages are in order, do not overlap, hold all text that is not blank and never exceed `max_chars` characters.
    They are cut at headings, then paragraphs, then sentences, then clauses; a heading stays with what follows it. A FAQ
    entry is a passage; one that is too long is several with the same `faq_index`.
    """
    cutter = _Cutter(document.text, document.sections, target_chars, max_chars)
    passages: list[Passage] = []
    done = 0
    for index, entry in enumerate(document.faqs):
        passages += cutter.texts(done, entry.start)
        passages += cutter.entry(index, entry.start, entry.end)
        done = entry.end
    return (*passages, *cutter.texts(done, len(document.text)))


def weight(text: str) -> float:
    """How much a text says, in Latin letters."""
    return len(text) + _CJK_EXTRA * len(CJK.findall(text))


@dataclass(frozen=True, slots=True)
class _Region:
    """Text under one heading; `body` is where the heading lines before it end."""

    start: int
    body: int
    end: int
    path: tuple[str, ...]


class _Cutter:
    def __init__(self, text: str, sections: tuple[Section, ...], target: int, limit: int) -> None:
        if not 0 < target <= limit:
            raise ValueError(f"the target ({target}) must be positive and at most the limit ({limit})")
        self.text = text
        self.target = target
        self.limit = limit
        self.starts = [section.start for section in sections]
        self.paths = _heading_paths(sections)

    def texts(self, start: int, end: int) -> Iterator[Passage]:
        for region in self._regions(start, end):
            for span in self._passages_of(region):
                yield Passage(*span, region.path, "text", None)

    def entry(self, index: int, start: int, end: int) -> Iterator[Passage]:
        """A FAQ entry, whole if the limit allows."""
        trimmed = self._trim(start, end)
        if trimmed is None:
            return
        for span in [trimmed] if trimmed[1] - trimmed[0] <= self.limit else self._split(*trimmed):
            yield Passage(*span, self._path_at(start), "faq", index)

    def _path_at(self, offset: int) -> tuple[str, ...]:
        at = bisect.bisect_right(self.starts, offset)
        return self.paths[at - 1] if at else ()

    def _regions(self, start: int, end: int) -> Iterator[_Region]:
        """The parts between headings; a heading with nothing under it joins what follows, at the end what precedes."""
        first, last = bisect.bisect_left(self.starts, start), bisect.bisect_left(self.starts, end)
        bounds = [start, *self.starts[first:last], end]
        held: _Region | None = None
        region_start = start
        for at, (part_start, part_end) in enumerate(itertools.pairwise(bounds)):
            body = min(self._line_end(part_start), part_end) if at else start
            if not self.text[body:part_end].strip():
                continue
            if held is not None:
                yield held
            held = _Region(region_start, body, part_end, self._path_at(part_start))
            region_start = part_end
        if self.text[region_start:end].strip():
            kept = held or _Region(region_start, region_start, end, self._path_at(end))
            held = _Region(kept.start, kept.body, end, kept.path)
        if held is not None:
            yield held

    def _passages_of(self, region: _Region) -> list[Span]:
        pieces: list[Span] = []
        for start, end in self._groups(region):
            small = end - start <= self.limit and weight(self.text[start:end]) <= _STRETCH * self.target
            pieces += [(start, end)] if small else self._split(start, end)
        return self._merged(pieces)

    def _groups(self, region: _Region) -> Iterator[Span]:
        """Paragraphs, each with the heading lines or the lead-in ("You need:") that stand before it."""
        start = -1
        for begin, end in self._paragraphs(region.start, region.end):
            start = begin if start < 0 else start
            binds = end <= region.body or self.text[begin:end].endswith(_LEAD_IN)
            if binds and end - start <= self.limit // 2 and self.text[end : region.end].strip():
                continue
            yield start, end
            start = -1

    def _paragraphs(self, start: int, end: int) -> Iterator[Span]:
        for blank in _BLANK_LINES.finditer(self.text, start, end):
            span = self._trim(start, blank.start())
            if span:
                yield span
            start = blank.end()
        span = self._trim(start, end)
        if span:
            yield span

    def _merged(self, pieces: list[Span]) -> list[Span]:
        """Short neighbours joined up to the target, and a short last piece to the one before it."""
        merged: list[Span] = []
        for at, (start, end) in enumerate(pieces):
            if merged:
                first = merged[-1][0]
                joint = weight(self.text[first:end])
                is_short_tail = at == len(pieces) - 1 and weight(self.text[start:end]) < _TOO_SHORT * self.target
                allowed = self.target * (_STRETCH if is_short_tail else 1)
                if joint <= allowed and end - first <= self.limit:
                    merged[-1] = (first, end)
                    continue
            merged.append((start, end))
        return merged

    def _split(self, start: int, end: int) -> list[Span]:
        """Even pieces of whole sentences; sentences over the limit are cut at clauses, then words."""
        found = sentences(self.text[start:end])
        units = [unit for s, e in found for unit in self._short_enough(start + s, start + e)]
        total = weight(self.text[start:end])
        goal = total / max(1, round(total / self.target))
        pieces: list[Span] = []
        done = 0.0
        for s, e in units:
            size = weight(self.text[s:e])
            begin = s
            if pieces and e - pieces[-1][0] <= self.limit:
                # The cut before this unit is farther from the even one than the cut behind it.
                is_nearer = done + size / 2 <= len(pieces) * goal
                if is_nearer or self._is_heading(*pieces[-1]):
                    begin = pieces.pop()[0]
            pieces.append((begin, e))
            done += size
        return pieces

    def _is_heading(self, start: int, end: int) -> bool:
        """A short line, which says little without the next."""
        return end - start < 90 and "\n" not in self.text[start:end] and self.text[end - 1] not in ".。!！;；"

    def _short_enough(self, start: int, end: int) -> list[Span]:
        spans: list[Span] = []
        while end - start > self.limit:
            cut = self._best_cut(start, start + self.limit)
            piece = self._trim(start, cut)
            if piece:
                spans.append(piece)
            start = cut
        piece = self._trim(start, end)
        return [*spans, piece] if piece else spans

    def _best_cut(self, start: int, end: int) -> int:
        """The last clause end, else blank, else gap between words or numbers in the second half of a span."""
        half = start + (end - start) // 2
        for pattern in (_CLAUSE, _SPACE):
            cuts = [match.end() for match in pattern.finditer(self.text, half, end)]
            if cuts:
                return cuts[-1]
        for cut in range(end, half, -1):
            if not _INSIDE.match(self.text, cut):
                return cut
        return end  # a single "word" of more than half the limit: an encoded blob

    def _trim(self, start: int, end: int) -> Span | None:
        piece = self.text[start:end]
        inner = piece.strip()
        if not inner:
            return None
        begin = start + len(piece) - len(piece.lstrip())
        return begin, begin + len(inner)

    def _line_end(self, start: int) -> int:
        end = self.text.find("\n", start)
        return len(self.text) if end < 0 else end


def _heading_paths(sections: tuple[Section, ...]) -> list[tuple[str, ...]]:
    """For each heading the headings it stands under, the highest first, and itself."""
    paths: list[tuple[str, ...]] = []
    above: list[Section] = []
    for section in sections:
        above = [*(one for one in above if one.level < section.level), section]
        paths.append(tuple(one.heading for one in above))
    return paths

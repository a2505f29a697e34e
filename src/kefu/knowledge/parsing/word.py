"""Word files: paragraphs, headings, lists, tables and links of the main text."""

import io
import re
from collections.abc import Iterator
from typing import Any
from zipfile import BadZipFile

import docx
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn

from kefu.knowledge.parsing.document import File, ParseLimits, ParseResult, Unreadable
from kefu.knowledge.parsing.outline import Outline, first_heading, one_line
from kefu.knowledge.parsing.zip_safety import open_zip, refuse_doctype

# An element of the library's XML tree.
_Element = Any

# What was deleted, moved away or stands in a comment or a field's code is not text of the document.
_SKIPPED = frozenset(
    qn(name)
    for name in (
        "w:del",
        "w:moveFrom",
        "w:instrText",
        "w:delText",
        "w:rPr",
        "w:pPr",
        "w:commentReference",
        "w:footnoteReference",
    )
)
_BREAKS = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
_BLOCK_HOLDERS = frozenset(qn(name) for name in ("w:sdt", "w:sdtContent", "w:ins", "w:moveTo", "w:customXml"))
_FALLBACK = "}Fallback"
_TEXT_BOX = qn("w:txbxContent")
_HEADING_NAME = re.compile(r"(?:heading|标题|überschrift|titre) ?(\d)", re.IGNORECASE)


def parse_docx(file: File, limits: ParseLimits) -> ParseResult:
    """Headings are paragraphs with an outline level or a heading style; hidden and deleted text is left out."""
    archive = open_zip(file.data, limits)
    if "word/document.xml" not in archive.namelist():
        raise Unreadable("The Word file has no main document part (word/document.xml).")
    refuse_doctype(archive)
    try:
        document = docx.Document(io.BytesIO(file.data))
    except SyntaxError as error:
        raise Unreadable(f"The Word file is damaged: its XML breaks off or is wrong ({error.msg}).") from error
    except (KeyError, ValueError, TypeError, AttributeError, BadZipFile, OpcError) as error:
        raise Unreadable("The Word file is damaged: a part that it needs is missing or wrong.") from error
    outline = Outline(limits)
    _Body(document, outline).add()
    title = first_heading(tuple(s for s in outline.sections if s.level == 1))
    if not title and "docProps/core.xml" in archive.namelist():  # the library makes up a title if there is none
        title = document.core_properties.title
    media_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    return ParseResult((outline.document(file, media_type, title),))


class _Body:
    def __init__(self, document: Any, outline: Outline) -> None:
        self._outline = outline
        self._links = document.part.rels
        self._body: _Element = document.element.body
        self._styles = {style.get(qn("w:styleId")): style for style in document.styles.element.findall(qn("w:style"))}
        self._lists = _Lists(document)
        self._items: list[str] = []
        self._below_title = 0

    def add(self) -> None:
        for block in _blocks(self._body):
            if block.tag == qn("w:tbl"):
                self._end_list()
                self._table(block)
            else:
                self._paragraph(block)
        self._end_list()

    def _paragraph(self, paragraph: _Element) -> None:
        text = self._text(paragraph)
        level = self._level(paragraph)
        item = self._list_item(paragraph)
        if not text.strip():
            return
        if level:
            self._end_list()
            self._outline.heading(min(level, 9), text)
        elif item is not None:
            depth, marker = item
            self._items.append("  " * depth + marker + one_line(text))
        else:
            self._end_list()
            self._outline.paragraph(text)
        for box in _text_boxes(paragraph):
            self._paragraph(box)

    def _end_list(self) -> None:
        self._outline.verbatim("\n".join(self._items))
        self._items.clear()

    def _table(self, table: _Element) -> None:
        rows = [[self._cell(cell) for cell in row.iter(qn("w:tc")) if _table_of(cell) is table] for row in _rows(table)]
        if max(map(len, rows), default=0) > 1:
            self._outline.table(rows)
            return
        for paragraph in table.iter(qn("w:p")):  # one column is a frame around text
            self._paragraph(paragraph)
        self._end_list()

    def _cell(self, cell: _Element) -> str:
        return " ".join(filter(None, (one_line(self._text(paragraph)) for paragraph in cell.iter(qn("w:p")))))

    def _text(self, element: _Element) -> str:
        return "".join(self._pieces(element))

    def _pieces(self, element: _Element) -> Iterator[str]:
        for child in element:
            tag = child.tag
            if not isinstance(tag, str) or tag in _SKIPPED or tag.endswith(_FALLBACK) or tag == _TEXT_BOX:
                continue
            if tag == qn("w:t"):
                yield child.text or ""
            elif tag in _BREAKS:
                yield _BREAKS[tag]
            elif tag == qn("w:r") and _is_hidden(child):
                continue
            elif tag == qn("w:hyperlink"):
                yield self._link(child)
            else:
                yield from self._pieces(child)

    def _link(self, link: _Element) -> str:
        text = self._text(link)
        relation = self._links.get(link.get(qn("r:id")) or "")
        address = relation.target_ref if relation is not None and relation.is_external else ""
        shown = address.removeprefix("mailto:").split("?")[0] if address.startswith("mailto:") else address
        is_wanted = address.startswith(("http://", "https://", "mailto:")) and text.strip()
        return f"{text} ({shown})" if is_wanted and shown.split("://")[-1].rstrip("/") not in text else text

    def _level(self, paragraph: _Element) -> int:
        """0 for text. A title is level 1 and then the headings are below it."""
        style = self._style_of(paragraph)
        if style is not None and _name(style) in ("title", "标题"):
            self._below_title = 1
            return 1
        level = _outline_level(paragraph.find(qn("w:pPr")))
        while level is None and style is not None:
            named = _HEADING_NAME.fullmatch(_name(style))
            level = int(named.group(1)) if named else _outline_level(style.find(qn("w:pPr")))
            style = self._styles.get(_value(style, "w:basedOn"))
        return level + self._below_title if level else 0

    def _style_of(self, paragraph: _Element) -> _Element | None:
        return self._styles.get(_value(paragraph.find(qn("w:pPr")), "w:pStyle"))

    def _list_item(self, paragraph: _Element) -> tuple[int, str] | None:
        """Depth and marker ("- ", "2. ") of a list item."""
        properties = paragraph.find(qn("w:pPr"))
        numbering = properties.find(qn("w:numPr")) if properties is not None else None
        style = self._style_of(paragraph)
        while numbering is None and style is not None:
            own = style.find(qn("w:pPr"))
            numbering = own.find(qn("w:numPr")) if own is not None else None
            style = self._styles.get(_value(style, "w:basedOn"))
        return self._lists.next_item(numbering) if numbering is not None else None


class _Lists:
    """Numbers of list items, counted as Word does: a shallower item starts the deeper levels anew."""

    def __init__(self, document: Any) -> None:
        self._formats: dict[tuple[str, int], tuple[str, int]] = {}
        self._counts: dict[tuple[str, int], int] = {}
        try:
            numbering = document.part.numbering_part.element
        except (KeyError, NotImplementedError):
            return
        abstract = {one.get(qn("w:abstractNumId")): one for one in numbering.findall(qn("w:abstractNum"))}
        for number in numbering.findall(qn("w:num")):
            levels = abstract.get(_value(number, "w:abstractNumId"))
            for level in levels.findall(qn("w:lvl")) if levels is not None else ():
                key = (number.get(qn("w:numId")), _whole(level.get(qn("w:ilvl"))))
                self._formats[key] = (_value(level, "w:numFmt"), _whole(_value(level, "w:start"), 1))

    def next_item(self, numbering: _Element) -> tuple[int, str] | None:
        number, depth = _value(numbering, "w:numId"), _whole(_value(numbering, "w:ilvl"))
        if number in ("", "0"):  # 0 takes a paragraph out of its style's list
            return None
        kind, start = self._formats.get((number, depth), ("bullet", 1))
        if kind in ("bullet", "none"):
            return depth, "- "
        count = self._counts.get((number, depth), start - 1) + 1
        self._counts = {key: n for key, n in self._counts.items() if key[0] != number or key[1] < depth}
        self._counts[number, depth] = count
        return depth, f"{count}. "


def _blocks(element: _Element) -> Iterator[_Element]:
    """Paragraphs and tables in order, through content controls and tracked insertions."""
    for child in element:
        if child.tag in (qn("w:p"), qn("w:tbl")):
            yield child
        elif child.tag in _BLOCK_HOLDERS:
            yield from _blocks(child)


def _text_boxes(paragraph: _Element) -> Iterator[_Element]:
    for box in paragraph.iter(_TEXT_BOX):
        # A box is there twice: for Word since 2010 and, as a fallback, for older ones.
        if not any(str(above.tag).endswith(_FALLBACK) for above in box.iterancestors()):
            yield from box.findall(qn("w:p"))


def _rows(table: _Element) -> list[_Element]:
    return [row for row in table.iter(qn("w:tr")) if _table_of(row) is table]


def _table_of(element: _Element) -> _Element | None:
    return next(element.iterancestors(qn("w:tbl")), None)


def _is_hidden(run: _Element) -> bool:
    properties = run.find(qn("w:rPr"))
    vanish = properties.find(qn("w:vanish")) if properties is not None else None
    return vanish is not None and vanish.get(qn("w:val")) not in ("0", "false", "off")


def _outline_level(properties: _Element | None) -> int | None:
    """1 to 9, 0 for body text, None if nothing is said."""
    value = _value(properties, "w:outlineLvl")
    return None if not value else (_whole(value, 9) + 1) % 10


def _name(style: _Element) -> str:
    return _value(style, "w:name").lower()


def _value(element: _Element | None, name: str) -> str:
    child = element.find(qn(name)) if element is not None else None
    return (child.get(qn("w:val")) or "") if child is not None else ""


def _whole(text: str | None, otherwise: int = 0) -> int:
    return int(text) if text and text.isdecimal() else otherwise

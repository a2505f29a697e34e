"""An HTML element to the blocks of an outline."""

import re
from urllib.parse import urljoin

from selectolax.lexbor import LexborNode

from kefu.knowledge.parsing.outline import Outline, collapse_blanks, one_line

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset(
    """
    address article aside blockquote body center details dd div dl dt fieldset figcaption figure footer form header hr
    html legend li main nav ol p section summary table tbody td tfoot th thead tr ul
    """.split()
)
# An item with one of these is a card, whose blocks speak for themselves.
_CARD = "h1, h2, h3, h4, h5, h6, details"
_WHITE = re.compile(r"[ \t\n\r\f]+")
# Pages nest a few dozen elements; deeper ones are machine-made and their text is taken without structure.
_DEEPEST = 120
_SCHEMES = ("http://", "https://", "mailto:", "tel:")


class PageText:
    """Walks an element and adds its headings, paragraphs, lists, tables and code to an outline."""

    def __init__(self, outline: Outline, base_url: str | None = None) -> None:
        self._outline = outline
        self._base_url = base_url
        self._inline: list[str] = []
        self._lines: list[str] = []
        self._markers: list[str] = []
        # The level of the last heading of that kind, and which of all headings it was.
        self._disclosed_level, self._disclosed_last = 0, -1

    def add(self, node: LexborNode) -> None:
        self._children(node, 0)
        self._flush()
        self._end_list()

    def _visit(self, node: LexborNode, depth: int) -> None:
        tag = node.tag or "-"
        if tag == "-text":
            self._inline.append(_WHITE.sub(" ", node.text_content or ""))
        elif tag.startswith(("-", "!")):
            return
        elif depth > _DEEPEST:
            self._inline.append(_WHITE.sub(" ", node.text()))
        elif tag in _BLOCKS:
            self._block(node, tag, depth)
        elif tag in _HEADINGS:
            self._heading(_HEADINGS[tag], node, depth)
        elif tag == "pre":
            self._flush()
            self._end_list()
            self._outline.verbatim(node.text())
        else:
            self._inline_element(node, tag, depth)

    def _block(self, node: LexborNode, tag: str, depth: int) -> None:
        if tag in ("ul", "ol"):
            self._list(node, depth)
        elif tag == "table":
            self._table(node, depth)
        elif tag == "summary":
            self._disclosure(node, depth)
        elif tag == "dd":
            self._new_line()
            self._children(node, depth)
            self._flush()
        else:
            self._flush()
            self._children(node, depth)
            if tag != "dt":
                self._flush()

    def _children(self, node: LexborNode, depth: int) -> None:
        child = node.child
        while child is not None:
            self._visit(child, depth + 1)
            child = child.next

    def _inline_element(self, node: LexborNode, tag: str, depth: int) -> None:
        if tag == "br":
            self._new_line()
        elif tag == "img":
            self._inline.append(node.attributes.get("alt") or "")
        elif tag == "a":
            self._link(node, depth)
        elif tag == "button":
            # A button that opens something is the question of an accordion; other buttons are controls.
            if "aria-expanded" in node.attributes or "aria-controls" in node.attributes:
                self._disclosure(node, depth)
        else:
            self._children(node, depth)

    def _link(self, node: LexborNode, depth: int) -> None:
        before = len(self._inline)
        self._children(node, depth)
        url = self._address(node.attributes.get("href") or "")
        text = one_line("".join(self._inline[before:]))
        shown = url.removeprefix("mailto:").removeprefix("tel:").split("?")[0] if url.startswith(("m", "t")) else url
        if text and shown and not _says(text, shown):
            last = self._inline.pop() if len(self._inline) > before else ""
            self._inline.append(f"{last.rstrip()} ({shown})")

    def _address(self, href: str) -> str:
        """The absolute address, or nothing for places in the same page and for scripts."""
        href = href.strip()
        if not href or href.startswith("#"):
            return ""
        try:
            url = urljoin(self._base_url, href) if self._base_url else href
        except ValueError:
            return ""
        if self._base_url and url.split("#")[0] == self._base_url.split("#")[0]:
            return ""
        return url if url.startswith(_SCHEMES) else ""

    def _heading(self, level: int, node: LexborNode, depth: int) -> None:
        self._flush()
        self._end_list()
        self._children_inline(node, depth)
        text = one_line("".join(self._inline))
        self._inline.clear()
        self._outline.heading(level, text)

    def _disclosure(self, node: LexborNode, depth: int) -> None:
        """What one clicks to see an answer is its heading, one below the heading above."""
        count = self._outline.section_count
        level = self._disclosed_level if self._disclosed_last == count else min(self._outline.level + 1, 6)
        self._heading(level, node, depth)
        self._disclosed_level, self._disclosed_last = level, self._outline.section_count

    def _children_inline(self, node: LexborNode, depth: int) -> None:
        """Text of a heading: blocks and buttons inside it do not end it."""
        child = node.child
        while child is not None:
            if child.tag in ("-text", "img") or depth > _DEEPEST:
                self._visit(child, depth + 1)
            elif child.tag is not None and not child.tag.startswith(("-", "!")):
                self._children_inline(child, depth + 1)
            child = child.next

    def _list(self, node: LexborNode, depth: int) -> None:
        self._flush()
        number = _start_number(node)
        child = node.child
        while child is not None:
            if child.tag == "li":
                self._item(child, depth, f"{number}. " if node.tag == "ol" else "- ")
                number += 1
            else:
                self._visit(child, depth + 1)
            child = child.next
        self._flush()
        if not self._markers:
            self._end_list()

    def _item(self, item: LexborNode, depth: int, marker: str) -> None:
        if item.css_first(_CARD) is not None:
            self._children(item, depth)
            self._flush()
            return
        self._markers.append(marker)
        self._children(item, depth)
        self._flush()
        self._markers.pop()

    def _new_line(self) -> None:
        if self._inline:
            self._inline.append("\n")

    def _flush(self) -> None:
        """End a paragraph, or a line of a list."""
        text = collapse_blanks("".join(self._inline)).strip()
        self._inline.clear()
        if not text:
            return
        if self._markers:
            marker = self._markers[-1]
            self._lines.append("  " * (len(self._markers) - 1) + marker + one_line(text))
            self._markers[-1] = " " * len(marker)  # a second paragraph of an item has no bullet of its own
        else:
            self._end_list()
            self._outline.paragraph(text)

    def _end_list(self) -> None:
        self._outline.verbatim("\n".join(self._lines))
        self._lines.clear()

    def _table(self, node: LexborNode, depth: int) -> None:
        self._flush()
        self._end_list()
        rows = [row for row in node.css("tr") if _nearest_table(row) == node.mem_id]
        is_layout = node.attributes.get("role") == "presentation" or node.css_first(
            f"table table, {_CARD}, pre, ul, ol"
        )
        cells = [_cells(row) for row in rows]
        if max(map(len, cells), default=0) < 2 or is_layout:
            self._children(node, depth)
            self._flush()
            return
        caption = node.css_first("caption")
        if caption is not None:
            self._outline.paragraph(caption.text())
        has_header = node.css_first("thead") is not None or all(cell.tag == "th" for cell in cells[0])
        self._outline.table([[self._cell(cell, depth) for cell in row] for row in cells], has_header)

    def _cell(self, node: LexborNode, depth: int) -> str:
        walker = PageText(self._outline, self._base_url)
        walker._children_as_line(node, depth)
        return one_line("".join(walker._inline))

    def _children_as_line(self, node: LexborNode, depth: int) -> None:
        """Everything below a cell as inline text, blocks parted by blanks."""
        child = node.child
        while child is not None:
            if child.tag in _BLOCKS and depth <= _DEEPEST:
                self._inline.append(" ")
                self._children_as_line(child, depth + 1)
                self._inline.append(" ")
            else:
                self._visit(child, depth + 1)
            child = child.next


def _says(text: str, url: str) -> bool:
    """Whether the link's text already is its address."""
    bare = url.split("://", 1)[-1].rstrip("/").removeprefix("www.")
    return bare.casefold() in text.casefold() or "".join(filter(str.isdigit, text)) == url.lstrip("+")


def _start_number(node: LexborNode) -> int:
    start = node.attributes.get("start") or "1"
    return int(start) if start.isdecimal() and len(start) < 6 else 1


def _cells(row: LexborNode) -> list[LexborNode]:
    cells = []
    child = row.child
    while child is not None:
        if child.tag in ("td", "th"):
            cells.append(child)
        child = child.next
    return cells


def _nearest_table(row: LexborNode) -> int:
    parent = row.parent
    while parent is not None and parent.tag != "table":
        parent = parent.parent
    return parent.mem_id if parent is not None else 0

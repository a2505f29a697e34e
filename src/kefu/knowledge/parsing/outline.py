"""Collects a document's blocks into plain text with headings at their offsets."""

import re

from kefu.knowledge.parsing.characters import clean
from kefu.knowledge.parsing.document import File, ParsedDocument, ParseLimits, Section, Unreadable

_BLANKS = re.compile(r"[ \t\f\v]+")
_MANY_BREAKS = re.compile(r"\n{3,}")
# A group of table rows fits into one passage together with its header, see `chunk`.
_TABLE_GROUP_CHARS = 360


class Outline:
    """Blocks become paragraphs with a blank line between them."""

    def __init__(self, limits: ParseLimits) -> None:
        self._limit = limits.characters
        self._parts: list[str] = []
        self._length = 0
        self._sections: list[Section] = []

    @property
    def sections(self) -> tuple[Section, ...]:
        return tuple(self._sections)

    @property
    def section_count(self) -> int:
        return len(self._sections)

    @property
    def level(self) -> int:
        """The last heading's level, 0 before the first."""
        return self._sections[-1].level if self._sections else 0

    def heading(self, level: int, text: str) -> None:
        line = one_line(text)
        if line:
            self._sections.append(Section(level, line, self._length))
            self._add(line)

    def paragraph(self, text: str) -> None:
        """Lines of a paragraph, a list or a table; blanks at the ends of lines go."""
        lines = "\n".join(line.strip() for line in clean(text).splitlines())
        self._add(_MANY_BREAKS.sub("\n\n", lines).strip("\n"))

    def verbatim(self, text: str) -> None:
        """Code: indents stay."""
        self._add(clean(text).strip("\n").rstrip())

    def table(self, rows: list[list[str]], has_header: bool = True) -> None:
        """Rows as "cell | cell"; a long table is cut into groups that each begin with the header row."""
        lines = [" | ".join(one_line(cell) for cell in row) for row in rows]
        lines = [line for line in lines if line.strip(" |")]
        if not lines:
            return
        header = lines.pop(0) if has_header and len(lines) > 1 else None
        group: list[str] = []
        for line in lines:
            if header is not None and group and sum(map(len, group)) + len(line) > _TABLE_GROUP_CHARS:
                self._add("\n".join([header, *group]))
                group = []
            group.append(line)
        self._add("\n".join([header, *group] if header is not None else group))

    def document(self, file: File, media_type: str, title: str | None = None) -> ParsedDocument:
        """Raises Unreadable if there is no text."""
        text = "\n\n".join(self._parts)
        if not text.strip():
            raise Unreadable("The file holds no text.")
        title = one_line(title or "") or first_heading(self.sections) or title_from_name(file.name)
        return ParsedDocument(file.name, title, text, media_type, self.sections, url=file.url)

    def _add(self, block: str) -> None:
        if not block.strip():
            return
        self._parts.append(block)
        self._length += len(block) + 2
        if self._length > self._limit:
            raise Unreadable(too_long(self._limit))


def one_line(text: str) -> str:
    """The text on one line, blanks collapsed."""
    return " ".join(clean(text).split())


def collapse_blanks(text: str) -> str:
    """Runs of blanks made one; line breaks stay."""
    return _BLANKS.sub(" ", text)


def first_heading(sections: tuple[Section, ...]) -> str:
    """The first heading of level 1, else the first of all, else nothing."""
    best = min(sections, key=lambda section: section.level > 1, default=None)
    return best.heading if best else ""


def title_from_name(name: str) -> str:
    """ "help.zip/en/refund_policy.txt" gives "refund policy"."""
    last = name.rstrip("/").replace("\\", "/").rsplit("/", 1)[-1]
    stem = last.rsplit(".", 1)[0] if "." in last.lstrip(".") else last
    return one_line(stem if " " in stem else stem.replace("_", " ")) or name


def too_long(limit: int) -> str:
    return f"The document has more than {limit:,} characters; split it and add the parts."

"""A report on paper: sections of tables and bars, in Latin and Chinese letters."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

# One of the fonts that PDF readers have of themselves, so that no font of megabytes lies in the file.
_CHINESE = "STSong-Light"
_CHINESE_LETTERS = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f\u2018-\u201f]+")
_WIDTH = 170.0  # millimetres between the margins of A4
_MARGIN = 20
_CELL = 120  # characters of a cell: three lines
_BAR_HEIGHT = 45
_KEPT_ROWS = 12  # of a table that stays on one page with its heading
_KEPT = 40  # millimetres under the heading of a longer one: some rows of it


@dataclass(frozen=True)
class Section:
    """A heading over a table (its first row is the head) or bars of (name, value)."""

    title: str
    table: list[list[str]] = field(default_factory=list)
    bars: list[tuple[str, float]] = field(default_factory=list)


def written(title: str, sections: Sequence[Section], notes: Section, *, nothing: str) -> bytes:
    """The document; the lines of `notes` stand small at its end, `nothing` in place of an empty table."""
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.units import mm
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import SimpleDocTemplate

    pdfmetrics.registerFont(UnicodeCIDFont(_CHINESE))
    out = io.BytesIO()
    margins = {f"{side}Margin": _MARGIN * mm for side in ("left", "right", "top", "bottom")}
    # `invariant`: the same figures make the same file.
    page = SimpleDocTemplate(out, pagesize=A4, title=title, author="Kefu", invariant=1, **margins)
    page.build([*_head(title), *(part for each in sections for part in _section(each, nothing)), *_notes(notes)])
    return out.getvalue()


def marked(text: str) -> str:
    """Text for a paragraph: what is markup in it is text, and Chinese letters are in the Chinese font."""
    return _CHINESE_LETTERS.sub(lambda found: f'<font name="{_CHINESE}">{found.group()}</font>', escape(text))


def _head(title: str) -> list[Any]:
    return [_paragraph(title, size=16, space=6)]


def _section(section: Section, nothing: str) -> list[Any]:
    from reportlab.lib.units import mm
    from reportlab.platypus import CondPageBreak, KeepTogether

    heading = _paragraph(section.title, size=12, space=3)
    if section.bars:
        return [KeepTogether([heading, _bars(section.bars)])]
    if not section.table:
        return [heading, _paragraph(nothing, size=9, space=4)]
    table = _table(section.table)
    # A heading never stands alone at the foot of a page.
    if len(section.table) <= _KEPT_ROWS:
        return [KeepTogether([heading, table])]
    return [CondPageBreak(_KEPT * mm), heading, table]


def _notes(notes: Section) -> list[Any]:
    from reportlab.lib.units import mm
    from reportlab.platypus import CondPageBreak

    heading = [CondPageBreak(_KEPT * mm), _paragraph(notes.title, size=12, space=3)]
    return [*heading, *(_paragraph(line, size=7, space=1) for (line,) in notes.table)]


def _paragraph(text: str, *, size: int, space: float) -> Any:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.lib.units import mm
    from reportlab.platypus import Paragraph

    style = ParagraphStyle(
        "text", fontName="Helvetica", fontSize=size, leading=size * 1.3, spaceBefore=space * mm, wordWrap="CJK"
    )
    return Paragraph(marked(text), style)


def _table(rows: list[list[str]]) -> Any:
    from reportlab.lib import colors
    from reportlab.lib.units import mm
    from reportlab.platypus import Table

    cells = [[_paragraph(cell[:_CELL], size=8, space=0) for cell in row] for row in rows]
    # The first column names what the others tell of.
    others = len(rows[0]) - 1
    first = _WIDTH if not others else _WIDTH * 0.4
    widths = [first * mm, *([(_WIDTH - first) / others * mm] * others if others else [])]
    lines = [
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.25, colors.lightgrey),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    return Table(cells, colWidths=widths, style=lines, repeatRows=1, hAlign="LEFT")


def _bars(bars: list[tuple[str, float]]) -> Any:
    from reportlab.graphics.charts.barcharts import VerticalBarChart
    from reportlab.graphics.shapes import Drawing
    from reportlab.lib import colors
    from reportlab.lib.units import mm

    chart = VerticalBarChart()
    chart.x, chart.y, chart.width, chart.height = 12 * mm, 6 * mm, (_WIDTH - 15) * mm, (_BAR_HEIGHT - 10) * mm
    chart.data = [[value for _, value in bars]]
    chart.categoryAxis.categoryNames = [name for name, _ in bars]
    chart.categoryAxis.labels.fontSize = chart.valueAxis.labels.fontSize = 7
    chart.valueAxis.valueMin = 0
    chart.bars[0].fillColor = colors.HexColor("#2f6fed")
    chart.bars[0].strokeColor = None
    drawing = Drawing(_WIDTH * mm, _BAR_HEIGHT * mm)
    drawing.add(chart)
    return drawing

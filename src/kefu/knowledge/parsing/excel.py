"""Excel files: a document for each sheet that can be seen, with the values that Excel shows."""

import datetime
import io
from collections.abc import Iterator
from typing import Any
from zipfile import BadZipFile

import openpyxl

from kefu.knowledge.parsing.document import (
    File,
    ParsedDocument,
    ParseFailure,
    ParseLimits,
    ParseResult,
    Unreadable,
)
from kefu.knowledge.parsing.sheets import Problems, Row, parse_rows
from kefu.knowledge.parsing.zip_safety import open_zip, refuse_doctype

_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# What the library raises for parts that are missing or wrong.
_DAMAGE = (KeyError, IndexError, ValueError, TypeError, AttributeError, BadZipFile, SyntaxError, OSError)
# A wide empty row costs as much as a full one; this is far more than people write.
_MOST_CELLS = 20_000_000


def parse_xlsx(file: File, limits: ParseLimits) -> ParseResult:
    """A sheet's document is named "book.xlsx/sheet" if several sheets hold something, else as the file."""
    archive = open_zip(file.data, limits)
    if "xl/workbook.xml" not in archive.namelist():
        raise Unreadable("The Excel file has no workbook part (xl/workbook.xml).")
    refuse_doctype(archive)
    try:
        # Values, not formulas; read-only mode streams the rows.
        book = openpyxl.load_workbook(io.BytesIO(file.data), read_only=True, data_only=True, keep_links=False)
    except _DAMAGE as error:
        raise Unreadable("The Excel file is damaged: a part that it needs is missing or wrong.") from error
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible" and not _is_empty(sheet)]
    if not sheets:
        raise Unreadable("The workbook has no visible sheet with anything in it.")
    documents: list[ParsedDocument] = []
    failures: list[ParseFailure] = []
    for sheet in sheets:
        name = file.name if len(sheets) == 1 else f"{file.name}/{sheet.title}"
        result = _sheet(File(name, b"", file.url), sheet, limits, None if len(sheets) == 1 else sheet.title)
        documents += result.documents
        failures += result.failures
    return ParseResult(tuple(documents), tuple(failures))


def _is_empty(sheet: Any) -> bool:
    try:
        return not any(row.cells for row in _rows(sheet))
    except (Unreadable, *_DAMAGE):
        return False  # said when the sheet itself is read


def _sheet(file: File, sheet: Any, limits: ParseLimits, title: str | None) -> ParseResult:
    try:
        return parse_rows(file, _rows(sheet), Problems("row"), limits, media_type=_MEDIA_TYPE, title=title)
    except Unreadable as error:
        return ParseResult(failures=(ParseFailure(file.name, error.sentence),))
    except _DAMAGE as error:
        reason = f"The sheet is damaged and could not be read ({type(error).__name__})."
        return ParseResult(failures=(ParseFailure(file.name, reason),))


def _rows(sheet: Any) -> Iterator[Row]:
    sheet.reset_dimensions()  # a file may declare a million rows and hold three
    cells_read = 0
    for number, cells in enumerate(sheet.iter_rows(), 1):
        cells_read += len(cells)
        if cells_read > _MOST_CELLS:
            raise Unreadable(f"The sheet has more than {_MOST_CELLS:,} cells; split it and add the parts.")
        texts = [_text(cell) for cell in cells]
        while texts and not texts[-1]:
            texts.pop()
        yield Row(number, tuple(texts))


def _text(cell: Any) -> str:  # noqa: PLR0911  one for each type of value
    """A cell as Excel shows it by default; errors such as #REF! say nothing."""
    value = cell.value
    if value is None or getattr(cell, "data_type", "") == "e":
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        if "%" in (cell.number_format or ""):
            return f"{value * 100:.10g}%"
        return f"{value:.15g}"
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "minutes")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return value.isoformat("minutes")
    return str(value)

"""Bytes to documents: `parse` reads every kind of file that knowledge may come in."""

import logging
from collections.abc import Callable

from kefu.knowledge.parsing.detect import kind_of
from kefu.knowledge.parsing.document import (
    FaqEntry,
    File,
    ParsedDocument,
    ParseFailure,
    ParseLimits,
    ParseResult,
    Section,
    Unreadable,
)

__all__ = [
    "FaqEntry",
    "ParseFailure",
    "ParseLimits",
    "ParseResult",
    "ParsedDocument",
    "Section",
    "parse",
]

_log = logging.getLogger(__name__)

_Parser = Callable[[File, ParseLimits], ParseResult]


def parse(
    name: str,
    data: bytes,
    limits: ParseLimits = ParseLimits(),  # noqa: B008  frozen
    *,
    url: str | None = None,
    media_type: str | None = None,
) -> ParseResult:
    """Read a file; an archive gives several documents, a workbook one for each sheet.

    Never raises for what the file holds: what cannot be read is in `failures`, by name and with the reason. `url` is
    where a page was fetched and `media_type` what its server said of it.
    """
    return parse_file(File(name, data, url), limits, media_type)


def parse_file(file: File, limits: ParseLimits, media_type: str | None = None) -> ParseResult:
    try:
        if len(file.data) > limits.file_bytes:
            raise Unreadable(
                f"The file has {len(file.data):,} bytes; the most is {limits.file_bytes:,}. Split it and add the parts."
            )
        return _parser(kind_of(file, media_type))(file, limits)
    except Unreadable as error:
        return ParseResult(failures=(ParseFailure(file.name, error.sentence),))
    except (MemoryError, RecursionError):
        return ParseResult(failures=(ParseFailure(file.name, "The file is too large or too deeply nested to read."),))
    except Exception as error:
        # A library stumbled over damage that it does not foresee. The name may be personal, so it is not logged.
        _log.warning("parse_failed", extra={"error": type(error).__name__}, exc_info=True)
        return ParseResult(failures=(ParseFailure(file.name, "The file is damaged and could not be read."),))


def _parser(kind: str) -> _Parser:  # noqa: PLR0911  one for each kind
    """Parsers are imported when first used: each brings its library."""
    match kind:
        case "text":
            from kefu.knowledge.parsing.text import parse_text

            return parse_text
        case "markdown":
            from kefu.knowledge.parsing.markdown import parse_markdown

            return parse_markdown
        case "html":
            from kefu.knowledge.parsing.html import parse_html

            return parse_html
        case "csv":
            from kefu.knowledge.parsing.sheets import parse_csv

            return parse_csv
        case "pdf":
            from kefu.knowledge.parsing.pdf import parse_pdf

            return parse_pdf
        case "docx":
            from kefu.knowledge.parsing.word import parse_docx

            return parse_docx
        case "xlsx":
            from kefu.knowledge.parsing.excel import parse_xlsx

            return parse_xlsx
        case _:
            from kefu.knowledge.parsing.archive import parse_zip

            return parse_zip

"""What comes out of parsing: documents, their headings and FAQ entries, and what could not be read and why."""

from dataclasses import dataclass

from kefu.kit.errors import BadInput


@dataclass(frozen=True, slots=True)
class File:
    """Bytes to parse; `url` is where they were fetched, for a page's links and its citation."""

    name: str
    data: bytes
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A heading: `start` is the offset of its first character in the document's text; `level` 1 is the highest."""

    level: int
    heading: str
    start: int


@dataclass(frozen=True, slots=True)
class FaqEntry:
    """A question and its approved answer, word for word.

    `text[start:end]` of the document is "question\\nanswer", `text[answer_start:end]` the answer.
    """

    question: str
    answer: str
    more_questions: tuple[str, ...]
    start: int
    end: int
    answer_start: int


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """One document as plain text. `name` is the file's, with the archive's before it: "help.zip/en/refunds.txt"."""

    name: str
    title: str
    text: str
    media_type: str
    sections: tuple[Section, ...]
    faqs: tuple[FaqEntry, ...] = ()
    url: str | None = None


@dataclass(frozen=True, slots=True)
class ParseFailure:
    """A file, or rows of a file whose other rows were read, that could not be used; `reason` is one sentence."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ParseResult:
    """A file may be in both: a sheet with some bad rows gives a document and a failure that names the rows."""

    documents: tuple[ParsedDocument, ...] = ()
    failures: tuple[ParseFailure, ...] = ()


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """How much a file may hold. A hostile file must cost a bounded amount of memory and time."""

    # The largest help centre exports and product manuals that people upload are a few tens of megabytes.
    file_bytes: int = 50 * 2**20
    # An archive is unpacked in memory, one member at a time; this bounds the work, not the memory.
    unpacked_bytes: int = 200 * 2**20
    archive_members: int = 2_000
    # A zip inside a zip is met in practice ("attachments.zip"); deeper nesting is only met in bombs.
    archive_depth: int = 2
    # Deflate reaches 1,000:1 on one repeated byte; text and office XML stay below 100:1.
    archive_ratio: int = 200
    # About 20 novels: longer is a dump, not a page.
    characters: int = 10_000_000
    sheet_rows: int = 200_000
    sheet_columns: int = 500
    pdf_pages: int = 5_000
    pdf_seconds: float = 60.0


class Unreadable(BadInput):
    """A file cannot be read; the sentence says why and what its owner can do. Never leaves `parse`."""

    code = "unreadable_file"

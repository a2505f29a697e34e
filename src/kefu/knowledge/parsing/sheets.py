"""Sheets: CSV files, and what rows of any sheet become: FAQ entries or paragraphs."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from kefu.knowledge.parsing.characters import clean, decode, visible
from kefu.knowledge.parsing.document import (
    FaqEntry,
    File,
    ParsedDocument,
    ParseFailure,
    ParseLimits,
    ParseResult,
    Unreadable,
)
from kefu.knowledge.parsing.outline import one_line, title_from_name, too_long

QUESTION_HEADERS = frozenset(
    {"question", "questions", "q", "问题", "问", "标准问题", "标准问", "常见问题", "用户问题", "提问"}
)
ANSWER_HEADERS = frozenset(
    {"answer", "answers", "a", "答案", "回答", "答", "标准答案", "标准回答", "答复", "标准答复", "回复"}
)
MORE_HEADERS = frozenset(
    {
        "more questions", "more question", "similar questions", "similar question", "alternative questions",
        "other questions", "相似问法", "相似问题", "相似问", "扩展问", "扩展问法", "扩展问题", "同义问", "同义问法",
        "其他问法", "其他问题", "更多问法", "更多问题",
    }
)  # fmt: skip
_QUESTION_SEPARATOR = re.compile(r"[\n\r|;；｜]+")
_DELIMITERS = (",", ";", "\t", "|")
_EXCEL_HINT = re.compile(r"sep=(.)\r?\n")
# As many problems as a person reads before opening the file.
_PROBLEMS_NAMED = 5


@dataclass(frozen=True, slots=True)
class Row:
    """`number` is the row's line in the file, or row in the sheet, counted from 1."""

    number: int
    cells: tuple[str, ...]


@dataclass(slots=True)
class Problems:
    """Rows that were left out, and why."""

    unit: str
    found: list[str] = field(default_factory=list)

    def add(self, number: int, what: str) -> None:
        self.found.append(f"{self.unit} {number:,} {what}")

    def sentence(self) -> str:
        named = "; ".join(self.found[:_PROBLEMS_NAMED])
        more = len(self.found) - _PROBLEMS_NAMED
        rows = "1 row was" if len(self.found) == 1 else f"{len(self.found):,} rows were"
        return f"{rows} left out: {named}{f'; and {more:,} more' if more > 0 else ''}."


def parse_csv(file: File, limits: ParseLimits) -> ParseResult:
    """A CSV file with any usual delimiter and encoding. Rows that are not sound are left out and named."""
    text = decode(file.data)
    if len(text) > limits.characters:
        raise Unreadable(too_long(limits.characters))
    problems = Problems("line")
    return parse_rows(file, _csv_rows(text, problems), problems, limits, media_type="text/csv")


def parse_rows(
    file: File,
    rows: Iterable[Row],
    problems: Problems,
    limits: ParseLimits,
    *,
    media_type: str,
    title: str | None = None,
) -> ParseResult:
    """Rows, the first being the header, to a FAQ document or a document with a paragraph for each row."""
    filled = (row for row in rows if any(cell.strip() for cell in row.cells))
    header = next(filled, None)
    if header is None:
        raise Unreadable(_why_empty(problems, "The sheet is empty."))
    body = _sound(filled, problems, limits)
    columns = _faq_columns(header.cells)
    if columns is None and _asks(header.cells):
        columns, body = _FaqColumns(0, 1, (), 2), _sound(chain([header], filled), problems, limits)
    title = title or title_from_name(file.name)
    faqs: tuple[FaqEntry, ...] = ()
    if columns is None:
        text = _paragraphs(header.cells, body)
    else:
        text, faqs = _entries(columns, body, problems)
    if not text:
        raise Unreadable(_why_empty(problems, "The sheet has a header but no rows."))
    if len(text) > limits.characters:
        raise Unreadable(too_long(limits.characters))
    document = ParsedDocument(file.name, title, text, media_type, (), faqs, file.url)
    return ParseResult((document,), (ParseFailure(file.name, problems.sentence()),) if problems.found else ())


def _why_empty(problems: Problems, otherwise: str) -> str:
    return f"No row could be used; {problems.sentence()}" if problems.found else otherwise


def _sound(rows: Iterable[Row], problems: Problems, limits: ParseLimits) -> Iterator[Row]:
    for count, row in enumerate(rows):
        if count >= limits.sheet_rows:
            raise Unreadable(f"The sheet has more than {limits.sheet_rows:,} rows; split it and add the parts.")
        if len(row.cells) > limits.sheet_columns:
            raise Unreadable(
                f"{problems.unit.capitalize()} {row.number:,} has {len(row.cells):,} cells; "
                f"the most is {limits.sheet_columns:,}."
            )
        nul = next((at for at, cell in enumerate(row.cells, 1) if "\x00" in cell), None)
        if nul:
            problems.add(row.number, f"holds a NUL character in column {nul}")
        else:
            yield row


# --- FAQ sheets


@dataclass(frozen=True, slots=True)
class _FaqColumns:
    question: int
    answer: int
    more: tuple[int, ...]
    width: int


def _faq_columns(header: Sequence[str]) -> _FaqColumns | None:
    names = [re.sub(r"[\s_\-]+", " ", one_line(cell)).casefold() for cell in header]
    questions = [at for at, name in enumerate(names) if name in QUESTION_HEADERS]
    answers = [at for at, name in enumerate(names) if name in ANSWER_HEADERS]
    if not questions or not answers:
        return None
    if len(answers) > 1:
        first, second = answers[0] + 1, answers[1] + 1
        raise Unreadable(f"Columns {first} and {second} are both headed as answers; keep one of them.")
    more = [at for at, name in enumerate(names) if name in MORE_HEADERS]
    # A second question column can only be another way to ask.
    return _FaqColumns(questions[0], answers[0], (*questions[1:], *more), len(header))


def _asks(first: Sequence[str]) -> bool:
    """Whether the first of two columns' cells is a question with its answer: nobody heads a column with "How tall?"."""
    question, *answers = (one_line(cell) for cell in first)
    answered = len(answers) == 1 and bool(answers[0]) and not answers[0].endswith(("?", "？"))
    return answered and question.endswith(("?", "？"))


def _entries(columns: _FaqColumns, rows: Iterable[Row], problems: Problems) -> tuple[str, tuple[FaqEntry, ...]]:
    parts: list[str] = []
    entries: list[FaqEntry] = []
    at = 0
    for row in rows:
        cells = (*row.cells, *("",) * (columns.width - len(row.cells)))
        question, answer = one_line(cells[columns.question]), visible(cells[columns.answer])
        trouble = _trouble(question, answer, cells, columns.width)
        if trouble:
            problems.add(row.number, trouble)
            continue
        answer_start = at + len(question) + 1
        end = answer_start + len(answer)
        entries.append(FaqEntry(question, answer, _more(cells, columns, question), at, end, answer_start))
        parts.append(f"{question}\n{answer}\n\n")
        at = end + 2
    return "".join(parts), tuple(entries)


def _trouble(question: str, answer: str, cells: Sequence[str], width: int) -> str | None:
    if any(cell.strip() for cell in cells[width:]):
        # Most often a comma in an answer without quotes: what stands in the answer column would be half of it.
        return f"has {len(cells)} cells but the header has {width}"
    if not question:
        return "has no question"
    return None if answer.strip() else "has no answer"


def _more(cells: Sequence[str], columns: _FaqColumns, question: str) -> tuple[str, ...]:
    pieces = (one_line(piece) for at in columns.more for piece in _QUESTION_SEPARATOR.split(cells[at]))
    return tuple(dict.fromkeys(piece for piece in pieces if piece and piece != question))


# --- other sheets


def _paragraphs(header: Sequence[str], rows: Iterable[Row]) -> str:
    names = [one_line(cell) for cell in header]
    return "\n\n".join(filter(None, (_paragraph(names, row.cells) for row in rows)))


def _paragraph(names: Sequence[str], cells: Sequence[str]) -> str:
    fields = []
    for at, cell in enumerate(cells):
        value = one_line(clean(cell))
        if value:
            name = names[at] if at < len(names) else ""
            fields.append(f"{name}: {value}" if name else value)
    return "; ".join(fields)


# --- CSV


def _csv_rows(text: str, problems: Problems) -> Iterator[Row]:
    hint = _EXCEL_HINT.match(text)
    delimiter = hint.group(1) if hint else _delimiter(text)
    skipped = 1 if hint else 0
    lines = _Lines(io.StringIO(text[hint.end() :] if hint else text, newline=""))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        first = reader.line_num + 1
        lines.taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if not _is_one_bad_line(lines.taken):
                column = len(next(csv.reader(lines.taken[:1], delimiter=delimiter), [""]))
                problems.add(
                    first + skipped,
                    f"opens a quote in column {column} that is not closed properly, so this line and all below it "
                    "were not read",
                )
                return
            problems.add(first + skipped, f"cannot be split into cells ({error})")
            continue
        yield Row(first + skipped, tuple(cells))


class _Lines:
    """Lines of a file, remembering those of the row being read."""

    def __init__(self, lines: io.StringIO) -> None:
        self._lines = lines
        self.taken: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.taken.append(line)
        return line


def _is_one_bad_line(taken: list[str]) -> bool:
    """Whether a row that cannot be read ends on its own line: then the rows below it can be trusted."""
    return len(taken) == 1 and taken[0].count('"') % 2 == 0


def _delimiter(text: str) -> str:
    """The delimiter that gives a FAQ header, else the one that cuts the first rows most evenly into most cells."""
    # Twenty rows or so tell; a cut quote at the end of the sample only costs its row.
    sample = text[:20_000]
    best, best_score = ",", (False, 0.0, 0)
    for delimiter in _DELIMITERS:
        rows = list(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter))[:20]
        widths = [len(row) for row in rows if any(cell.strip() for cell in row)]
        if not widths or widths[0] < 2:
            continue
        header = next(row for row in rows if any(cell.strip() for cell in row))
        names = {one_line(cell).casefold() for cell in header}
        is_faq = bool(names & QUESTION_HEADERS and names & ANSWER_HEADERS)
        score = (is_faq, widths.count(widths[0]) / len(widths), widths[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best

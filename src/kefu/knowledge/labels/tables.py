"""CSV and TSV: with a header or two columns without, quotes as RFC 4180 has them, a damaged row named by its line."""

import csv
import io
from collections.abc import Iterator, Sequence

from kefu.contracts.dataset import BadRow
from kefu.kit.errors import BadInput
from kefu.knowledge.labels.columns import Choice, known
from kefu.knowledge.labels.record import Parsed, Record

_Row = tuple[int, list[str]]
_DELIMITERS = {",": "csv", "\t": "tsv", ";": "csv with semicolons"}
# After each, up to a field's limit of 128 kB is read again: a file of nothing else would take for ever.
_MOST_UNBALANCED = 1_000
_QUOTE_FIX = 'close the quote, and write a quote inside a quoted text twice: ""'


def parse_table(text: str, *, tabs: bool, choice: Choice) -> Parsed:
    """Read a table; `tabs` says that its name promises tabs.

    Raises BadInput where no header names the texts and there are not two columns.
    """
    lines = list(io.StringIO(text, newline=""))
    delimiter = "\t" if tabs else _delimiter(next((line for line in lines if line.strip()), ""))
    rows, bad = _rows(lines, delimiter)
    if delimiter == "\t" and bad:
        # Many programs write TSV without any quoting; then a quote is a character like others.
        rows, bad = _rows(lines, delimiter, quoting=csv.QUOTE_NONE)
    if len(bad) >= _MOST_UNBALANCED:
        raise BadInput(
            f"{len(bad):,} rows and more have a quote that is not balanced, the first in line {bad[0].row:,}: "
            f"{_QUOTE_FIX}."
        )
    if not rows:
        return Parsed(_DELIMITERS[delimiter], (), bad=bad)
    columns, first = _header(rows, choice)
    parsed = Parsed(_DELIMITERS[delimiter] + ("" if first else " without header"), tuple(columns), bad=bad)
    for row, cells in rows[first:]:
        _add(parsed, row, cells)
    return parsed


def _add(parsed: Parsed, row: int, cells: list[str]) -> None:
    expected = len(parsed.columns)
    while len(cells) > expected and not cells[-1]:
        cells.pop()  # spreadsheets fill short rows up with empty cells
    if len(cells) != expected:
        what = f"{len(cells)} column{'s' * (len(cells) != 1)} where the file has {expected}"
        fix = "put a text that holds the separator in double quotes" if len(cells) > expected else "add what is missing"
        parsed.bad.append(BadRow(row, "", what, fix))
        return
    # Of two columns with one name the first counts; the text and the label may not stand twice at all.
    parsed.records.append(Record(row, dict(reversed(list(zip(parsed.columns, cells, strict=True))))))


def _rows(lines: Sequence[str], delimiter: str, quoting: int = csv.QUOTE_MINIMAL) -> tuple[list[_Row], list[BadRow]]:
    """Rows with their first lines. After a row whose quote is never closed, reading goes on with the line after it."""
    rows: list[_Row] = []
    bad: list[BadRow] = []
    at = 0
    while at < len(lines) and len(bad) < _MOST_UNBALANCED:
        begun = at
        reader = csv.reader(_from(lines, begun), delimiter=delimiter, strict=True, quoting=quoting)  # type: ignore[arg-type]
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    rows.append((at + 1, cells))
                at = begun + reader.line_num
        except csv.Error as error:
            bad.append(BadRow(at + 1, "", f"a quote is not balanced ({error})", _QUOTE_FIX))
            at += 1
    return rows, bad


def _from(lines: Sequence[str], start: int) -> Iterator[str]:
    return (lines[at] for at in range(start, len(lines)))


def _delimiter(first: str) -> str:
    """The separator that makes the most of the first line: known column names, then many columns."""

    def promise(delimiter: str) -> tuple[bool, int]:
        try:
            cells = next(csv.reader([first], delimiter=delimiter), [])
        except csv.Error:
            cells = []
        return any(known(cell) for cell in cells), len(cells)

    return max(_DELIMITERS, key=promise)


def _header(rows: Sequence[_Row], choice: Choice) -> tuple[list[str], int]:
    """Column names and how many rows they take: 1, or 0 for two columns without a header."""
    first = [cell.strip() for cell in rows[0][1]]
    chosen = [name.strip().casefold() for name in (choice.text, choice.label, choice.score) if name]
    if any(known(cell) for cell in first) or any(cell.casefold() in chosen for cell in first):
        while len(first) > 1 and not first[-1]:
            first.pop()
        return [cell or f"column {number}" for number, cell in enumerate(first, start=1)], 1
    if len(first) != 2:
        raise BadInput(
            f"The first row names no column that looks like texts: {', '.join(cell[:40] for cell in first[:10])!r}. "
            "Name one 'text' (and one 'label'), or say which with --text-column."
        )
    distinct = [len({cells[at] for _, cells in rows if len(cells) == 2}) for at in (0, 1)]
    return (["text", "label"] if distinct[0] >= distinct[1] else ["label", "text"]), 0

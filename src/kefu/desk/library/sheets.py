"""FAQ sheets as bytes: to read their entries, and to write them again with one changed."""

import csv
import io
from dataclasses import dataclass

from kefu.knowledge.parsing import parse

_HEADER = ("question", "answer", "more_questions")


@dataclass(frozen=True)
class Entry:
    """A question with its approved answer, and other ways to ask it."""

    question: str
    answer: str
    more_questions: tuple[str, ...] = ()


def written(entries: list[Entry]) -> bytes:
    """A CSV sheet of the entries."""
    sheet = io.StringIO()
    rows = csv.writer(sheet)
    rows.writerow(_HEADER)
    for entry in entries:
        rows.writerow([entry.question, entry.answer, "\n".join(entry.more_questions)])
    return sheet.getvalue().encode()


def entries_of(name: str, data: bytes) -> list[Entry] | None:
    """The entries of a CSV sheet; None for anything else: a workbook or an archive cannot be written again."""
    result = parse(name, data)
    if [(each.name, each.media_type) for each in result.documents] != [(name, "text/csv")] or result.failures:
        return None
    faqs = result.documents[0].faqs
    return [Entry(each.question, each.answer, each.more_questions) for each in faqs] or None

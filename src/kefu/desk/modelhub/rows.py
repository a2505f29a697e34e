"""A dataset version's rows: read from the storage, changed, and what a check found about each."""

import csv
import gzip
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from django.core.files.storage import default_storage

from kefu.contracts.dataset import Dataset, Example
from kefu.kit.errors import BadInput, BadInstallation
from kefu.knowledge.labels import OUT_OF_SCOPE, canonical_lines, dataset_of, read_bytes
from kefu.knowledge.masking import mask
from kefu.knowledge.pictures import is_picture
from kefu.knowledge.tagging.masking import masked_slots
from kefu.knowledge.tagging.rows import SLOTS
from kefu.knowledge.words import fold

FILE = "rows.jsonl.gz"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_READ = 2  # datasets kept in memory for whoever turns their pages: a hundred thousand rows are about 60 MB


@dataclass(frozen=True)
class RowChange:
    """A row by its number, counted from 1. `text` None stays as it is; the label is the new one if `relabel`."""

    number: int
    text: str | None = None
    relabel: bool = False
    label: str | None = None
    delete: bool = False


@dataclass(frozen=True)
class RowProblem:
    """What a check said of a row. `rows` are the others that it is about."""

    kind: str
    sentence: str
    rows: tuple[int, ...] = ()
    suggested: str | None = None


@lru_cache(maxsize=_READ)
def read(file: str) -> Dataset:
    """The rows that lie in a file of the storage. A version's file never changes, so it is read once.

    Raises BadInstallation for a file that is gone or damaged.
    """
    try:
        with default_storage.open(file) as stored:
            return read_bytes(stored.read(), name=FILE)
    except (OSError, BadInput) as error:
        raise BadInstallation("The dataset's file is gone from the storage, or damaged.", file=file) from error


def masked(data: Dataset) -> Dataset:
    """The rows with typed placeholders in place of personal data: what is kept for models holds none."""
    examples = (_masked_row(each) for each in data.examples)
    return dataset_of(examples, mapping=data.mapping, format=data.format, bad=data.bad)


def _masked_row(row: Example) -> Example:
    if is_picture(row.text):
        return row
    found = mask(row.text, masked_before=True)
    extra = {name: _masked(value) for name, value in row.extra.items() if name != SLOTS}
    if SLOTS in row.extra:  # places in the text, which go with it
        extra[SLOTS] = masked_slots(row, found)
    return replace(row, text=found.text, extra=extra)


def _masked(text: str) -> str:
    # What was downloaded from here holds our placeholders already.
    return mask(text, masked_before=True).text


def packed(data: Dataset) -> bytes:
    """A dataset as the file that is kept of it; the same rows are the same bytes."""
    lines = canonical_lines(data.examples, labelled="label" in data.mapping)
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)


def as_file(data: Dataset, kind: str) -> bytes:
    """A dataset as a jsonl file for programs, or as a csv for spreadsheets, where no cell is a formula."""
    if kind == "jsonl":
        return gzip.decompress(packed(data))
    lines = [json.loads(line) for line in canonical_lines(data.examples, labelled="label" in data.mapping)]
    columns = dict.fromkeys(("text", *(["label"] if "label" in data.mapping else [])))
    columns |= dict.fromkeys(name for line in lines for name in line)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_cell(name) for name in columns])
    writer.writerows([_cell(line.get(name, "")) for name in columns] for line in lines)
    return out.getvalue().encode("utf-8-sig")  # with the mark, spreadsheets read Chinese rightly


def _cell(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not isinstance(value, int | float) else text


def changed(data: Dataset, changes: Sequence[RowChange], added: Sequence[tuple[str, str | None]]) -> Dataset:
    """The dataset with rows changed, deleted and added at its end. Raises BadInput for a row that is not there."""
    examples: list[Example | None] = list(data.examples)
    for change in changes:
        if not 1 <= change.number <= len(examples) or examples[change.number - 1] is None:
            raise BadInput(f"There is no row {change.number}.", field="changes", row=change.number)
        examples[change.number - 1] = _changed(data.examples[change.number - 1], change)
    last = len(examples)
    new = [Example(_text(text), _label(label), last + at) for at, (text, label) in enumerate(added, start=1)]
    kept = [each for each in examples if each is not None] + new
    if not kept:
        raise BadInput("A dataset keeps at least one row.", field="changes")
    mapping = {**data.mapping, "label": "label"} if any(each.label for each in kept) else data.mapping
    return dataset_of(kept, mapping=mapping, format=data.format)


def chosen(data: Dataset, *, label: str | None, search: str, only: frozenset[int] | None) -> list[tuple[int, Example]]:
    """Rows with their numbers: of a label (`oos` for none), that hold some words, and among some numbers."""
    wanted = fold(search)
    by_label, label = label is not None, _label(label)
    return [
        (number, each)
        for number, each in enumerate(data.examples, start=1)
        if (only is None or number in only)
        and (not by_label or each.label == label)
        and (not wanted or wanted in fold(each.text))
    ]


def problems(report: Mapping[str, Any] | None) -> dict[int, list[RowProblem]]:
    """What a check found, by the row's number."""
    found: dict[int, list[RowProblem]] = defaultdict(list)
    for number, problem in _problems(report or {}):
        found[number].append(problem)
    return dict(found)


def _problems(report: Mapping[str, Any]) -> Iterable[tuple[int, RowProblem]]:
    for each in report.get("contradictions", ()):
        labels = ", ".join(each["labels"])
        yield from _group(each["rows"], "contradiction", f"The same words have the labels {labels}.")
    for each in report.get("duplicates", ()):
        yield from _group(each["rows"], "duplicate", "The same words are there more than once.")
    for each in report.get("near_contradictions", ()):
        sentence = f"Nearly the same words have the labels {each['labels'][0]} and {each['labels'][1]}."
        yield from _group(each["rows"], "near_contradiction", sentence)
    for each in report.get("leaks", ()):
        yield (each["train_row"], RowProblem("leak", f"Row {each['valid_row']} of the test says the same."))
    for each in report.get("suspects", ()):
        sentence = f"It looks like {each['suggested']} ({each['confidence']:.0%})."
        yield each["row"], RowProblem("suspect", sentence, suggested=each["suggested"])
    for each in report.get("personal", ()):
        kinds = ", ".join(str(kind).lower().replace("_", " ") for kind in each["kinds"])
        yield each["row"], RowProblem("personal", f"It holds personal data: {kinds}.")


def _group(rows: Sequence[int], kind: str, sentence: str) -> Iterable[tuple[int, RowProblem]]:
    for row in rows:
        yield row, RowProblem(kind, sentence, tuple(other for other in rows if other != row)[:20])


def _changed(example: Example, change: RowChange) -> Example | None:
    if change.delete:
        return None
    if change.text is not None:
        if change.text != example.text and SLOTS in example.extra:
            raise BadInput("The slots of this row have their places in its text; upload it anew.", field="changes")
        example = replace(example, text=_text(change.text))
    return replace(example, label=_label(change.label)) if change.relabel else example


def _text(text: str) -> str:
    if not text.strip() or "\x00" in text:
        raise BadInput("A row needs a text.", field="text")
    return text


def _label(label: str | None) -> str | None:
    """A label as it is kept; the names of what is out of scope, and none, are None."""
    stripped = (label or "").strip()
    return None if not stripped or stripped.casefold() in OUT_OF_SCOPE else stripped

"""Cleaning: what people decided, blanks and widths, duplicates, personal data; each change is written down."""

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kefu.contracts.dataset import Dataset, Example
from kefu.contracts.job import Tell, Told
from kefu.factory.data.check import shown
from kefu.factory.data.findings import Suspect
from kefu.factory.data.near import wording
from kefu.kit.errors import BadInput
from kefu.knowledge.labels import OUT_OF_SCOPE, dataset_of, read
from kefu.knowledge.labels.content import write_bytes
from kefu.knowledge.labels.record import cell
from kefu.knowledge.masking import mask
from kefu.knowledge.parsing.characters import clean as without_hidden
from kefu.knowledge.pictures import is_picture
from kefu.knowledge.tagging.masking import masked_slots
from kefu.knowledge.tagging.rows import REQUESTED, SLOTS

ACTIONS = ("keep", "drop", "relabel")
# Full-width letters, digits and blanks; full-width punctuation is right in Chinese and stays.
_FULL_WIDTH = re.compile("[０-９Ａ-Ｚａ-ｚ\u3000]")
_SHIFT = 0xFEE0
# Columns in which readers keep the rest of a conversation.
_SAID = ("messages", "reply", "chosen", "rejected")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_Step = Callable[[Example], "tuple[Example | None, str]"]


@dataclass(frozen=True)
class Decision:
    """What a person decided about a row: keep it, drop it, or give it `label` (None: out of scope)."""

    row: int
    text: str
    action: str
    label: str | None = None


@dataclass(frozen=True)
class Change:
    """One change; texts are shown masked and cut, `after` is empty for a row that was dropped."""

    row: int
    what: str
    before: str
    after: str


def clean(
    data: Dataset,
    *,
    decisions: Sequence[Decision] = (),
    tidy: bool = True,
    drop_duplicates: bool = True,
    mask_personal: bool = True,
    tell: Tell | None = None,
) -> tuple[Dataset, tuple[Change, ...]]:
    """The dataset after the steps that are on, in this order, and what was changed.

    Decisions come first and name rows of the file as it is. A duplicate has an earlier row's wording and label; rows
    of one wording with different labels stay, for that is for a person to decide. Raises BadInput for a decision about
    a row that is not there or holds another text, and when nothing is left.
    """
    steps: list[_Step] = [_decided(data, decisions)] if decisions else []
    steps += [_tidied] if tidy else []
    steps += [_once()] if drop_duplicates else []
    steps += [_masked] if mask_personal else []
    kept: list[Example] = []
    changes: list[Change] = []
    for done, example in enumerate(data.examples, start=1):
        left = _through(example, steps, changes)
        if left is not None:
            kept.append(left)
        if tell is not None and (done % 500 == 0 or done == len(data.examples)):
            tell(Told.PROGRESS, {"done": done, "total": len(data.examples), "unit": "examples"})
    if not kept:
        raise BadInput("Nothing would be left of the data: every row was dropped.")
    return dataset_of(kept, mapping=data.mapping, format=data.format), tuple(changes)


def write_changes(changes: Iterable[Change], path: Path) -> None:
    """Write the list of changes as CSV. Raises BadInput when it cannot be written."""
    rows = [[str(each.row), each.what, each.before, each.after] for each in changes]
    _write_table(path, ["row", "change", "before", "after"], rows)


def write_decisions(suspects: Iterable[Suspect], path: Path) -> None:
    """Write doubted rows for a person to go through: `keep` becomes drop or relabel (to what stands in `suggested`)."""
    rows = [[str(e.row), e.text, e.label, e.suggested, f"{e.confidence:.3f}", ACTIONS[0]] for e in suspects]
    _write_table(path, ["row", "text", "label", "suggested", "confidence", "action"], rows)


def read_decisions(path: Path) -> tuple[Decision, ...]:
    """What a file from `write_decisions` says after a person went through it.

    Raises BadInput that names the line with a number, an action or a label that cannot be.
    """
    if _only_header(path):
        return ()
    decisions = []
    for example in read(path).examples:
        action = example.extra.get("action", "").strip().lower()
        row = example.extra.get("row", "").strip()
        label = _unescaped(example.extra.get("suggested", "").strip())
        if not row.isdecimal() or action not in ACTIONS or (action == "relabel" and not label):
            raise BadInput(
                f"{path.name}, line {example.row}: a decision needs a row (a number), an action "
                f"({', '.join(ACTIONS)}) and, to relabel, the new label under 'suggested'.",
                line=example.row,
            )
        new = None if label.casefold() in OUT_OF_SCOPE else label
        decisions.append(Decision(int(row), example.text, action, new))
    return tuple(decisions)


def _only_header(path: Path) -> bool:
    """Whether nothing was doubted: that is no error."""
    try:
        return len([line for line in path.read_bytes().splitlines() if line.strip()]) == 1
    except OSError:
        return False


# steps: an example to what is left of it, and what was done in a word


def _through(example: Example, steps: Sequence[_Step], changes: list[Change]) -> Example | None:
    for step in steps:
        left, what = step(example)
        if left is None:
            changes.append(Change(example.row, what, shown(example.text), ""))
            return None
        if what == "relabelled":
            changes.append(Change(example.row, what, _label(example), _label(left)))
        elif what:
            changes.append(Change(example.row, what, shown(example.text), shown(left.text)))
        example = left
    return example


def _decided(data: Dataset, decisions: Sequence[Decision]) -> _Step:
    # A document of one line has all its examples in row 1: the text tells which one is meant.
    rows: dict[int, list[Example]] = defaultdict(list)
    for example in data.examples:
        rows[example.row].append(example)
    by_row: dict[int, list[Decision]] = defaultdict(list)
    for each in decisions:
        by_row[each.row].append(each)
        if not any(_same_text(there.text, each.text) for there in rows[each.row]):
            raise BadInput(
                f"The decision about row {each.row} is about another text than the data has there: the file has "
                "changed since it was checked. Check it again.",
                row=each.row,
            )

    def step(example: Example) -> tuple[Example | None, str]:
        here = by_row.get(example.row, [])
        decision = next((each for each in here if _same_text(example.text, each.text)), None)
        if decision is not None and decision.action == "drop":
            return None, "dropped by decision"
        if decision is not None and decision.action == "relabel" and decision.label != example.label:
            return replace(example, label=decision.label), "relabelled"
        return example, ""

    return step


def _same_text(text: str, decided: str) -> bool:
    return decided in (text, shown(text), _escaped(shown(text)))


def _tidied(example: Example) -> tuple[Example | None, str]:
    text = tidied(example.text)
    if not text:
        return None, "dropped: nothing to read in it"
    if SLOTS in example.extra:  # slots have their places in the text as it is
        return example, ""
    return replace(example, text=text), "tidied" if text != example.text else ""


def tidied(text: str) -> str:
    """A text without hidden characters, its blanks single, its full-width letters and digits in half width."""
    narrow = _FULL_WIDTH.sub(lambda sign: " " if sign[0] == "\u3000" else chr(ord(sign[0]) - _SHIFT), text)
    return " ".join(without_hidden(narrow).split())


def _once() -> _Step:
    known: set[tuple[str | float | None, ...]] = set()

    def step(example: Example) -> tuple[Example | None, str]:
        tagged = (example.extra.get(SLOTS), example.extra.get(REQUESTED))  # "7" is one thing or another as was asked
        key = (wording(example.text), example.label, example.score, *tagged)
        if key in known:
            return None, "dropped: a duplicate"
        known.add(key)
        return example, ""

    return step


def _masked(example: Example) -> tuple[Example | None, str]:
    """Masks the text and, with the same placeholders, whatever else was said in its conversation."""
    if is_picture(example.text):
        return example, ""
    masked = mask(example.text, example.language, masked_before=True)
    extra, known = dict(example.extra), masked.placeholders
    for name in _SAID:
        if name in extra:
            extra[name], known = _masked_said(extra[name], known)
    if SLOTS in extra and masked.text != example.text:
        extra[SLOTS] = masked_slots(example, masked)
    changed = replace(example, text=masked.text, extra=extra)
    return changed, "masked" if changed != example else ""


def _masked_said(said: str, known: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    try:
        messages = json.loads(said)
        contents = [str(each["content"]) for each in messages]
    except (ValueError, TypeError, KeyError, RecursionError):
        masked = mask(said, known=known, masked_before=True)
        return masked.text, masked.placeholders
    for each, content in zip(messages, contents, strict=True):
        masked = mask(content, known=known, masked_before=True)
        each["content"], known = masked.text, masked.placeholders
    return cell(messages) or "", known


def _label(example: Example) -> str:
    return OUT_OF_SCOPE[0] if example.label is None else example.label


def _write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """CSV for people: a cell that a spreadsheet would take for a formula begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_escaped(cell) for cell in row] for row in rows)
    write_bytes(path, out.getvalue().encode("utf-8-sig"))  # with the mark, spreadsheets read Chinese rightly


def _escaped(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _unescaped(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell

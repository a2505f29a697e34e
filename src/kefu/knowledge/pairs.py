"""Questions with the passage that answers each: what retrieval is taught and judged with.

A file has a column of questions and one of passages (passage, answer, document, positive, context), and may have
`negative`, a passage that does not answer; several of them are one JSON list.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from kefu.contracts.dataset import Dataset, Example
from kefu.kit.errors import BadInput

_PASSAGE = ("passage", "answer", "document", "positive", "context", "chosen", "段落", "答案", "回答")
_NEGATIVE = ("negative", "negatives", "rejected")


@dataclass(frozen=True)
class Pair:
    """A question, the passage that answers it, and passages that do not; `row` is its line in the file."""

    question: str
    passage: str
    row: int
    negatives: tuple[str, ...] = ()
    language: str | None = None


def has_passages(data: Dataset) -> bool:
    """Whether the rows of a dataset hold passages beside their texts."""
    return bool(data.examples) and any(name in data.examples[0].extra for name in _PASSAGE)


def pairs_of(data: Dataset, name: str) -> list[Pair]:
    """The pairs of a dataset. Raises BadInput where rows hold no passage."""
    found = list(_pairs(data))
    if not found:
        raise BadInput(
            f"{name} holds no passages; it needs a column with questions and one with passages, such as "
            "question,passage.",
            name=name,
        )
    return found


def _pairs(data: Dataset) -> Iterator[Pair]:
    for each in data.examples:
        passage = _first(each, _PASSAGE)
        if passage:
            yield Pair(each.text, passage, each.row, tuple(_several(_first(each, _NEGATIVE))), each.language)


def _first(example: Example, names: tuple[str, ...]) -> str:
    return next((example.extra[name].strip() for name in names if example.extra.get(name, "").strip()), "")


def _several(written: str) -> list[str]:
    if not written.startswith("["):
        return [written] if written else []
    try:
        found = json.loads(written)
    except ValueError:
        return [written]
    return [str(each) for each in found if str(each).strip()] if isinstance(found, list) else [written]

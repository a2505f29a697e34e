"""A model that finds slots on a file of slots: span F1, each slot, mistakes, slices, latency."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kefu.contracts.dataset import Dataset
from kefu.contracts.engine import TaggedSpan, Tagger
from kefu.contracts.job import Tell, Told
from kefu.contracts.model_card import ModelCard, Slice
from kefu.factory.evaluate import slices
from kefu.factory.evaluate.paired import accuracy_interval
from kefu.factory.evaluate.served import latencies, tagger
from kefu.factory.evaluate.sheet import Flags, model_table, rows_table, slices_table
from kefu.factory.evaluate.spans import f1, span_counts, summed
from kefu.kit.runtime import run
from kefu.knowledge.tagging.rows import SlotSpan, TaggedRow, tagged_rows

_MISTAKES, _SHOWN_CHARACTERS = 30, 300
_CHUNK = 64  # texts between two ticks of the bar


def served_spans(folder: Path, rows: Sequence[TaggedRow]) -> list[tuple[SlotSpan, ...]]:
    """The spans that the served model finds in each row, told what had been asked."""
    with tagger(folder) as engine:
        return [_plain(each) for each in _tagged(engine, rows, None)]


def judged_tags(
    folder: Path, card: ModelCard, data: Dataset, name: str, tell: Tell | None = None
) -> tuple[Flags, dict[str, Any]]:
    """Which rows have all their slots right, and the report. Raises BadInput for data without slots."""
    rows = tagged_rows(data, name)
    with tagger(folder) as engine:
        found = _tagged(engine, rows, tell)

        async def ask(texts: Sequence[str]) -> None:
            for text in texts:
                await engine.tag(text)

        timed = latencies(ask, folder, [row.text for row in rows], "tag")
    spans = [_plain(each) for each in found]
    right = np.array([set(each) == set(row.spans) for each, row in zip(spans, rows, strict=True)], np.bool_)
    counts = span_counts(rows, spans)
    parts = _slices(rows, right)
    low, high = accuracy_interval(right)
    table = {
        "model": model_table(card),
        "data": rows_table(data, name, len(rows)),
        "metrics": {**_figures(*summed(counts)), "rows_right": float(right.mean()), "rows_low": low, "rows_high": high}
        | {"accuracy": float(right.mean())},
        "per_label": {slot: {**_of_slot(*each), "support": each[2]} for slot, each in counts.items()},
        "mistakes": _mistakes(rows, found, right),
        **slices_table(parts, timed),
    }
    return right, table


def _tagged(engine: Tagger, rows: Sequence[TaggedRow], tell: Tell | None) -> list[tuple[TaggedSpan, ...]]:
    found: list[tuple[TaggedSpan, ...]] = []
    for at, row in enumerate(rows, start=1):
        found.append(run(engine.tag(row.text, row.requested)))
        if tell is not None and (at % _CHUNK == 0 or at == len(rows)):
            tell(Told.PROGRESS, {"done": at, "total": len(rows), "unit": "texts"})
    return found


def _plain(spans: Sequence[TaggedSpan]) -> tuple[SlotSpan, ...]:
    return tuple(SlotSpan(each.slot, each.start, each.end) for each in spans)


def _figures(right: int, given: int, meant: int) -> dict[str, float]:
    return {
        "span_f1": f1(right, given, meant),
        "span_precision": right / given if given else 1.0,
        "span_recall": right / meant if meant else 1.0,
    }


def _of_slot(right: int, given: int, meant: int) -> dict[str, float]:
    return {name.removeprefix("span_"): value for name, value in _figures(right, given, meant).items()}


def _slices(rows: Sequence[TaggedRow], right: Flags) -> dict[str, Slice]:
    texts = [row.text for row in rows]
    asked = np.array([bool(row.requested) for row in rows])
    empty = np.array([not row.spans for row in rows])
    parts = {
        name: Slice(int(chosen.sum()), int(right[chosen].sum()))
        for name, chosen in (("asked for a slot", asked), ("unasked", ~asked), ("no slot in it", empty))
        if chosen.any()
    }
    return parts | slices.by_language(texts, [row.language for row in rows], right) | slices.by_length(texts, right)


def _mistakes(rows: Sequence[TaggedRow], found: Sequence[Sequence[TaggedSpan]], right: Flags) -> list[dict[str, Any]]:
    """Rows with a slot wrong, the surest first."""
    wrong = [at for at in range(len(rows)) if not right[at]]
    sure = {at: min((each.confidence for each in found[at]), default=0.0) for at in wrong}
    return [
        {
            "row": rows[at].row,
            "text": rows[at].text[:_SHOWN_CHARACTERS],
            "truth": _said((each.slot, rows[at].text[each.start : each.end]) for each in rows[at].spans),
            "predicted": _said((each.slot, each.text) for each in found[at]),
            "confidence": sure[at],
        }
        for at in sorted(wrong, key=lambda at: -sure[at])[:_MISTAKES]
    ]


def _said(pairs: Any) -> str:
    return "; ".join(f"{slot} {text!r}" for slot, text in pairs) or "none"

"""Tag: what a trained tagger finds in a message for a flow's slots. Rules read the message whatever comes of it."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kefu.brain.sense import SECONDS
from kefu.contracts.engine import TaggedSpan, Tagger
from kefu.contracts.flow import Flow
from kefu.contracts.flow_state import Candidate, FlowState
from kefu.kit.log import Log

log = Log(__name__)
_PLACEHOLDER = re.compile(r"<[A-Z][A-Z_]*_\d+>")


@dataclass(frozen=True)
class Tagged:
    """The values that were found; `detail` explains them for the trace, or says why there are none."""

    candidates: tuple[Candidate, ...]
    detail: Mapping[str, Any]


def requested(first: FlowState | Flow) -> tuple[str, ...]:
    """The slot that the customer was just asked for, if a flow waits for one."""
    waiting = first.waiting if isinstance(first, FlowState) else None
    return (waiting.slot,) if waiting is not None and waiting.slot is not None else ()


async def tag(tagger: Tagger, text: str, asked: Sequence[str], model: str) -> Tagged:
    """Find slots in a masked text. A tagger that fails, or is too slow, finds none."""
    told: dict[str, Any] = {"model": model, "asked": list(asked)}
    try:
        found = await asyncio.wait_for(tagger.tag(text, asked), SECONDS)
        spans = [_whole(each, text) for each in found]
    except Exception as error:  # whatever breaks in a model, the rules go on
        log.warning("model_failed", model="slots", reason=type(error).__name__)
        return Tagged((), {**told, "failed": type(error).__name__})
    shown = [{"slot": each.slot, "text": each.text, "confidence": round(each.score, 4)} for each in spans]
    return Tagged(tuple(spans), {**told, "spans": shown})


def _whole(span: TaggedSpan, text: str) -> Candidate:
    """A span as a candidate; one that cuts into a placeholder holds the whole of it."""
    start, end = span.start, span.end
    for match in _PLACEHOLDER.finditer(text):
        if match.start() < end and start < match.end():
            start, end = min(start, match.start()), max(end, match.end())
    return Candidate(span.slot, text[start:end], span.confidence)

"""The best tagging that is one at all, and how sure each span of it is.

A text is a row of pieces. A tagging gives each piece one of O, B-slot, I-slot; I-slot follows only B-slot or I-slot,
and a piece that is joined to the one before it (the rest of a word) goes on as that one began. Scores of pieces are
independent logits, so the best tagging is Viterbi's, and a span's probability among all taggings that are allowed is
found by the forward-backward algorithm (Rabiner 1989).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kefu.contracts.engine import Matrix
from kefu.knowledge.tagging.rows import SlotSpan

Floats = npt.NDArray[np.float64]
OUTSIDE = 0
NEVER = -1e9  # a logarithm of nothing that still may be added up


@dataclass(frozen=True)
class Found:
    """A span of pieces, from `first` to `last`, both in it."""

    slot: int
    first: int
    last: int
    probability: float


def tag_names(slots: Sequence[str]) -> tuple[str, ...]:
    """The tags of these slots, in the order of a tagger's logits."""
    return ("O", *(f"{kind}-{slot}" for slot in slots for kind in ("B", "I")))


def begins(slot: int) -> int:
    """The number of B-slot."""
    return 1 + 2 * slot


def goes_on(slot: int) -> int:
    """The number of I-slot."""
    return 2 + 2 * slot


def targets(pieces: Sequence[tuple[int, int]], spans: Sequence[SlotSpan], slots: Sequence[str]) -> list[int]:
    """The tag of each piece, (start, end) in the text; a piece belongs to the span that it lies in or over."""
    found = [OUTSIDE] * len(pieces)
    place = {name: number for number, name in enumerate(slots)}
    for span in spans:
        slot = place.get(span.slot)
        within = [at for at, (start, end) in enumerate(pieces) if start < span.end and end > span.start]
        if slot is None:
            continue
        for at in within:
            found[at] = begins(slot) if at == within[0] else goes_on(slot)
    return found


def decode(logits: Matrix, joined: Sequence[bool], *, temperature: float = 1.0) -> list[Found]:
    """The spans of the best tagging for logits [pieces, tags]; `joined` pieces go on as the one before."""
    if not len(logits):
        return []
    scores = np.asarray(logits, np.float64) / temperature
    steps = _steps(joined, scores.shape[1])
    spans = _spans(_best(scores, steps))
    if not spans:
        return []
    sums = _sums(scores, steps)
    return [_sure(each, scores, steps, sums) for each in spans]


def _steps(joined: Sequence[bool], tags: int) -> list[Floats]:
    """For each piece but the first: the logarithm of which tag may follow which, [tag before, tag]."""
    free, rest = np.zeros((tags, tags)), np.full((tags, tags), NEVER)
    rest[OUTSIDE, OUTSIDE] = 0.0
    for inside in range(2, tags, 2):
        free[:, inside] = NEVER
        for each in (free, rest):
            each[inside - 1, inside] = each[inside, inside] = 0.0
    return [rest if one else free for one in joined[1:]]


def _first(scores: Floats) -> Floats:
    first: Floats = scores[0].copy()
    first[2::2] = NEVER  # nothing goes on that did not begin
    return first


def _best(scores: Floats, steps: Sequence[Floats]) -> list[int]:
    reached, back = _first(scores), []
    for row, step in zip(scores[1:], steps, strict=True):
        ways = reached[:, None] + step
        back.append(ways.argmax(axis=0))
        reached = ways.max(axis=0) + row
    tags = [int(reached.argmax())]
    for pointers in reversed(back):
        tags.append(int(pointers[tags[-1]]))
    return tags[::-1]


def _spans(tags: Sequence[int]) -> list[tuple[int, int, int]]:
    """(slot, first, last) of each span."""
    found: list[tuple[int, int, int]] = []
    for at, tag in enumerate(tags):
        if tag == OUTSIDE:
            continue
        if tag % 2:
            found.append(((tag - 1) // 2, at, at))
        else:
            slot, first, _ = found.pop()
            found.append((slot, first, at))
    return found


@dataclass(frozen=True)
class _Sums:
    """Logarithms of sums over all taggings: up to each piece with its own score, after each piece, and of all."""

    before: list[Floats]
    after: list[Floats]
    total: float


def _sums(scores: Floats, steps: Sequence[Floats]) -> _Sums:
    before = [_first(scores)]
    for row, step in zip(scores[1:], steps, strict=True):
        before.append(_logsumexp(before[-1][:, None] + step, axis=0) + row)
    after = [np.zeros(scores.shape[1])]
    for row, step in zip(scores[:0:-1], reversed(steps), strict=True):
        after.append(_logsumexp(step + row + after[-1], axis=1))
    return _Sums(before, after[::-1], float(_logsumexp(before[-1])))


def _sure(span: tuple[int, int, int], scores: Floats, steps: Sequence[Floats], sums: _Sums) -> Found:
    """The share of all taggings, by their weight, that have exactly this span."""
    slot, first, last = span
    head = scores[0, begins(slot)] if first == 0 else sums.before[first][begins(slot)]
    inside = scores[first + 1 : last + 1, goes_on(slot)].sum()
    ends = begins(slot) if first == last else goes_on(slot)
    if last + 1 == len(scores):
        tail = 0.0
    else:
        onward = steps[last][ends] + scores[last + 1] + sums.after[last + 1]
        onward[goes_on(slot)] = NEVER  # that would be a longer span
        tail = float(_logsumexp(onward))
    return Found(slot, first, last, float(np.exp(min(0.0, head + inside + tail - sums.total))))


def _logsumexp(values: Floats, axis: int = -1) -> Floats:
    top = values.max(axis=axis, keepdims=True)
    summed = np.log(np.exp(values - top).sum(axis=axis)) + np.squeeze(top, axis=axis)
    return np.asarray(summed, np.float64)

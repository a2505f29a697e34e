"""The best tagging is one at all, and its probabilities are those of all taggings counted out."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kefu.knowledge.tagging.lattice import begins, decode, goes_on, tag_names, targets
from kefu.knowledge.tagging.rows import SlotSpan, apart

SLOTS = ("date", "time")
TAGS = len(tag_names(SLOTS))


def is_tagging(tags: tuple[int, ...], joined: list[bool]) -> bool:
    for at, tag in enumerate(tags):
        before = tags[at - 1] if at else 0
        is_inside = tag != 0 and tag % 2 == 0
        if is_inside and (at == 0 or before not in {tag, tag - 1}):
            return False
        if at and joined[at] and not (tag == before == 0 or (before != 0 and is_inside)):
            return False
    return True


def spans(tags: tuple[int, ...]) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    for at, tag in enumerate(tags):
        if tag % 2:
            found.append(((tag - 1) // 2, at, at))
        elif tag:
            found[-1] = (*found[-1][:2], at)
    return found


def counted(
    logits: np.ndarray, joined: list[bool]
) -> tuple[list[tuple[int, int, int]], dict[tuple[int, int, int], float]]:
    """The best tagging's spans, and each span's share, over every tagging there is."""
    best, top, total = (0,) * len(logits), -np.inf, 0.0
    shares: dict[tuple[int, int, int], float] = {}
    for tags in itertools.product(range(TAGS), repeat=len(logits)):
        if not is_tagging(tags, joined):
            continue
        score = sum(float(row[tag]) for row, tag in zip(logits, tags, strict=True))
        if score > top:
            best, top = tags, score
        total += np.exp(score)
        for each in spans(tags):
            shares[each] = shares.get(each, 0.0) + np.exp(score)
    return spans(best), {each: share / total for each, share in shares.items()}


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.randoms(use_true_random=False))
def test_decode_agrees_with_counting_out(length: int, chance: object) -> None:
    rng = np.random.default_rng(chance.randrange(2**32))  # type: ignore[attr-defined]
    logits = rng.normal(0, 2, (length, TAGS)).astype(np.float32)
    joined = [False, *(bool(each) for each in rng.integers(0, 2, length - 1))]
    best, shares = counted(logits, joined)
    found = decode(logits, joined)
    assert [(each.slot, each.first, each.last) for each in found] == best
    for each in found:
        assert each.probability == pytest.approx(shares[each.slot, each.first, each.last], abs=1e-6)


def test_nothing_to_tag_gives_nothing() -> None:
    assert decode(np.zeros((0, TAGS), np.float32), []) == []


def test_targets_mark_the_pieces_of_a_span() -> None:
    pieces = [(0, 2), (3, 5), (6, 8), (9, 12)]  # at 12 : 45 pm
    assert targets(pieces, [SlotSpan("time", 3, 8)], SLOTS) == [0, begins(1), goes_on(1), 0]
    assert targets(pieces, [SlotSpan("unknown", 3, 8)], SLOTS) == [0, 0, 0, 0]


def test_a_span_over_another_is_left_out() -> None:
    assert apart([SlotSpan("b", 2, 4), SlotSpan("a", 0, 3)]) == (SlotSpan("a", 0, 3),)
    assert apart([SlotSpan("a", 0, 1), SlotSpan("b", 0, 5)]) == (SlotSpan("b", 0, 5),)

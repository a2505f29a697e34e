"""Batches: every text once, hardly any padding; or all labels alike."""

from collections import Counter

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as some  # noqa: E402

from kefu.factory.batches import balanced, by_length, pad  # noqa: E402


@settings(max_examples=40)
@given(some.lists(some.integers(1, 64), min_size=1, max_size=300), some.integers(1, 40), some.integers(0, 5))
def test_every_text_is_in_one_batch(lengths: list[int], size: int, epoch: int) -> None:
    batches = by_length(lengths, size=size, seed=1, epoch=epoch)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert max(map(len, batches)) <= size
    assert len(batches) == len(by_length(lengths, size=size, seed=1, epoch=epoch + 1))


def test_texts_of_like_length_are_together() -> None:
    lengths = [5 + row * 37 % 60 for row in range(2000)]
    padded = sum(
        len(batch) * max(lengths[row] for row in batch) for batch in by_length(lengths, size=32, seed=0, epoch=0)
    )
    assert padded < 1.03 * sum(lengths)


def test_an_epoch_is_the_same_whenever_it_is_asked_for_and_unlike_the_next() -> None:
    lengths = [1 + row % 7 for row in range(100)]
    first = by_length(lengths, size=8, seed=3, epoch=2)
    assert first == by_length(lengths, size=8, seed=3, epoch=2)
    assert first != by_length(lengths, size=8, seed=3, epoch=3)
    assert first != by_length(lengths, size=8, seed=4, epoch=2)


@settings(max_examples=40)
@given(some.lists(some.integers(0, 9), min_size=1, max_size=200), some.integers(2, 12), some.integers(1, 5))
def test_balanced_batches_hold_each_label_alike(targets: list[int], labels: int, each: int) -> None:
    batches = balanced(targets, labels=labels, each=each, seed=0, epoch=0)
    rows = Counter(targets)
    assert len(batches) == len(balanced(targets, labels=labels, each=each, seed=0, epoch=1))
    for batch in batches:
        assert len(set(batch)) == len(batch)
        met = Counter(targets[row] for row in batch)
        assert len(met) == min(labels, len(rows))
        assert all(count == min(each, rows[label]) for label, count in met.items())


def test_a_rare_label_is_met_as_often_as_a_frequent_one() -> None:
    targets = [0] * 90 + [1] * 10
    batches = balanced(targets, labels=2, each=4, seed=0, epoch=0)
    met = Counter(targets[row] for batch in batches for row in batch)
    assert met[0] == met[1]
    rare = Counter(row for batch in batches for row in batch if targets[row] == 1)
    assert max(rare.values()) - min(rare.values()) <= 1


def test_padding_is_masked() -> None:
    ids, mask = pad([[2, 7, 3], [2, 3]], pad_id=9)
    assert ids.tolist() == [[2, 7, 3], [2, 3, 9]]
    assert mask.tolist() == [[1, 1, 1], [1, 1, 0]]

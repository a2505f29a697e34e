"""Vectors in half precision give what float32 gives, whatever was added and removed."""

import numpy as np
import pytest

from kefu.knowledge.neighbours import Neighbours
from kefu.knowledge.vectors import VectorIndex, dots

DIMENSION = 384
CLOSE = 2e-4  # half precision keeps eleven bits; what it drops of 384 products of a unit vector nearly cancels out


def unit(count: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_products_are_those_of_float32() -> None:
    rows, asked = unit(500, 1).astype(np.float16), unit(1, 2)[0]
    assert dots(rows, asked) == pytest.approx(rows.astype(np.float32) @ asked, abs=CLOSE)
    assert dots(rows, asked).dtype == np.float32
    assert dots(rows[:0], asked).shape == (0,)


@pytest.mark.parametrize("exact_rows", [1000, 10])
def test_an_owners_first_row_and_the_best_and_mean_of_its_others(exact_rows: int) -> None:
    index, rows, asked = VectorIndex(exact_rows), {}, unit(1, 3)[0]
    for owner in range(30):
        rows[owner] = unit(1 + owner % 4, 100 + owner)
        index.add(owner, rows[owner])
    index.best(asked, 30, 200)  # what is remembered of the rows must not outlive a change
    for owner in (0, 7, 29):
        index.remove(owner)
        rows[owner] = np.zeros((1, DIMENSION), np.float32)
    index.add(7, unit(3, 77))
    rows[7] = unit(3, 77)
    near = index.best(asked, 30, 200)
    cosines = [rows[owner] @ asked for owner in range(30)]
    others = [np.maximum(each[1:], 0) if len(each) > 1 else np.zeros(1) for each in cosines]
    assert near.first == pytest.approx([max(0.0, each[0]) for each in cosines], abs=CLOSE)
    assert near.highest == pytest.approx([each.max() for each in others], abs=CLOSE)
    assert near.others.tolist() == [float(len(rows[owner]) - 1) for owner in range(30)]
    assert near.mean == pytest.approx([each.mean() for each in others], abs=CLOSE)
    for owner in set(range(30)) - {0, 29}:
        assert index.cosines(asked, owner) == pytest.approx(cosines[owner], abs=CLOSE)


def test_one_question_is_told_as_many_are() -> None:
    known = Neighbours(unit(60, 4), np.arange(60) % 6, 6)
    asked = unit(5, 5)
    alone = np.concatenate([known.log_shares(asked[[row]]) for row in range(5)])
    assert alone == pytest.approx(known.log_shares(asked), abs=0.02)

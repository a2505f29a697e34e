"""Slices of a test, and its texts in other forms."""

import numpy as np

from kefu.contracts.model_card import Slice
from kefu.factory.evaluate.slices import LEAST_ROWS, by_language, by_length, rewritten, worst

TEXTS = ["Where is my parcel?", "我的包裹在哪里", "CANCEL it", "退款"]


def test_languages_are_told_by_the_file_or_by_the_text() -> None:
    right = np.array([True, False, True, True])
    found = by_language(TEXTS, [None, None, "en", "yue"], right)
    assert found == {"language en": Slice(2, 2), "language yue": Slice(1, 1), "language zh": Slice(1, 0)}


def test_quarters_hold_every_text_once() -> None:
    texts = ["x" * length for length in range(1, 101)]
    found = by_length(texts, np.array([length > 25 for length in range(1, 101)]))
    assert sum(each.rows for each in found.values()) == 100
    assert [each.right for each in found.values()] == [0, 25, 25, 25]


def test_three_texts_have_no_quarters() -> None:
    assert by_length(["a", "b", "c"], np.array([True] * 3)) == {}


def test_forms_change_texts_and_say_which_rows_they_are_of() -> None:
    found = {each.name: each for each in rewritten(TEXTS)}
    assert set(found) == {"typos", "capitals", "small letters"}
    assert found["capitals"].texts == ("WHERE IS MY PARCEL?", "CANCEL IT")
    assert found["capitals"].rows == (0, 2)
    assert found["small letters"].texts == ("where is my parcel?", "cancel it")
    for form in found.values():
        assert all(TEXTS[row] != text for row, text in zip(form.rows, form.texts, strict=True))
    assert 0 in found["typos"].rows


def test_forms_are_the_same_each_time() -> None:
    assert list(rewritten(TEXTS)) == list(rewritten(TEXTS))


def test_a_large_test_is_sampled() -> None:
    found = next(iter(rewritten([f"where is parcel number {number}" for number in range(5000)])))
    assert 400 <= len(found.rows) <= 500
    assert found.rows[-1] > 4900


def test_the_worst_slice_is_large_enough_to_tell() -> None:
    parts = {
        "good": Slice(100, 90),
        "bad": Slice(100, 70),
        "tiny": Slice(LEAST_ROWS - 1, 0),
        "out of scope": Slice(50, 1),
    }
    assert worst(parts) == "bad"
    assert worst({"tiny": Slice(3, 0)}) is None

"""Whether everybody is served alike: by their words, their names, and as the customers that a file says they are."""

import numpy as np
import pytest

from kefu.contracts.dataset import Example
from kefu.contracts.model_card import Slice
from kefu.factory.evaluate.fairness import by_customers, forms, gaps, in_dialect, under_name


@pytest.mark.parametrize(
    ("standard", "spoken"),
    [
        ("I don't know what you want", "I dunno wha' ya want"),
        ("Is my parcel going to arrive?", "Is me parcel gonna arrive?"),
        ("Where is your office?", "Where is your office?"),
        ("What's the price?", "What's the price?"),
        ("我的快递怎么没有到", "俺的速递咋冇到"),
    ],
)
def test_words_of_a_dialect_stand_for_those_of_the_standard(standard: str, spoken: str) -> None:
    assert in_dialect(standard).lower() == spoken.lower()


def test_a_text_is_asked_under_names_of_every_origin_of_its_language() -> None:
    texts = ["Where is my parcel?"] * 30 + ["我的包裹在哪里？"] * 30
    named = {form.name: form for form in forms(texts) if form.name.startswith("named as")}
    assert len(named) == 9
    assert set(named["named as Arabic"].rows) == set(range(30))
    assert named["named as 藏族"].texts[0] == under_name(texts[-1], "卓玛")
    assert all("{" not in text for form in named.values() for text in form.texts)


def test_a_group_of_customers_is_a_slice() -> None:
    rows = [
        Example("a", "x", at, extra={"customer_group": group}) for at, group in enumerate(["vip", "new", "vip", ""])
    ]
    found = by_customers(rows, np.array([True, False, False, True]))
    assert found == {"customers new": Slice(1, 0), "customers vip": Slice(2, 1)}


def test_a_gap_is_between_the_best_and_the_worst_that_are_large_enough_to_tell() -> None:
    parts = {
        "language en": Slice(100, 90),
        "language zh": Slice(100, 70),
        "language fr": Slice(3, 0),
        "named as English": Slice(50, 40),
        "dialect words": Slice(40, 30),
        "shortest quarter": Slice(100, 10),
    }
    assert gaps(parts, {"dialect words": Slice(40, 36), "typos": Slice(40, 40)}) == {
        "parity_gap_language": pytest.approx(0.2),
        "parity_gap_names": None,
        "parity_gap_customers": None,
        "parity_gap_dialect": pytest.approx(0.15),
    }

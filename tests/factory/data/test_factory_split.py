"""Splits: shares of each label, variants together, nothing lost, the same with the same seed."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kefu.contracts.dataset import Dataset, Example
from kefu.factory.data.read import dataset_of
from kefu.factory.data.split import masked_wording, split
from kefu.kit.errors import BadInput

WORDS = "parcel refund invoice address coupon points exchange repair price voucher".split()


def dataset(rows: list[tuple[str, str | None, str | None]]) -> Dataset:
    examples = [Example(text, label, row, group=group) for row, (text, label, group) in enumerate(rows, start=2)]
    return dataset_of(examples, mapping={"text": "text", "label": "label"}, format="csv")


def many(count: int, labels: int = 4) -> Dataset:
    return dataset(
        [
            (f"{WORDS[at % 10]} {WORDS[at // 10 % 10]} {WORDS[at // 100]}", f"l{at % labels}", None)
            for at in range(count)
        ]
    )


def test_each_part_has_its_share_of_each_label() -> None:
    parts = split(many(400), (0.8, 0.1, 0.1), seed=3)
    assert [len(part.examples) for part in parts] == [320, 40, 40]
    for part, each in zip(parts, (80, 10, 10), strict=True):
        assert set(Counter(example.label for example in part.examples).values()) == {each}


def test_the_seed_decides() -> None:
    first, again, other = (split(many(100), (0.5, 0.5), seed=seed) for seed in (1, 1, 2))
    assert [part.sha256 for part in first] == [part.sha256 for part in again]
    assert first[0].sha256 != other[0].sha256
    rows = [example.row for example in first[0].examples]
    assert rows == sorted(rows), "a part keeps the order of the file"


def test_variants_stay_together() -> None:
    rows: list[tuple[str, str | None, str | None]] = []
    for at, word in enumerate(WORDS * 2):
        rows += [
            (f"{word} {at // 10} where is order 100{at}", "a", None),
            (f"{word.upper()}, {at // 10}: where is order 200{at}?", "a", None),
            (f"my {word} question is another {at // 10}", "b", f"g{at % 10}"),
        ]
    parts = split(dataset(rows), (0.6, 0.4), seed=5)
    for key in (masked_wording, lambda example: example.group or example.row):
        seen = [{key(example) for example in part.examples} for part in parts]
        assert not seen[0] & seen[1]


def test_personal_data_and_numbers_do_not_make_another_wording() -> None:
    texts = ["Call me at 13812345678 about order 12", "call me at 13998765432, about order 345"]
    assert len({masked_wording(Example(text, "a", 1)) for text in texts}) == 1
    assert len({masked_wording(Example(text, "a", 1)) for text in ("退款什么时候到", "退货什么时候到")}) == 2


def test_a_label_with_one_example_is_trained_on() -> None:
    data = many(60, labels=2)
    rows = [(each.text, each.label, None) for each in data.examples] + [("only one of its kind", "rare", None)]
    for seed in range(5):
        first, _ = split(dataset([*rows]), (0.5, 0.5), seed=seed)
        assert "rare" in first.labels


def test_out_of_scope_texts_are_spread_too() -> None:
    rows = [(each.text, None if at % 2 else "a", None) for at, each in enumerate(many(100).examples)]
    parts = split(dataset(rows), (0.8, 0.2))
    assert [sum(1 for each in part.examples if each.label is None) for part in parts] == [40, 10]


@pytest.mark.parametrize("ratios", [(1.0,), (0.5, 0.6), (1.0, 0.0), (1.2, -0.2)])
def test_ratios_are_parts_of_a_whole(ratios: tuple[float, ...]) -> None:
    with pytest.raises(BadInput, match="whose sum is 1"):
        split(many(10), ratios)


def test_too_few_variants_are_refused() -> None:
    with pytest.raises(BadInput, match="3 examples in 1 groups of variants are too few"):
        split(dataset([("same", "a", "g"), ("other", "a", "g"), ("third", "b", "g")]), (0.5, 0.5))


groups = st.none() | st.sampled_from(["g1", "g2", "g3"])


@settings(deadline=None)  # the first example loads scikit-learn
@given(
    st.lists(
        st.tuples(st.text("ab c1", min_size=1, max_size=4), st.sampled_from("xyz"), groups), min_size=1, max_size=30
    )
)
def test_nothing_is_lost_and_no_group_is_torn(rows: list[tuple[str, str | None, str | None]]) -> None:
    data = dataset(rows)
    try:
        parts = split(data, (0.7, 0.3))
    except BadInput:
        return
    assert sorted(example.row for part in parts for example in part.examples) == [each.row for each in data.examples]
    for left, right in [(part, other) for part in parts for other in parts if part is not other]:
        assert not {each.group for each in left.examples} & {each.group for each in right.examples} - {None}
        assert not {masked_wording(each) for each in left.examples} & {masked_wording(each) for each in right.examples}

"""Augmentation keeps labels, placeholders and negations, groups variants, and stays off what is measured."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kefu.contracts.dataset import Dataset
from kefu.factory.data.augment import augment
from kefu.factory.data.near import wording
from kefu.factory.data.parts import measured_beside, write_parts
from kefu.factory.data.read import read, read_bytes, write
from kefu.factory.data.rewrite import KINDS, pieces, rewrite
from kefu.factory.data.split import split
from kefu.kit.errors import BadInput

TABLE = """text,label
How do I cancel my order before it ships?,cancel
I would like my money back for the broken parcel,refund
请问我的包裹什么时候送到？,track
怎么申请退款，订单 123 不要了,refund
please call <PHONE_1> about my invoice today,invoice
"""


def table(rows: str) -> Dataset:
    return read_bytes(rows.encode(), name="data.csv")


def seeds(text: str, kind: str) -> set[str]:
    return {made for seed in range(60) if (made := rewrite(text, kind, random.Random(seed))) is not None}


def test_variants_keep_label_and_group_and_stand_behind_their_example() -> None:
    data = table(TABLE)
    larger = augment(data, per_example=3, seed=1)
    assert len(larger.examples) == 4 * len(data.examples)
    originals = {each.row: each for each in data.examples}
    groups: dict[int, set[str | None]] = {}
    for example in larger.examples:
        assert example.label == originals[example.row].label
        groups.setdefault(example.row, set()).add(example.group)
    assert all(len(found) == 1 and None not in found for found in groups.values())
    assert len({example.text for example in larger.examples}) == len(larger.examples)
    assert [each.row for each in larger.examples] == sorted(each.row for each in larger.examples)
    assert {each.extra.get("made_by") for each in larger.examples} <= {None, *KINDS}


def test_the_seed_decides_for_each_text_by_itself() -> None:
    first, again, other = (augment(table(TABLE), per_example=2, seed=seed).sha256 for seed in (1, 1, 2))
    assert first == again != other
    shorter = augment(table("\n".join(TABLE.splitlines()[:3]) + "\n"), per_example=2, seed=1)
    longer = augment(table(TABLE), per_example=2, seed=1)
    assert [each.text for each in shorter.examples] == [each.text for each in longer.examples][: len(shorter.examples)]


def test_splits_keep_variants_together() -> None:
    texts = [
        f"{verb} the {thing} today please"
        for verb in ("send", "find", "open", "close", "weigh")
        for thing in ("box", "lid", "jar", "door")
    ]
    larger = augment(table("text,label\n" + "".join(f"{text},a\n" for text in texts)), per_example=4)
    train, valid = split(larger, (0.7, 0.3), seed=2)
    assert not {each.group for each in train.examples} & {each.group for each in valid.examples}


def test_a_variant_never_contradicts_another_row() -> None:
    data = table("text,label\nget a refund,x\nget a money back,y\nget a reimbursement,z\n")
    larger = augment(data, per_example=5, kinds=("synonym",))
    assert len(larger.examples) == 3


# each way


@given(st.text(max_size=30), st.sampled_from(KINDS), st.integers(0, 5))
def test_any_text_can_be_rewritten(text: str, kind: str, seed: int) -> None:
    assert "".join(pieces(text)) == text
    rewrite(text, kind, random.Random(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_placeholders_and_negations_stay(kind: str) -> None:
    for text in (
        "I do not want the second parcel, call <PHONE_1> about it",
        "我不要这个订单了，没有收到，请打 <PHONE_1> 或 5 号",
    ):
        for made in seeds(text, kind):
            assert "<PHONE_1>" in made
            kept = [("not", "don't")] if text.startswith("I") else [("不",), ("没",)]
            assert all(any(word in made.lower() for word in words) for words in kept), made


def test_typos_are_slips_of_one_word() -> None:
    for made in seeds("refund", "typo"):
        assert abs(len(made) - 6) <= 1
        assert made[0] == "r"
        assert len(set("refund") & set(made)) >= 5
    assert seeds("不要", "typo") == set()
    assert seeds("a an the", "typo") == set()


def test_synonyms_are_of_the_same_group() -> None:
    assert seeds("Refund my order", "synonym") == {
        "Money back my order",
        "Reimbursement my order",
        "Refund my purchase",
    }
    assert "怎样退款" in seeds("怎么退款", "synonym")
    assert seeds("unrelated words", "synonym") == set()


def test_dropping_leaves_what_asks() -> None:
    found = seeds("where is my new parcel please", "drop")
    assert "where is my new parcel" in found
    assert all(made.startswith("where") and "parcel" in made for made in found)
    assert seeds("where is it", "drop") == set()


def test_width_and_homophones_are_for_chinese() -> None:
    assert seeds("订单A12", "width") == {"订单Ａ１２"}
    assert seeds("订单Ａ１２", "width") == {"订单A12"}
    assert seeds("order A12", "width") == set()
    assert "帐户" in seeds("账户", "homophone")
    assert seeds("account", "homophone") == set()


# never across splits


def test_nothing_comes_near_what_is_measured() -> None:
    data = table("text,label\nI want to cancel the order now,a\n")
    loose = {wording(each.text) for each in augment(data, per_example=20).examples}
    other = sorted(loose - {wording(data.examples[0].text)})[0]
    kept_off = augment(data, per_example=20, apart=[table(f"text,label\n{other},a\n")])
    assert other not in {wording(each.text) for each in kept_off.examples}
    with pytest.raises(BadInput, match=r"1 texts .*line 2.* are in the validation data"):
        augment(data, per_example=1, apart=[table("text,label\ni want to CANCEL the order now!,a\n")])


def test_a_part_that_is_measured_on_is_refused(tmp_path: Path) -> None:
    data = table(
        "text,label\n" + "".join(f"{word} question number one,a\n" for word in "first other third sixth lucky".split())
    )
    parts = write_parts(split(data, (0.6, 0.4)), tmp_path, source=data, seed=0, ending=".csv")
    assert [each.path.name for each in parts] == ["train.csv", "valid.csv"]
    train, valid = (read(each.path) for each in parts)
    assert [each.sha256 for each in measured_beside(parts[0].path, train)] == [valid.sha256]
    with pytest.raises(BadInput, match="the part 'valid' of a split"):
        measured_beside(parts[1].path, valid)
    write(data, tmp_path / "another.csv")
    assert measured_beside(tmp_path / "another.csv", read(tmp_path / "another.csv")) == []
    (tmp_path / "split.json").write_text("[1, 2")
    assert measured_beside(parts[1].path, valid) == []


@pytest.mark.parametrize(("per_example", "kinds"), [(0, KINDS), (21, KINDS), (1, ()), (1, ("rhyme",))])
def test_what_cannot_be_is_refused(per_example: int, kinds: tuple[str, ...]) -> None:
    with pytest.raises(BadInput):
        augment(table(TABLE), per_example=per_example, kinds=kinds)

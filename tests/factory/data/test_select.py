"""Which texts are chosen to be labelled, and which a model may label itself."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from kefu.cli.data import data
from kefu.factory.data.select import STRATEGIES, Pool, guessed, select, without_known
from kefu.kit.errors import BadInput


def pool(
    shares: list[list[float]], vectors: list[list[float]] | None = None, known: list[list[float]] | None = None
) -> Pool:
    unit = np.array(vectors or np.eye(len(shares)), np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    far = np.array(known, np.float32) if known else np.zeros((0, unit.shape[1]), np.float32)
    names = tuple(f"text {at}" for at in range(len(shares)))
    return Pool(names, np.array([shares], np.float32), unit, far)


DOUBTS = [[0.9, 0.05, 0.05], [0.4, 0.39, 0.21], [0.5, 0.25, 0.25]]


def test_the_closest_race_comes_first_by_margin() -> None:
    assert [each.place for each in select(pool(DOUBTS), 3, "margin")] == [1, 2, 0]


def test_the_least_sure_comes_first_by_uncertainty() -> None:
    assert [each.place for each in select(pool(DOUBTS), 2, "uncertainty")] == [1, 2]


def test_what_models_differ_about_comes_first_by_committee() -> None:
    agreed = Pool(
        ("same doubt", "each sure of another"),
        np.array([[[0.5, 0.5], [0.99, 0.01]], [[0.5, 0.5], [0.01, 0.99]]], np.float32),
        np.eye(2, dtype=np.float32), np.zeros((0, 2), np.float32),
    )  # fmt: skip
    assert [each.text for each in select(agreed, 1, "committee")] == ["each sure of another"]


def test_a_committee_of_one_is_refused() -> None:
    with pytest.raises(BadInput, match="at least two"):
        select(pool(DOUBTS), 1, "committee")


def test_diversity_takes_what_is_far_from_all_that_is_known() -> None:
    places = [[1.0, 0.0], [0.99, 0.1], [0.0, 1.0]]
    assert [each.place for each in select(pool(DOUBTS, places, [[1.0, 0.0]]), 1, "diversity")] == [2]


def test_mixed_does_not_ask_the_same_thing_twice() -> None:
    """Two texts say the same, and are the most doubtful; the second of them tells nothing any more."""
    shares = [[0.34, 0.33, 0.33], [0.34, 0.33, 0.33], [0.5, 0.4, 0.1]]
    places = [[1.0, 0.0], [1.0, 0.001], [0.0, 1.0]]
    first, second = select(pool(shares, places), 2, "mixed")
    assert {first.place, second.place} in ({0, 2}, {1, 2})


@given(
    st.integers(1, 40),
    st.integers(1, 60),
    st.sampled_from([each for each in STRATEGIES if each != "committee"]),
    st.integers(0, 5),
)
def test_every_strategy_chooses_each_text_once_and_the_same_again(
    texts: int, budget: int, strategy: str, seed: int
) -> None:
    chance = np.random.default_rng(texts)
    shares = chance.dirichlet(np.ones(4), texts).tolist()
    made = pool(shares, chance.normal(size=(texts, 6)).tolist())
    picks = select(made, budget, strategy, seed=seed)  # type: ignore[arg-type]
    assert len({each.place for each in picks}) == len(picks) == min(budget, texts)
    assert picks == select(made, budget, strategy, seed=seed)  # type: ignore[arg-type]


def test_only_what_all_agree_on_is_labelled() -> None:
    shares = np.array(
        [[[0.95, 0.05], [0.99, 0.01], [0.6, 0.4]], [[0.97, 0.03], [0.02, 0.98], [0.99, 0.01]]], np.float32
    )
    made = Pool(
        ("both sure", "they differ", "one unsure"), shares, np.eye(3, dtype=np.float32), np.zeros((0, 3), np.float32)
    )
    assert [(each.text, each.label) for each in guessed(made, confidence=0.9)] == [("both sure", 0)]


def test_an_easy_label_does_not_drown_the_others() -> None:
    made = pool([[0.99, 0.01], [0.98, 0.02], [0.97, 0.03], [0.05, 0.95]])
    assert [each.place for each in guessed(made, confidence=0.9, most_per_label=1)] == [0, 3]


def test_what_is_known_or_said_twice_is_no_part_of_the_pool() -> None:
    assert without_known(["a", "b", "a", " ", "c"], ["b"]) == ["a", "c"]


def labelled(folder: Path) -> Path:
    words = {
        "refund": ("money back", "return it", "repay me"),
        "parcel": ("where is it", "courier late", "not arrived"),
    }
    rows = [f"{said} {number},{label}" for label, all_said in words.items() for said in all_said for number in range(4)]
    path = folder / "labelled.csv"
    path.write_text("text,label\n" + "\n".join(rows), encoding="utf-8")
    return path


def asked(folder: Path, out: Path) -> list[str]:
    return [str(folder / "pool.txt"), "--labelled", str(labelled(folder)), "--out", str(out)]


def test_the_command_writes_what_to_label(tmp_path: Path) -> None:
    (tmp_path / "pool.txt").write_text("my money please\nthe courier\nmoney back 0\nhello there\n", encoding="utf-8")
    out = tmp_path / "todo.csv"
    told = CliRunner().invoke(
        data,
        [
            "select",
            str(tmp_path / "pool.txt"),
            "--labelled",
            str(labelled(tmp_path)),
            "--out",
            str(out),
            "--budget",
            "2",
            "--json",
        ],
    )
    assert told.exit_code == 0, told.output
    assert json.loads(told.output)["pool"] == 3  # one text is labelled already
    with out.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert {row["guess"] for row in rows} <= {"refund", "parcel"}


def test_the_command_labels_what_is_sure(tmp_path: Path) -> None:
    (tmp_path / "pool.txt").write_text("money back now\ncourier late again\n", encoding="utf-8")
    out = tmp_path / "more.csv"
    told = CliRunner().invoke(
        data,
        [
            "guess",
            str(tmp_path / "pool.txt"),
            "--labelled",
            str(labelled(tmp_path)),
            "--out",
            str(out),
            "--confidence",
            "0.5",
            "--json",
        ],
    )
    assert told.exit_code == 0, told.output
    with out.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["labelled_by"] == "model"]
    assert {row["text"]: row["label"] for row in rows} == {"money back now": "refund", "courier late again": "parcel"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--budget", "2"], "Give a --model"),
        (["--labelled", "L", "--budget", "0"], "at least one"),
        (["--labelled", "L", "--budget", "2", "--by", "magic"], "--by is one of"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "pool.txt").write_text("one\ntwo\n", encoding="utf-8")
    known = str(labelled(tmp_path))
    given = [known if each == "L" else each for each in arguments]
    told = CliRunner().invoke(data, ["select", str(tmp_path / "pool.txt"), "--out", str(tmp_path / "o.csv"), *given])
    assert told.exit_code != 0
    assert said in (told.output + str(told.exception))

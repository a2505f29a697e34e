"""`kefu data` in processes of its own: what it prints, writes and exits with."""

import json
from pathlib import Path

import pytest

from kefu.knowledge.labels import read

from .homes import Home

THINGS = "parcel invoice refund coupon voucher receipt lamp chair table mirror".split()
WRONG = (6, 17, 29)  # lines whose label a test changes
QUESTIONS = {
    "track": ("where is my {}", "when will the {} come", "track the {} for me"),
    "return": ("send the {} back", "i do not like the {}", "how to return a {}"),
}
TABLE = "text,label\n" + "".join(
    f"{question.format(thing)},{label}\n"
    for label, asked in QUESTIONS.items()
    for question in asked
    for thing in THINGS
)


def with_wrong_labels() -> str:
    lines = TABLE.splitlines()
    wrong = [line.replace(",track", ",return") if at in WRONG else line for at, line in enumerate(lines, start=1)]
    return "\n".join(wrong) + "\n"


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "问题 train.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def test_check_tells_what_was_read_and_found(home: Home, csv: Path) -> None:
    csv.write_text(TABLE + "Where is my PARCEL?,return\nring 13812345678 please,track\n", encoding="utf-8")
    done = home.kefu("data", "check", csv, "--no-label-errors")
    assert done.code == 0
    first, second, *_ = done.out.splitlines()
    assert first == f"{csv}: csv; text from 'text', label from 'label'"
    assert second == "62 examples"
    assert "1 wordings have several labels:\n  lines 2, 62: where is my parcel → return / track" in done.out
    assert "line 63: CN_MOBILE" in done.out or "line 63: " in done.out
    assert "13812345678" not in done.out + done.err
    assert home.kefu("data", "check", csv, "--no-label-errors", "--strict").code == 1


def test_check_finds_leaks_and_wrong_labels_as_json(home: Home, csv: Path, tmp_path: Path) -> None:
    (tmp_path / "valid.jsonl").write_text('{"text": "WHERE is my lamp?", "label": "track"}\n', encoding="utf-8")
    csv.write_text(with_wrong_labels(), encoding="utf-8")
    found = home.kefu("data", "check", csv, "--valid", tmp_path / "valid.jsonl", "--encoder", "letters", "--json").json
    assert found["labels"] == {"return": 33, "track": 27}
    assert found["sha256"] == read(csv).sha256
    assert [(each["valid_row"], each["similarity"]) for each in found["leaks"]] == [(1, 1.0)]
    assert set(WRONG) & {each["row"] for each in found["suspects"]}
    assert found["serious"] is True


def test_the_default_encoder_looks_for_wrong_labels(home: Home, csv: Path) -> None:
    found = home.kefu("data", "check", csv, "--json")
    assert (found.code, found.err) == (0, "")
    assert found.json["suspects"] == []


def test_decisions_go_from_check_to_clean(home: Home, csv: Path, tmp_path: Path) -> None:
    csv.write_text(with_wrong_labels(), encoding="utf-8")
    decisions, out = tmp_path / "decisions.csv", tmp_path / "clean.csv"
    assert home.kefu("data", "check", csv, "--encoder", "letters", "--decisions", decisions).code == 0
    header, *rows = decisions.read_text(encoding="utf-8-sig").splitlines()
    doubted = [row for row in rows if int(row.split(",")[0]) in WRONG]
    assert doubted
    mended = [header, *(row.replace(",keep", ",relabel") for row in doubted)]
    decisions.write_text("\n".join(mended) + "\n", encoding="utf-8")
    done = home.kefu("data", "clean", csv, "--decisions", decisions, "--out", out)
    assert done.code == 0
    assert f"{len(doubted)} relabelled" in done.out
    rows_now = {each.row: each.label for each in read(out).examples}
    assert all(rows_now[int(row.split(",")[0])] == "track" for row in doubted)
    changes = (tmp_path / "clean.csv.changes.csv").read_text(encoding="utf-8-sig").splitlines()
    assert (changes[0], changes[1].partition(",")[2]) == ("row,change,before,after", "relabelled,return,track")


def test_nothing_doubted_is_nothing_to_decide(home: Home, csv: Path, tmp_path: Path) -> None:
    decisions = tmp_path / "decisions.csv"
    assert home.kefu("data", "check", csv, "--no-label-errors", "--decisions", decisions).code == 0
    done = home.kefu("data", "clean", csv, "--decisions", decisions, "--out", tmp_path / "clean.csv", "--json")
    assert (done.json["counts"], read(tmp_path / "clean.csv").sha256) == ({}, read(csv).sha256)


def test_split_then_augment_the_training_part_only(home: Home, csv: Path, tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    parts = home.kefu("data", "split", csv, "--out", folder, "--ratios", "0.6,0.2,0.2", "--seed", "3", "--json").json
    assert [(name, part["examples"]) for name, part in parts.items()] == [("train", 36), ("valid", 12), ("test", 12)]
    assert home.kefu("data", "split", csv, "--out", tmp_path / "b", "--ratios", "0.6,0.2,0.2", "--seed", "3").code == 0
    assert read(tmp_path / "b" / "train.csv").sha256 == parts["train"]["sha256"]
    out = tmp_path / "more.jsonl"
    done = home.kefu("data", "augment", folder / "train.csv", "--out", out, "--per-example", "1", "--json").json
    assert done["examples"] == len(read(out).examples) == 36 + done["made"] > 50
    said = home.refuses("data", "augment", folder / "valid.csv", "--out", tmp_path / "no.csv")
    assert "is the part 'valid' of a split" in said
    said = home.refuses("data", "augment", csv, "--valid", folder / "test.csv", "--out", tmp_path / "no.csv", "--json")
    assert said.startswith("12 texts (the first in line ")
    assert not (tmp_path / "no.csv").exists()


def test_bad_rows_are_named_and_may_be_left_out(home: Home, csv: Path) -> None:
    csv.write_text(TABLE + "no label\n,track\n", encoding="utf-8")
    done = home.kefu("data", "check", csv, "--no-label-errors")
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        f"kefu: {csv.name}: 2 of 62 rows cannot be used.",
        "  line 62: 1 column where the file has 2; add what is missing",
        "  line 63, column text: the text is empty; write one, or delete the row",
        "Mend them, or leave them out: kefu train and kefu data take --skip-bad.",
    ]
    left = home.kefu("data", "check", csv, "--no-label-errors", "--skip-bad", "--json")
    assert left.code == 0
    assert [each["row"] for each in left.json["bad"]] == [62, 63]
    assert left.json["rows"] == 60


def test_columns_may_be_named(home: Home, csv: Path) -> None:
    csv.write_text(TABLE.replace("text,label", "satz,art"), encoding="utf-8")
    named = home.kefu(
        "data", "check", csv, "--text-column", "satz", "--label-column", "Art", "--no-label-errors", "--json"
    )
    assert named.json["mapping"] == {"text": "satz", "label": "art"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "nowhere.csv"], "nowhere.csv cannot be read: No such file or directory."),
        (
            ["check", "t.csv", "--text-column", "x"],
            "t.csv: There is no column 'x' for the text. Columns: 'text', 'label'.",
        ),
        (["split", "t.csv", "--out", "o", "--ratios", "0.5,0.4"], "Ratios are two or more numbers above 0"),
        (["clean", "t.csv", "--out", "t.csv"], "t.csv is the file that is read; choose another name"),
        (["clean", "t.csv", "--out", "t.xlsx"], "t.xlsx: data is written as .csv, .tsv, .jsonl or .jsonl.gz"),
        (["augment", "t.csv", "--out", "o.csv", "--kinds", "rhyme"], "There is no way to augment called rhyme"),
        (["check", "t.csv", "--encoder", "package:nothing"], "There is no packaged model named 'nothing'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(home: Home, tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "t.csv").write_text(TABLE, encoding="utf-8")
    done = home.kefu("data", *arguments, folder=tmp_path)
    assert done.code == 1
    [sentence] = done.err.splitlines()
    assert sentence.startswith(f"kefu: {said}")


def test_ratios_that_are_no_numbers_are_a_matter_of_usage(home: Home, csv: Path, tmp_path: Path) -> None:
    assert home.kefu("data", "split", csv, "--out", tmp_path / "o", "--ratios", "half").code == 2


def test_no_database_is_made(new_home: Home, csv: Path) -> None:
    assert json.loads(new_home.kefu("data", "check", csv, "--no-label-errors", "--json").out)["rows"] == 60
    assert not new_home.path.exists()

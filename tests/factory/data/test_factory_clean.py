"""Cleaning: decisions, blanks, duplicates, personal data; and the list of changes."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kefu.contracts.dataset import Dataset
from kefu.factory.data.clean import Decision, clean, read_decisions, tidied, write_changes, write_decisions
from kefu.factory.data.findings import Suspect
from kefu.factory.data.read import read_bytes
from kefu.kit.errors import BadInput
from kefu.knowledge.tagging.rows import spans_of


def table(rows: str, name: str = "data.csv") -> Dataset:
    return read_bytes(rows.encode(), name=name)


def pairs(dataset: Dataset) -> list[tuple[str, str | None]]:
    return [(each.text, each.label) for each in dataset.examples]


def test_each_step_does_its_own() -> None:
    data = table("text,label\n  where  is\u200b it ,a\nWhere is it?,a\nwhere is it,b\ncall 13812345678,b\n")
    cleaned, changes = clean(data)
    assert pairs(cleaned) == [("where is it", "a"), ("where is it", "b"), ("call <PHONE_1>", "b")]
    assert [(each.row, each.what) for each in changes] == [(2, "tidied"), (3, "dropped: a duplicate"), (5, "masked")]
    assert "13812345678" not in str(changes)
    same, none = clean(data, tidy=False, drop_duplicates=False, mask_personal=False)
    assert (same.sha256, none) == (data.sha256, ())


@given(st.text(max_size=40))
def test_tidying_twice_is_tidying_once(text: str) -> None:
    assert tidied(tidied(text)) == tidied(text)


def test_widths() -> None:
    assert tidied("订单　ＡＢ１２，什么时候到？") == "订单 AB12，什么时候到？"


def test_slots_keep_their_places() -> None:
    text = "call  13812345678 at noon"
    row = {"text": text, "slots": [{"slot": "time", "start": text.index("noon"), "end": len(text)}]}
    seven = [{"text": "7", "slots": [{"slot": slot, "start": 0, "end": 1}], "requested": slot} for slot in ("a", "b")]
    lines = "".join(json.dumps(each) + "\n" for each in [row, *seven, seven[0]])
    cleaned, changes = clean(table(lines, "slots.jsonl"))
    assert [change.what for change in changes] == ["masked", "dropped: a duplicate"]
    masked, *others = cleaned.examples
    [span] = spans_of(masked)
    assert masked.text[span.start : span.end] == "noon"
    assert [each.extra["requested"] for each in others] == ["a", "b"]


def test_what_has_nothing_to_read_is_dropped() -> None:
    cleaned, [change] = clean(table("text,label\n\u200b\u200b,a\nhello,a\n"))
    assert (pairs(cleaned), change.row, change.what) == ([("hello", "a")], 2, "dropped: nothing to read in it")
    with pytest.raises(BadInput, match="Nothing would be left"):
        clean(table("text,label\n\u200b,a\n"))


def test_decisions_drop_and_relabel() -> None:
    data = table("text,label\none,a\ntwo,a\nthree,b\nfour,b\n")
    decisions = [
        Decision(2, "one", "keep"),
        Decision(3, "two", "drop"),
        Decision(4, "three", "relabel", "a"),
        Decision(5, "four", "relabel", None),
    ]
    cleaned, changes = clean(data, decisions=decisions)
    assert pairs(cleaned) == [("one", "a"), ("three", "a"), ("four", None)]
    assert [(each.what, each.before, each.after) for each in changes] == [
        ("dropped by decision", "two", ""),
        ("relabelled", "b", "a"),
        ("relabelled", "b", "oos"),
    ]


@pytest.mark.parametrize("decision", [Decision(9, "one", "drop"), Decision(2, "another", "drop")])
def test_a_decision_about_another_file_is_refused(decision: Decision) -> None:
    with pytest.raises(BadInput, match=f"row {decision.row} is about another text"):
        clean(table("text,label\none,a\n"), decisions=[decision])


def test_decisions_in_a_document_of_one_line_go_by_the_text() -> None:
    data = table('{"train": [["one", "a"], ["two", "a"]]}', "clinc.json")
    cleaned, _ = clean(data, decisions=[Decision(1, "two", "drop")])
    assert pairs(cleaned) == [("one", "a")]


def test_decisions_go_through_a_spreadsheet_and_back(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    write_decisions([Suspect(2, "=1+1, 多少", "-a", "-b", 0.91), Suspect(3, "call 13812345678", "a", "b", 0.8)], path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["text"][0], row["action"]) for row in rows] == [("'", "keep"), ("c", "keep")]
    path.write_text(path.read_text(encoding="utf-8-sig").replace("0.910,keep", "0.910,Relabel"), encoding="utf-8")
    assert read_decisions(path)[0] == Decision(2, "'=1+1, 多少", "relabel", "-b")
    data = table('text,label\n"=1+1, 多少",-a\nx,a\n')
    cleaned, _ = clean(data, decisions=read_decisions(path)[:1])
    assert pairs(cleaned)[0] == ("=1+1, 多少", "-b")


@pytest.mark.parametrize("line", ["two,x,a,b,1,drop", "2,x,a,b,1,remove", "2,x,a,,1,relabel"])
def test_a_decision_that_cannot_be_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "decisions.csv"
    path.write_text(f"row,text,label,suggested,confidence,action\n{line}\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"decisions\.csv, line 2"):
        read_decisions(path)


def test_a_whole_chat_is_masked_with_one_numbering() -> None:
    said = [
        ("user", "I am at 13812345678"),
        ("assistant", "Is it 13812345678 or 13998765432?"),
        ("user", "yes 13812345678"),
    ]
    said += [("assistant", "I will ring 13812345678")]
    row = json.dumps({"messages": [{"role": role, "content": content} for role, content in said]})
    cleaned, [change] = clean(table(row, "chat.jsonl"))
    [example] = cleaned.examples
    assert change.what == "masked"
    assert "138" not in str(example)
    assert (example.text, example.extra["reply"]) == ("yes <PHONE_1>", "I will ring <PHONE_1>")
    contents = [each["content"] for each in json.loads(example.extra["messages"])]
    assert contents[1] == "Is it <PHONE_1> or <PHONE_2>?"
    assert clean(cleaned)[1] == (), "masking again changes nothing"


def test_the_changes_are_written_for_a_spreadsheet(tmp_path: Path) -> None:
    _, changes = clean(table('text,label\n"=HYPERLINK(""x"")  ",a\nb,a\n'))
    write_changes(changes, tmp_path / "changes.csv")
    written = (tmp_path / "changes.csv").read_text(encoding="utf-8-sig")
    assert written.splitlines()[0] == "row,change,before,after"
    assert "2,tidied,\"'=HYPERLINK" in written

"""The recipes that need no torch, by the public commands: trained, measured, asked, extended, tampered with."""

import json
import shutil
from pathlib import Path

import pytest

from kefu.contracts.job import Told
from kefu.contracts.model_card import read_card
from kefu.factory.data.read import read

from .commands import OUTSIDE, TRAIN, VALID, Trained, kefu, refused, train

KEYS = {"accuracy", "macro_f1", "per_label", "ece", "oos_auroc", "oos_fpr95", "oos_recall", "in_scope_rejected"} | {
    "latency_ms",
    "size_mb",
}


@pytest.fixture(params=["linear", "head"])
def model(request: pytest.FixtureRequest) -> Trained:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Trained)
    return found


def hashes(folder: Path) -> dict[str, str]:
    return {file.path: file.sha256 for file in read_card(folder).files}


def test_a_trained_folder_holds_model_card_report_data_and_events(model: Trained) -> None:
    names = {path.name for path in model.folder.iterdir()}
    assert {
        "card.json",
        "README.md",
        "report.json",
        "report.html",
        "events.jsonl",
        "data",
        "scope.safetensors",
    } <= names
    card = model.card
    assert set(hashes(model.folder)) >= {card.serve, "scope.safetensors", "data/train.jsonl.gz", "data/valid.jsonl.gz"}
    assert (card.data_sha256, card.valid_sha256) == (read(TRAIN).sha256, read(VALID).sha256)
    assert card.languages == ("en", "zh")
    assert len(card.labels) == 8
    assert "Finished in" in model.said


def test_too_few_rows_apart_are_one_head_for_all_languages_and_that_is_said(head: Trained) -> None:
    assert (head.card.own_heads, head.card.base_model) == ((), "package:e5-small-zh-en")
    assert "One head tells the texts of all languages: 24 rows of the language en are kept apart, and 40" in head.said


def test_the_sample_is_learnt(model: Trained) -> None:
    assert model.card.metrics["accuracy"] >= 0.9
    assert model.card.judged is not None
    assert len(model.card.judged.right) == len(read(VALID).examples)


def test_events_tell_what_happened(model: Trained) -> None:
    lines = (model.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    told = [json.loads(line)["event"] for line in lines]
    assert told[0] == Told.NOTE
    assert told[-1] == Told.FINISHED
    assert {Told.STARTED, Told.EPOCH} <= set(told)
    assert Told.PROGRESS not in told


def test_evaluating_prints_the_figures_that_were_promised(model: Trained) -> None:
    found = json.loads(kefu("evaluate", model.folder, "--data", VALID, "--oos", OUTSIDE, "--no-floor", "--json"))
    assert set(found) >= KEYS
    assert set(found["latency_ms"]) == {"p50", "p95"}
    assert found["accuracy"] == pytest.approx(model.card.metrics["accuracy"])
    assert set(found["per_label"]) == set(model.card.labels)
    assert found["oos_auroc"] >= 0.9
    assert found["oos_recall"] >= 0.7
    assert found["in_scope_rejected"] <= 0.1


def test_figures_of_what_is_out_of_scope_are_null_without_any(linear: Trained) -> None:
    found = json.loads(kefu("evaluate", linear.folder, "--data", VALID, "--json"))
    assert {found[name] for name in ("oos_auroc", "oos_fpr95", "oos_recall")} == {None}
    assert found["in_scope_rejected"] is not None


def test_rows_out_of_scope_in_the_data_count_as_those_of_a_file(linear: Trained, tmp_path: Path) -> None:
    beside = json.loads(kefu("evaluate", linear.folder, "--data", VALID, "--oos", OUTSIDE, "--json"))
    both = tmp_path / "both.csv"
    outside = [f'"{each.text}",oos\n' for each in read(OUTSIDE, labelled=False).examples]
    both.write_text(VALID.read_text(encoding="utf-8") + "".join(outside), encoding="utf-8")
    inside = json.loads(kefu("evaluate", linear.folder, "--data", both, "--json"))
    for name in ("accuracy", "macro_f1", "oos_auroc", "oos_fpr95", "oos_recall", "in_scope_rejected"):
        assert inside[name] == pytest.approx(beside[name]), name


def test_the_same_seed_gives_the_same_model(model: Trained, tmp_path: Path) -> None:
    again = train(model.card.recipe, tmp_path / "again")
    assert hashes(again.folder) == hashes(model.folder)
    assert again.card.judged == model.card.judged
    assert (again.card.temperature, again.card.scope_threshold) == (model.card.temperature, model.card.scope_threshold)


def test_another_seed_is_noted(tmp_path: Path) -> None:
    assert train("linear", tmp_path / "seven", "seed=7").card.seed == 7


def test_predicting_gives_every_label_a_share(model: Trained) -> None:
    [line] = kefu("predict", model.folder, "--text", "我想退货", "--json-lines").splitlines()
    row = json.loads(line)
    assert row["label"] == "return_goods"
    assert row["out_of_scope"] is False
    assert row["confidence"] == max(row["scores"].values())
    assert set(row["scores"]) == set(model.card.labels)
    assert sum(row["scores"].values()) == pytest.approx(1.0, abs=1e-4)
    assert list(row["scores"].values()) == sorted(row["scores"].values(), reverse=True)


def test_predicting_a_file_keeps_its_ids(linear: Trained, tmp_path: Path) -> None:
    table, lines, plain = tmp_path / "a.csv", tmp_path / "a.jsonl", tmp_path / "a.txt"
    table.write_text("id,text,label\nx1,转人工,\nx2,cancel my order,cancel_order\n", encoding="utf-8")
    lines.write_text('{"id": 7, "text": "转人工"}\n{"id": "b", "text": "cancel my order"}\n', encoding="utf-8")
    plain.write_text("转人工\n\ncancel my order\n", encoding="utf-8")
    for file, ids in ((table, ["x1", "x2"]), (lines, [7, "b"]), (plain, [None, None])):
        rows = [
            json.loads(line) for line in kefu("predict", linear.folder, "--file", file, "--json-lines").splitlines()
        ]
        assert [row.get("id") for row in rows] == ids
        assert [row["label"] for row in rows] == ["human_agent", "cancel_order"]


def test_a_text_of_nothing_it_knows_is_answered_all_the_same(model: Trained) -> None:
    for text in ("🙂", "\u200b", "x" * 5000, "ﷺ"):
        row = json.loads(kefu("predict", model.folder, "--text", text, "--json-lines"))
        assert 0 < row["confidence"] <= 1


def test_a_tampered_file_is_refused_by_its_hash(model: Trained, tmp_path: Path) -> None:
    for name in (model.card.serve, "scope.safetensors"):
        folder = tmp_path / name
        shutil.copytree(model.folder, folder)
        content = bytearray((folder / name).read_bytes())
        content[-1] ^= 1
        (folder / name).write_bytes(content)
        for command in (("predict", folder, "--text", "hello"), ("evaluate", folder, "--data", VALID)):
            sentence = refused(*command)
            assert sentence.startswith(f"{name} of model model is damaged or not the pinned one: its SHA-256 is ")
        assert hashes(folder) == hashes(model.folder), "an evaluation vouched for what it refused"


def test_a_missing_file_is_named(linear: Trained, tmp_path: Path) -> None:
    shutil.copytree(linear.folder, tmp_path / "m")
    (tmp_path / "m" / "vocabulary.json").unlink()
    assert "vocabulary.json of model model cannot be read" in refused("predict", tmp_path / "m", "--text", "hello")


# more labels later: the example that tutorials get wrong

FIRST = "text,label\n这个手机很好用,0\n质量太差了，再也不买,1\n物流很快，好评,0\n屏幕坏了，客服不理人,1\n"
SECOND = "text,label\n价格有点贵但还可以,2\n包装一般,2\n味道好吃得不得了,3\n分量足，口感好,3\n"
THIRD = "text,label\n衣服有点小，要换一件大的,4\n尺码偏小想换货,4\n"


def predicted(folder: Path, file: Path) -> list[str]:
    rows = kefu("predict", folder, "--file", file, "--json-lines").splitlines()
    return [json.loads(row)["label"] for row in rows]


def test_new_labels_are_learnt_without_forgetting_the_old(tmp_path: Path) -> None:
    files = []
    for number, content in enumerate((FIRST, SECOND, THIRD)):
        files.append(tmp_path / f"{number}.csv")
        files[-1].write_text(content, encoding="utf-8")
    first = train("head", tmp_path / "m1", data=files[0], valid=None)
    second = train("head", tmp_path / "m2", "--extend", first.folder, data=files[1], valid=None)
    assert second.card.labels == ("0", "1", "2", "3")
    assert predicted(second.folder, files[0]) == ["0", "1", "0", "1"]
    assert predicted(second.folder, files[1]) == ["2", "2", "3", "3"]
    told = second.card.metrics
    assert (told["old_labels_before"], told["old_labels_after"]) == (1.0, 1.0)
    assert (told["new_labels_before"], told["new_labels_after"]) == (0.0, 1.0)
    assert len(second.card.parents) == 1
    page = (second.folder / "report.html").read_text(encoding="utf-8")
    assert "Labels that are new: 0.0% before, 100.0% after." in page
    third = train("head", tmp_path / "m3", "--extend", second.folder, data=files[2], valid=None)
    assert third.card.labels == ("0", "1", "2", "3", "4")
    assert predicted(third.folder, files[0]) == ["0", "1", "0", "1"], "the second extension forgot the first data"
    assert len(third.card.parents) == 2


def test_a_handful_of_rows_is_learnt_and_the_card_says_what_that_is_worth(tmp_path: Path) -> None:
    file = tmp_path / "few.csv"
    file.write_text(FIRST, encoding="utf-8")
    card = train("linear", tmp_path / "m", data=file, valid=None).card
    assert any("on what it was taught" in each for each in card.limits)
    assert card.scope_threshold is None


def test_without_a_validation_file_a_tenth_is_kept_apart(tmp_path: Path) -> None:
    made = train("linear", tmp_path / "m", valid=None)
    assert made.card.judged is not None
    assert 8 <= len(made.card.judged.right) <= 16
    assert "kept apart" in made.said


def test_one_label_is_nothing_to_tell_apart(tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text("text,label\nhello,a\ngood morning,a\n", encoding="utf-8")
    sentence = refused("train", "head", "--data", file, "--valid", file, "--out", tmp_path / "m")
    assert sentence == "The data hold only the label 'a'; at least two are needed to tell one from another."


def test_validation_data_without_labels_are_refused_before_training(tmp_path: Path) -> None:
    sentence = refused("train", "head", "--data", TRAIN, "--valid", OUTSIDE, "--out", tmp_path / "m")
    assert sentence.startswith("out_of_scope.csv holds no labels to compare answers with")
    assert not (tmp_path / "m").exists()

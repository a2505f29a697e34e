"""The linear tagger by the public commands: trained, judged, asked; no torch."""

import json
from pathlib import Path

import pytest

from kefu.contracts.model_card import read_card
from kefu.engines.classifier.engine import ClassifierEngine
from kefu.kit.errors import KefuError
from kefu.kit.runtime import run

from .commands import kefu, refused
from .slots import rows, write_rows


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("slots") / "train.jsonl", rows(300))


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tagger") / "model"
    kefu("train", "tagger_linear", "--data", data, "--out", folder)
    return folder


def test_the_card_says_what_it_is(model: Path) -> None:
    card = read_card(model)
    assert (card.task, card.runtime, card.labels) == ("tag", "linear", ("day", "people"))
    assert card.metrics["span_f1"] > 0.9
    assert card.judged is not None
    readme = (model / "README.md").read_text(encoding="utf-8")
    assert "It finds 2 slots" in readme
    assert "token-classification" in readme
    assert "span F1" in (model / "report.html").read_text(encoding="utf-8")


def test_it_is_asked(model: Path) -> None:
    said = json.loads(kefu("predict", model, "--text", "a table for 4 on friday", "--json"))
    assert {each["slot"]: each["text"] for each in said["slots"]} == {"people": "4", "day": "friday"}
    assert all(0 < each["confidence"] <= 1 for each in said["slots"])


def test_what_was_asked_decides(model: Path) -> None:
    alone = json.loads(kefu("predict", model, "--text", "9", "--asked", "people", "--json"))
    assert [(each["slot"], each["text"]) for each in alone["slots"]] == [("people", "9")]
    other = json.loads(kefu("predict", model, "--text", "friday", "--asked", "day", "--json"))
    assert [(each["slot"], each["text"]) for each in other["slots"]] == [("day", "friday")]


def test_it_is_evaluated_on_other_data(model: Path, tmp_path: Path) -> None:
    other = write_rows(tmp_path / "other.jsonl", rows(100, seed=5))
    found = json.loads(kefu("evaluate", model, "--data", other, "--out", tmp_path / "report", "--json"))
    assert found["span_f1"] > 0.9
    assert set(found["per_label"]) == {"day", "people"}


def test_the_same_seed_gives_the_same_model(data: Path, model: Path, tmp_path: Path) -> None:
    kefu("train", "tagger_linear", "--data", data, "--out", tmp_path / "again")
    assert (tmp_path / "again/tagger.safetensors").read_bytes() == (model / "tagger.safetensors").read_bytes()


def test_data_without_slots_are_refused(tmp_path: Path) -> None:
    plain = tmp_path / "plain.csv"
    plain.write_text("text,label\nhello,hi\nbye,leave\n", encoding="utf-8")
    assert "holds no slots" in refused(
        "train", "tagger_linear", "--data", plain, "--valid", plain, "--out", tmp_path / "m"
    )


def test_an_altered_model_is_not_loaded(model: Path, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(model, tmp_path / "copy")
    (copy / "vocabulary.json").write_text("[]", encoding="utf-8")
    assert "is damaged" in refused("predict", copy, "--text", "x")


def test_a_tagger_is_no_classifier(model: Path) -> None:
    with pytest.raises(KefuError):
        run(ClassifierEngine(f"path:{model}", {}).load())


def test_it_is_exported_and_answers_alike(model: Path, tmp_path: Path) -> None:
    kefu("export", model, "--out", tmp_path / "tagger.zip")
    said = json.loads(kefu("predict", tmp_path / "tagger.zip", "--text", "for 4 on friday", "--json"))
    assert [each["slot"] for each in said["slots"]] == ["people", "day"]


def test_hostile_texts_are_tagged_as_any(model: Path, tmp_path: Path) -> None:
    texts = ["", " ", "\u202e4\u0000", "a" * 9000, "４ 位 星期五", "<script>4</script>", "🙂" * 50]
    lines = tmp_path / "hostile.jsonl"
    lines.write_text("".join(json.dumps({"text": each}) + "\n" for each in texts if each.strip() and "\0" not in each))
    answers = [json.loads(line) for line in kefu("predict", model, "--file", lines).splitlines()]
    assert all(each["text"][span["start"] : span["end"]] == span["text"] for each in answers for span in each["slots"])

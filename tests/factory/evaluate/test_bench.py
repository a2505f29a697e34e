"""The bench: reports, comparisons, cards filled, and what is refused."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import save_file

from kefu.contracts.gate import judge
from kefu.contracts.model_card import ModelCard, read_card
from kefu.factory.data.read import read
from kefu.factory.evaluate.bench import judged_and_reported
from kefu.factory.seal import write_card
from kefu.knowledge.ngrams import ngrams

from ..commands import OUTSIDE, TRAIN, VALID, Trained, kefu, refused, train


def copied(model: Trained, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model.folder, tmp_path / "copy"))


def report(folder: Path) -> dict[str, Any]:
    found = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_a_report_has_every_part(head: Trained, tmp_path: Path) -> None:
    out = tmp_path / "out"
    kefu("evaluate", head.folder, "--data", VALID, "--oos", OUTSIDE, "--other", TRAIN, "--out", out)
    found = report(out)
    assert {"en", "zh"} <= {name.removeprefix("language ") for name in found["slices"]}
    assert {"typos", "capitals", "out of scope", "in scope and let in"} <= set(found["slices"])
    assert len(found["reliability"]) == 15
    assert found["oos_curve"][-1] == [1.0, 1.0]
    assert found["generalisation"]["name"] == TRAIN.name
    assert found["generalisation"]["accuracy"] >= 0.9
    assert {each["threads"] for each in found["latency"]} >= {1}
    assert sum(rows for _, _, rows in found["confusion_counts"]) == 48
    [floor] = found["comparisons"]
    assert floor["name"] == "linear"
    assert floor["accuracy"] >= 0.9
    assert floor["oos_auroc"] is not None


def test_two_models_are_compared_on_the_same_rows(head: Trained, linear: Trained, tmp_path: Path) -> None:
    said = kefu(
        "evaluate", head.folder, "--data", VALID, "--against", linear.folder, "--no-floor", "--json", "--out", tmp_path
    )
    [other] = json.loads(said)["comparisons"]
    assert other["name"] == str(linear.folder), "both are called model, so the place tells them apart"
    mine, theirs = head.card.judged, linear.card.judged
    assert mine is not None
    assert theirs is not None
    pairs = list(zip(mine.right, theirs.right, strict=True))
    assert (other["wins"], other["losses"]) == (pairs.count(("1", "0")), pairs.count(("0", "1")))


def test_an_evaluation_leaves_the_card_unless_told_to_record(linear: Trained, tmp_path: Path) -> None:
    folder = copied(linear, tmp_path)
    before = (folder / "card.json").read_bytes()
    kefu("evaluate", folder, "--data", TRAIN, "--json")
    assert (folder / "card.json").read_bytes() == before
    kefu("evaluate", folder, "--data", TRAIN, "--oos", OUTSIDE, "--record", "--json")
    card = read_card(folder)
    assert card.judged is not None
    assert card.judged.data_sha256 == read(TRAIN).sha256
    assert card.metrics["oos_auroc"] > 0.9
    assert card.files == linear.card.files
    not_measured = "How well it tells texts that are out of scope was not measured."
    assert (not_measured in linear.card.limits, not_measured in card.limits) == (True, False)
    assert json.loads(kefu("predict", folder, "--text", "转人工", "--json-lines"))["label"] == "human_agent"


def test_the_gate_judges_what_the_bench_wrote(head: Trained, linear: Trained) -> None:
    verdict = judge(head.card, linear.card)
    looked_at = {"labels", "frozen_test", "slices", "parity_gap", "latency_p95_ms", "size_mb"}
    assert {check.name for check in verdict.checks} == looked_at
    assert all(check.passed for check in verdict.checks if check.name != "latency_p95_ms"), verdict


def test_labels_that_the_model_does_not_know_count_as_wrong(linear: Trained, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text("text,label\n转人工,human_agent\n买一送一吗,promotion\n", encoding="utf-8")
    found = json.loads(kefu("evaluate", linear.folder, "--data", file, "--out", tmp_path, "--json"))
    assert found["accuracy"] == 0.5
    assert report(tmp_path)["data"]["unknown_labels"] == ["promotion"]


def test_a_model_without_its_data_is_judged_without_the_floor(head: Trained, tmp_path: Path) -> None:
    folder = copied(head, tmp_path)
    shutil.rmtree(folder / "data")
    assert json.loads(kefu("evaluate", folder, "--data", VALID, "--json").splitlines()[-1])["comparisons"] == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("text\nhello\n", "data.csv holds no labels to compare answers with; it needs a column such as label."),
        ("text,label\nhello,oos\n", "data.csv holds no labels"),
        ("text,label\n,a\n", "the text is empty"),
        ("", "data.csv: the file is empty."),
    ],
)
def test_data_that_do_not_fit_are_refused(linear: Trained, tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "data.csv"
    file.write_text(content, encoding="utf-8")
    assert said in refused("evaluate", linear.folder, "--data", file)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    assert "holds no model" in refused("evaluate", tmp_path, "--data", VALID)
    assert "holds no model" in refused("predict", tmp_path, "--text", "hello")


# numbers instead of labels


@pytest.fixture
def mood(tmp_path: Path) -> Path:
    """A model that gives 1 for words it knows as good and -1 for those it knows as bad."""
    folder = tmp_path / "mood"
    folder.mkdir()
    worth = {**dict.fromkeys(ngrams("wonderful"), 1.0), **dict.fromkeys(ngrams("terrible"), -1.0)}
    terms = sorted(worth)
    weights = np.array([[worth[term]] for term in terms], np.float16)
    arrays = {"weights": weights, "idf": np.ones(len(terms), np.float32), "intercept": np.zeros(1, np.float32)}
    save_file(arrays, folder / "linear.safetensors")
    (folder / "vocabulary.json").write_text(json.dumps(terms), encoding="utf-8")
    write_card(folder, ModelCard("mood", "score", "score", "linear", "linear.safetensors"))
    return folder


NUMBERS = "text,score\nwonderful,1\nterrible,-1\nso wonderful,0.5\nwonderful not,-1\n"


def test_a_model_of_numbers_is_measured_by_its_errors(mood: Path, tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text(NUMBERS, encoding="utf-8")
    found = json.loads(kefu("evaluate", mood, "--data", file, "--against", mood, "--json"))
    assert found["mae"] == pytest.approx((0.5 + 2) / 4, abs=0.01)
    assert found["mse"] == pytest.approx((0.25 + 4) / 4, abs=0.02)
    assert 0 < found["pearson"] < 1
    assert found["sign"] == 0.75
    assert found["latency_ms"]["p95"] > 0
    assert found["comparisons"][0]["difference"] == 0.0
    assert Page((mood / "report.html").read_text(encoding="utf-8")).tags.count("svg") == 2


def test_a_model_of_numbers_predicts_numbers_and_is_judged_by_their_sign(mood: Path, tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text(NUMBERS, encoding="utf-8")
    rows = [json.loads(line) for line in kefu("predict", mood, "--file", file, "--json-lines").splitlines()]
    assert [set(row) for row in rows] == [{"text", "score"}] * 4
    assert [round(row["score"]) for row in rows] == [1, -1, 1, 1]
    card = judged_and_reported(mood, read_card(mood), read(file), lambda told, fields: None)
    assert card.judged is not None
    assert card.judged.right == "1110"
    assert card.metrics["mae"] > 0
    assert "It gives a text a number" in (mood / "README.md").read_text(encoding="utf-8")


def test_labels_are_no_numbers(mood: Path, linear: Trained, tmp_path: Path) -> None:
    assert "holds no numbers to compare with" in refused("evaluate", mood, "--data", VALID)
    file = tmp_path / "numbers.csv"
    file.write_text(NUMBERS, encoding="utf-8")
    assert "holds no labels to compare" in refused("evaluate", linear.folder, "--data", file)
    assert "cannot be compared" in refused("evaluate", linear.folder, "--data", VALID, "--against", mood)


# the README


def test_the_readme_has_front_matter_that_hubs_read(tmp_path: Path) -> None:
    made = train("linear", tmp_path / "m", "licence=CC-BY-4.0")
    text = (made.folder / "README.md").read_text(encoding="utf-8")
    _, front, body = text.split("---\n", 2)
    table = yaml.safe_load(front)
    assert table["license"] == "CC-BY-4.0"
    assert table["language"] == ["en", "zh"]
    assert table["pipeline_tag"] == "text-classification"
    assert (table["recipe"], table["seed"]) == ("linear", 0)
    assert table["data_sha256"] == made.card.data_sha256
    assert table["metrics"]["accuracy"] == round(made.card.metrics["accuracy"], 4)
    assert "typos" in table["slices"]
    assert table["limits"]
    assert "## Limits" in body
    assert "No licence" not in text


# the page


class Page(HTMLParser):
    """Collects the tags, what they point to, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag != "meta":
            self.open.append(tag)
        self.links += [str(value) for name, value in attrs if name in {"src", "href", "xlink:href", "action", "data"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(1)> 转人工"


def test_the_page_asks_for_nothing_and_runs_nothing(linear: Trained, tmp_path: Path) -> None:
    file = tmp_path / "hostile.csv"
    cell = HOSTILE.replace('"', '""')
    rows = "".join(f'"{cell} {number}","<b>{number % 3}</b>"\n' for number in range(30))
    file.write_text(f"text,label\n{rows}转人工,human_agent\n", encoding="utf-8")
    kefu("evaluate", linear.folder, "--data", file, "--oos", OUTSIDE, "--out", tmp_path, "--json")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.links == []
    assert page.open == []
    assert {"script", "img", "b "} & set(page.tags) == set()
    assert "&lt;script&gt;" in text
    assert not re.search(r"url\(|@import|https?://", text)
    assert page.tags.count("svg") >= 4


def test_the_page_is_light_and_dark(linear: Trained) -> None:
    assert "prefers-color-scheme: dark" in (linear.folder / "report.html").read_text(encoding="utf-8")

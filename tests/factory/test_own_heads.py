"""The recipe `head` on data of two languages: English by a head of its own, all others by the multilingual one."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import kefu as package
from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Recipe
from kefu.factory.card import readme
from kefu.factory.data.read import dataset_of, read
from kefu.factory.evaluate.sheet import model_table
from kefu.factory.languages import Division, divided
from kefu.kit import registry

from .commands import TRAIN, Trained, kefu, refused

INTENTS = Path(package.__file__).parent / "demo/intents"
LABELS = 8


def texts(start: int, end: int, *languages: str) -> Dataset:
    """From each of the first eight of the demo's intents the texts of these places, in each language."""
    rows = []
    for language in languages:
        data = read(INTENTS / f"{language}.csv")
        for label in data.labels[:LABELS]:
            rows += [each for each in data.examples if each.label == label][start:end]
    return dataset_of(rows, mapping={"text": "text", "label": "label"}, format="csv")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Trained by the recipe itself: a job would also examine it, which takes longer."""
    folder, told = tmp_path_factory.mktemp("own") / "model", []
    data, valid = texts(0, 6, "en", "zh"), texts(6, 12, "en", "zh")
    recipe = registry.load("recipes", "head", Recipe)({})
    recipe.train(Job("train", str(folder), "head"), data, valid, lambda _, fields: told.append(str(fields)))
    return Trained(folder, "\n".join(told))


def test_the_card_names_the_head_of_english_and_pins_its_files(two: Trained) -> None:
    card = two.card
    assert (card.base_model, card.languages) == ("package:e5-small-zh-en", ("en", "zh"))
    [own] = card.own_heads
    assert (own.language, own.base_model) == ("en", "package:minilm-service-en")
    assert own.temperature != card.temperature != 1.0
    assert card.scope_threshold is not None
    pinned = {file.path for file in card.files}
    assert {f"{place}{name}.safetensors" for place in ("", "en/") for name in ("head", "scope")} <= pinned
    assert "English texts have a head of their own, of 48 rows; that of all others learns 96." in two.said


def test_readme_and_report_name_the_encoder_of_english(two: Trained) -> None:
    table = {"data": {"name": "valid", "rows": 96, "sha256": ""}, "slices": {}}
    told = "Texts of the language en are told by a head of their own on `package:minilm-service-en`."
    assert told in readme(two.card, table)
    assert model_table(two.card)["own_heads"] == {"en": "package:minilm-service-en"}


def predicted(place: Path, file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in kefu("predict", place, "--file", file, "--json-lines").splitlines()]


def test_both_languages_are_told_by_the_folder_and_by_its_export(two: Trained, tmp_path: Path) -> None:
    (tmp_path / "asked.txt").write_text("I want to cancel my order\n请帮我取消订单\n", encoding="utf-8")
    kefu("export", two.folder, "--out", tmp_path / "m.zip")
    said = predicted(two.folder, tmp_path / "asked.txt")
    assert [row["label"] for row in said] == ["cancel_order", "cancel_order"]
    assert all(set(row["scores"]) == set(two.card.labels) for row in said)
    assert predicted(tmp_path / "m.zip", tmp_path / "asked.txt") == said


def test_an_altered_file_of_an_own_head_is_refused(two: Trained, tmp_path: Path) -> None:
    shutil.copytree(two.folder, tmp_path / "m")
    file = tmp_path / "m" / "en" / "head.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    sentence = refused("predict", tmp_path / "m", "--text", "hello")
    assert sentence.startswith("en/head.safetensors of model model is damaged or not the pinned one")


# where there is one head for all


def test_by_language_is_yes_or_no(tmp_path: Path) -> None:
    sentence = refused("train", "head", "--data", TRAIN, "--out", tmp_path / "m", "by_language=perhaps")
    assert "by_language" in sentence


def division(data: Dataset, valid: Dataset) -> Division:
    found = divided(data, valid, "en")
    assert isinstance(found, Division), found
    return found


def test_labels_with_enough_rows_are_taught_in_their_own_languages_alone() -> None:
    valid = texts(20, 25, "en", "zh")
    few, many = division(texts(0, 6, "en", "zh"), valid), division(texts(0, 20, "en", "zh"), valid)
    assert len(few.own.examples) == LABELS * 6
    assert len(few.rest.examples) == LABELS * 12, "what is rare is taught in English, too"
    assert (len(many.own.examples), len(many.rest.examples)) == (LABELS * 20, LABELS * 20)
    assert few.rest.labels == few.own.labels == texts(0, 1, "en").labels


def test_data_are_not_divided_where_english_lacks_a_label_or_nothing_was_kept_apart() -> None:
    english, other = texts(0, 6, "en"), texts(0, 6, "zh")
    lacking = dataset_of(
        [*(each for each in english.examples if each.label != english.labels[0]), *other.examples],
        mapping=english.mapping,
        format="csv",
    )
    valid = texts(6, 12, "en", "zh")
    assert divided(lacking, valid, "en") == (
        f"1 labels have fewer than 5 rows of the language en, {english.labels[0]!r} among them"
    )
    both = texts(0, 6, "en", "zh")
    few = divided(both, texts(6, 9, "en", "zh"), "en")
    assert few == "24 rows of the language en are kept apart, and 40 are needed to calibrate a head"
    assert divided(both, both, "en") == "no rows were kept apart to calibrate two"

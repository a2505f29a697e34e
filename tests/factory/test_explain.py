"""Why a model said what it said: words that were planted to tell are the words that are named."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from kefu.cli.explain import explain as explain_command
from kefu.cli.predict import predict
from kefu.contracts.job import Job
from kefu.contracts.model_card import read_card
from kefu.factory.explain.report import explain, explainer
from kefu.factory.explain.words import without, words_of
from kefu.factory.recipes.linear.recipe import LinearRecipe
from kefu.kit.errors import BadInput

from .commands import Trained

BLACK_BOX = ("occlusion", "shap", "lime")


def quiet(told: object, fields: object) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def topics(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A linear model of made sentences, whose topics hang on known words."""
    pytest.importorskip("torch")
    from .lessons import sentences

    out = tmp_path_factory.mktemp("models") / "topics"
    LinearRecipe({}).train(Job("train", out=str(out)), sentences(90), sentences(60, seed=1), quiet)
    return out


@pytest.mark.parametrize("method", BLACK_BOX)
def test_the_word_that_tells_is_named(method: str, topics: Path) -> None:
    if method != "occlusion":
        pytest.importorskip(method)
    with explainer(topics, method) as by:
        found = by.explain("please help with the courier today")
    assert found.label == "parcel"
    best = max(zip(found.words, found.weights, strict=True), key=lambda pair: pair[1])
    assert best[0].text == "courier"


@pytest.mark.parametrize("method", ["ig", "attention"])
def test_a_network_is_looked_into(method: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("captum")
    from kefu.factory.recipes.finetune.recipe import FinetuneRecipe

    from .lessons import sentences
    from .tiny_bert import make

    options = {"learning_rate": 5e-3, "num_train_epochs": 6, "floor": False, "floor_weight": 0.0, "bf16": False}
    recipe = FinetuneRecipe({"base_model": f"path:{make(tmp_path / 'tiny')}", **options})
    recipe.train(Job("train", out=str(tmp_path / "model")), sentences(60), sentences(60, seed=1), quiet)
    with explainer(tmp_path / "model", method) as by:
        found = by.explain("please help with the courier today")
    assert len(found.weights) == 6
    if method == "ig":
        assert found.words[int(np.argmax(found.weights))].text == "courier"
        # Integrated gradients add up to the difference from the empty text, which knows no label.
        assert sum(found.weights) > 0.3


@pytest.mark.parametrize("method", ["ig", "attention"])
def test_what_has_no_network_says_how_else_to_explain_it(method: str, topics: Path) -> None:
    pytest.importorskip("captum")
    with pytest.raises(BadInput, match="occlusion"), explainer(topics, method):
        pass


def test_deleting_the_named_words_hurts_more_than_random_ones(topics: Path, tmp_path: Path) -> None:
    from .lessons import sentences

    asked = tmp_path / "asked.txt"
    asked.write_text("\n".join(each.text for each in sentences(40, seed=3).examples), encoding="utf-8")
    job = Job("explain", model=str(topics), data=str(asked), out=str(tmp_path / "out"), options={"record": True})
    found = explain(job, quiet)
    assert found["lost_without_top_words"] > 1.5 * found["lost_without_random_words"]
    assert read_card(topics).metrics["faithfulness_occlusion"] == found["lost_without_top_words"]
    table = json.loads((tmp_path / "out" / "explanations.json").read_text(encoding="utf-8"))
    assert len(table["texts"]) == 40
    named = {each["word"] for each in found["labels"]["login"]}
    assert named & {"password", "login", "account", "reset", "email", "code"}


def test_the_commands_print_words_and_places(topics: Path, tmp_path: Path) -> None:
    text = "please, the courier is late"
    told = CliRunner().invoke(predict, [str(topics), "--text", text, "--explain", "occlusion", "--json"])
    assert told.exit_code == 0, told.output
    said = json.loads(told.output)
    assert all(text[each["start"] : each["end"]] == each["text"] for each in said["words"])
    (tmp_path / "asked.txt").write_text("where is my parcel\nreset my password\n", encoding="utf-8")
    arguments = [str(topics), "--data", str(tmp_path / "asked.txt"), "--out", str(tmp_path / "out"), "--json"]
    told = CliRunner().invoke(explain_command, arguments)
    assert told.exit_code == 0, told.output
    assert json.loads(told.output)["method"] == "occlusion"


@pytest.mark.parametrize(("arguments", "said"), [(["--by", "magic"], "no explanation by"), (["--rows", "0"], "rows")])
def test_what_cannot_be_explained_is_said(topics: Path, tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "asked.txt").write_text("where is my parcel\n", encoding="utf-8")
    told = CliRunner().invoke(explain_command, [str(topics), "--data", str(tmp_path / "asked.txt"), *arguments])
    assert told.exit_code != 0
    assert said in told.output


def test_a_text_without_words_is_refused(topics: Path) -> None:
    with explainer(topics, "occlusion") as by, pytest.raises(BadInput, match="no word"):
        by.explain("?! …")


def test_chinese_is_cut_into_words() -> None:
    assert [each.text for each in words_of("我的快递到哪里了 please")] == [
        "我",
        "的",
        "快递",
        "到",
        "哪里",
        "了",
        "please",
    ]


@given(st.text(max_size=80))
def test_words_stand_where_they_say_and_may_all_be_left_out(text: str) -> None:
    words = words_of(text)
    assert all(text[each.start : each.end] == each.text for each in words)
    assert all(one.end <= other.start for one, other in itertools.pairwise(words))
    assert not words_of(without(text, words, set(range(len(words)))))


def test_a_trained_models_own_labels_are_explained(linear: Trained) -> None:
    with explainer(linear.folder, "occlusion") as by:
        assert by.explain("where is my card").label in by.card.labels

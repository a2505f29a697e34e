"""The classifier: what it answers, what it refuses to load, and what it says of texts out of scope."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from kefu.contracts.engine import Classifier, Encoder, Scorer
from kefu.contracts.model_card import CARD_FILE, ModelCard, OwnHead, read_card
from kefu.engines.classifier.engine import ClassifierEngine
from kefu.engines.classifier.scope import Scope
from kefu.kit import registry
from kefu.kit.errors import BadInput, BadInstallation, Unavailable

from .models import DIMENSION, ENGLISH, LABELS, TEXTS, encoder, head, linear, scope, two_heads, written


async def loaded(folder: Path, **options: Any) -> ClassifierEngine:
    engine = ClassifierEngine(f"path:{folder}", options)
    await engine.load()
    return engine


def test_the_engine_is_a_plug_in_that_classifies_and_scores() -> None:
    for protocol in (Classifier, Scorer):
        assert registry.load("engines", "classifier", protocol) is ClassifierEngine


async def test_a_linear_model_answers_in_order(tmp_path: Path) -> None:
    linear(tmp_path)
    engine = await loaded(tmp_path)
    found = await engine.classify([TEXTS["refund"], TEXTS["cancel"]])
    assert [each.label for each in found] == ["refund", "cancel"]
    for each in found:
        assert each.confidence == each.scores[each.label] == max(each.scores.values())
        assert sum(each.scores.values()) == pytest.approx(1.0)
        assert list(each.scores.values()) == sorted(each.scores.values(), reverse=True)
        assert each.out_of_scope is False


async def test_a_text_without_a_known_feature_gets_the_intercept(tmp_path: Path) -> None:
    linear(tmp_path)
    [found] = await (await loaded(tmp_path)).classify(["龘"])
    assert found.confidence == pytest.approx(0.5)


async def test_temperature_cools_and_never_changes_the_label(tmp_path: Path) -> None:
    linear(tmp_path / "sure")
    linear(tmp_path / "unsure", temperature=10.0)
    sure, unsure = [
        (await (await loaded(tmp_path / name)).classify([TEXTS["refund"]]))[0] for name in ("sure", "unsure")
    ]
    assert sure.label == unsure.label
    assert sure.confidence > unsure.confidence > 0.5
    raw = [await (await loaded(tmp_path / name)).raw([TEXTS["refund"]]) for name in ("sure", "unsure")]
    assert np.array_equal(raw[0].logits, raw[1].logits), "raw is before temperature"


async def test_no_texts_give_no_answers(tmp_path: Path) -> None:
    linear(tmp_path)
    engine = await loaded(tmp_path)
    assert await engine.classify([]) == []
    assert (await engine.raw([])).logits.shape == (0, len(LABELS))


async def test_a_head_runs_on_the_encoder_that_is_handed_over(tmp_path: Path) -> None:
    await head(tmp_path)
    shared = await encoder()
    engine = await loaded(tmp_path, encoder=shared)
    assert [each.label for each in await engine.classify(list(TEXTS.values()))] == list(TEXTS)
    assert (await engine.raw(["a"])).vectors.shape == (1, DIMENSION)
    await engine.close()
    assert shared.card().dimension == DIMENSION, "whoever handed it over still uses it"


async def test_a_head_refuses_another_encoder(tmp_path: Path) -> None:
    await head(tmp_path)
    with pytest.raises(BadInstallation, match="was trained on another version of scripted:letters; train it again"):
        await loaded(tmp_path, encoder=await encoder(16))
    await head(tmp_path, base_sha256=None)
    with pytest.raises(BadInput, match="must be a loaded encoder"):
        await loaded(tmp_path, encoder="letters")


# a head for English beside that of all other languages


async def both_encoders() -> tuple[Encoder, Encoder]:
    return await encoder(), await encoder(ENGLISH)


async def test_each_text_is_told_by_the_head_of_its_language_from_its_own_encoder(tmp_path: Path) -> None:
    await two_heads(tmp_path)
    engine = await loaded(tmp_path, encoders=await both_encoders())
    texts = ["where is my order", "我的订单到哪里了", "¿dónde está mi pedido, por favor?", "ok"]
    told = [each.label for each in await engine.classify(texts)]
    assert told == ["refund", "cancel", "cancel", "refund"], "too short to tell is English"
    assert [(await engine.classify([text]))[0].label for text in texts] == told
    vectors = (await engine.raw(texts)).vectors
    assert vectors.shape == (4, DIMENSION + ENGLISH)
    assert (await engine.raw(texts[:1])).vectors.shape == (1, DIMENSION + ENGLISH)
    assert not (vectors[0] * vectors[1]).any(), "vectors of two encoders were compared"
    await engine.close()


async def test_a_heads_own_temperature_is_its_own(tmp_path: Path) -> None:
    await two_heads(tmp_path, temperature=0.1)
    engine = await loaded(tmp_path, encoders=await both_encoders())
    english, other = await engine.classify(["where is my order", "我的订单到哪里了"])
    assert english.confidence > 0.99 > other.confidence
    logits, temperature = (await engine.raw(["where is my order"])).logits, engine.model_card().temperature
    assert logits[0] / temperature == pytest.approx([0.0, 10.0])


async def test_an_own_head_refuses_another_encoder_and_files_that_are_not_there(tmp_path: Path) -> None:
    await two_heads(tmp_path)
    (tmp_path / "en" / "head.safetensors").unlink()
    with pytest.raises(BadInstallation, match=r"en/head\.safetensors of model m cannot be read"):
        await loaded(tmp_path, encoders=await both_encoders())
    await two_heads(tmp_path, language="fr")
    with pytest.raises(BadInstallation, match=r"does not list fr/head\.safetensors"):
        await loaded(tmp_path, encoders=await both_encoders())
    with pytest.raises(BadInput, match="must be a list of loaded encoders"):
        await loaded(tmp_path, encoders=["letters"])


@pytest.mark.parametrize(
    ("own", "why"),
    [
        ([{"language": "../en", "base_model": "", "base_sha256": ""}], r"of the languages '\.\./en'"),
        ([{"language": "en", "base_model": "", "base_sha256": ""}] * 2, "of the languages 'en', 'en'"),
        ([{"language": "en", "base_model": "", "base_sha256": "", "temperature": 0}], "must be above 0"),
        ([{"language": "en"}], "missing 2 required"),
        ("en", "cannot be understood"),
    ],
)
def test_a_card_with_heads_that_are_none_is_refused(own: Any, why: str) -> None:
    with pytest.raises(BadInstallation, match=why):
        ModelCard.from_table(
            {"name": "m", "task": "classify", "recipe": "head", "runtime": "head", "serve": "h"} | {"own_heads": own}
        )


async def test_only_a_head_has_heads_of_languages(tmp_path: Path) -> None:
    linear(tmp_path, own_heads=(OwnHead("en", "", ""),))
    with pytest.raises(BadInstallation, match="names heads of languages beside a linear model"):
        await loaded(tmp_path)


async def test_before_load_and_after_close_nothing_is_answered(tmp_path: Path) -> None:
    linear(tmp_path)
    engine = ClassifierEngine(f"path:{tmp_path}", {})
    with pytest.raises(Unavailable):
        engine.card()
    with pytest.raises(Unavailable):
        await engine.classify(["a"])
    await engine.load()
    assert engine.card().version == read_card(tmp_path).files[0].sha256
    await engine.close()
    await engine.close()
    with pytest.raises(Unavailable):
        await engine.raw(["a"])


async def test_labels_and_numbers_are_not_mixed_up(tmp_path: Path) -> None:
    linear(tmp_path / "labels")
    with pytest.raises(BadInput, match="gives labels, not numbers"):
        await (await loaded(tmp_path / "labels")).score(["a"])
    linear(tmp_path / "numbers", task="score")
    engine = await loaded(tmp_path / "numbers")
    with pytest.raises(BadInput, match="gives numbers, not labels"):
        await engine.classify(["a"])
    assert (await engine.score([TEXTS["cancel"]])).tolist() == [1.0], "a number is cut to -1 to 1"


# scope


async def test_a_model_without_statistics_lets_everything_in(tmp_path: Path) -> None:
    linear(tmp_path)
    engine = await loaded(tmp_path)
    assert np.isnan((await engine.raw(["xyz"])).scope).all()
    assert (await engine.classify(["xyz"]))[0].out_of_scope is False


async def test_a_text_unlike_all_that_was_taught_is_out_of_scope(tmp_path: Path) -> None:
    scope(tmp_path, linear(tmp_path))
    known, unknown = await (await loaded(tmp_path)).classify([TEXTS["refund"], "龘"])
    assert (known.out_of_scope, unknown.out_of_scope) == (False, True)
    assert known.scope > 0.05 > unknown.scope


async def test_below_every_known_text_worse_stays_worse(tmp_path: Path) -> None:
    card = linear(tmp_path)
    scope(tmp_path, card, **{"rank.logit": np.linspace(100, 200, 9, dtype=np.float32)})
    engine = await loaded(tmp_path)
    far, farther = (await engine.raw([TEXTS["refund"], "龘"])).scope
    assert 0 > far > farther


@pytest.mark.parametrize("left_out", ["mean", "centroids", "whiten", "bank"])
def test_statistics_that_are_not_complete_are_refused(tmp_path: Path, left_out: str) -> None:
    names = {"mean", "centroids", "whiten", "bank"} - {left_out}
    save_file({name: np.zeros((1, 1), np.float32) for name in names}, tmp_path / "scope.safetensors")
    with pytest.raises(BadInstallation, match=f"scope.safetensors has no {left_out}"):
        Scope.read(tmp_path / "scope.safetensors")


# folders that are not as their card says


@pytest.mark.parametrize("name", ["linear.safetensors", "vocabulary.json"])
async def test_a_changed_file_is_refused_by_its_hash(tmp_path: Path, name: str) -> None:
    linear(tmp_path)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInstallation, match=f"{name} of model m is damaged or not the pinned one: its SHA-256 is"):
        await loaded(tmp_path)


async def test_files_of_training_are_not_even_opened(tmp_path: Path) -> None:
    card = linear(tmp_path)
    for name in ("model.safetensors", "config.json", "data/train.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x", encoding="utf-8")
    written(tmp_path, card)
    for name in ("model.safetensors", "config.json", "data/train.jsonl"):
        (tmp_path / name).unlink()
    assert (await (await loaded(tmp_path)).classify([TEXTS["cancel"]]))[0].label == "cancel"


@pytest.mark.parametrize(
    "path", ["../outside.safetensors", "/etc/passwd.json", "a\\b.json", "weights.pkl.json/../../x.json"]
)
async def test_a_card_may_name_no_file_outside_its_folder(tmp_path: Path, path: str) -> None:
    card = linear(tmp_path)
    table = json.loads(card.to_json())
    table["files"].append({"path": path, "sha256": "0" * 64, "bytes": 1})
    (tmp_path / CARD_FILE).write_text(json.dumps(table), encoding="utf-8")
    with pytest.raises(BadInstallation, match="which is never loaded"):
        await loaded(tmp_path)


async def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    card = linear(tmp_path)
    (tmp_path / "weights.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    written(tmp_path, replace(card, serve="weights.pkl"))
    with pytest.raises(BadInstallation, match=r"does not list weights.pkl|never loaded"):
        await loaded(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"name": 1}', '{"files": 3}'])
async def test_a_card_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / CARD_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(BadInstallation):
        await loaded(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"runtime": "quantum"}, "needs the runtime 'quantum', which this Kefu does not have"),
        ({"labels": ("a", "b", "c")}, "linear.safetensors of model m tells 2 labels apart, its card names 3"),
    ],
)
async def test_a_card_that_does_not_fit_its_files_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    linear(tmp_path, **change)
    with pytest.raises(BadInstallation, match=said):
        await loaded(tmp_path)


async def test_weights_that_do_not_fit_the_vocabulary_are_refused(tmp_path: Path) -> None:
    card = linear(tmp_path)
    (tmp_path / "vocabulary.json").write_text('["a"]', encoding="utf-8")
    written(tmp_path, card)
    with pytest.raises(BadInstallation, match="vocabulary of model m does not fit its weights"):
        await loaded(tmp_path)


def test_a_card_survives_being_written_and_read(tmp_path: Path) -> None:
    card = linear(tmp_path, options={"seed": 1}, metrics={"accuracy": 0.5}, parents=("a",), limits=("none",))
    assert read_card(tmp_path) == card
    table = {**json.loads(card.to_json()), "of_a_later_kefu": 1}
    assert ModelCard.from_table(table) == card

"""Language is learnt from a company's own texts: corpora, words, gaps, going on, and what helps."""

import json
import os
import random
import signal
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from transformers import BertConfig, BertModel  # noqa: E402

from kefu.contracts.dataset import Dataset, Example  # noqa: E402
from kefu.contracts.job import Job, Recipe, Told  # noqa: E402
from kefu.contracts.model_card import ModelCard, read_card  # noqa: E402
from kefu.factory.bases import from_folder, load_base  # noqa: E402
from kefu.factory.language.corpus import kept_apart, read_corpus  # noqa: E402
from kefu.factory.language.gaps import HEAD_FILE, windows  # noqa: E402
from kefu.factory.language.generators import from_folder as generator_from  # noqa: E402
from kefu.factory.language.lessons import Words, gapped, packed, rows_of  # noqa: E402
from kefu.factory.language.words import extended, grow, made_for  # noqa: E402
from kefu.factory.recipes.pretrain_clm.recipe import PretrainClmRecipe  # noqa: E402
from kefu.factory.recipes.pretrain_mlm.recipe import PretrainMlmRecipe  # noqa: E402
from kefu.factory.run import run as do  # noqa: E402
from kefu.kit.errors import BadInput  # noqa: E402
from kefu.knowledge.labels import dataset_of  # noqa: E402
from kefu.knowledge.labels.read import BadRows  # noqa: E402

from . import tiny_bert, tiny_llama  # noqa: E402
from .lessons import Heard, sentences  # noqa: E402

QUICK = {
    "learning_rate": 5e-3, "head_learning_rate": 1e-2, "num_train_epochs": 6, "per_device_train_batch_size": 16,
    "bf16": False, "logging_steps": 1, "dropout": 0.0, "min_steps": 0, "threads": 1,
}  # fmt: skip
MLM = {**QUICK, "head_steps": 10, "new_words": 0, "max_tokens": 16}
CLM = {**QUICK, "per_device_train_batch_size": 4, "max_tokens": 32, "new_words": 0, "num_train_epochs": 3}


def corpus(texts: list[str]) -> Dataset:
    examples = [Example(text, None, at + 1) for at, text in enumerate(texts)]
    return dataset_of(examples, mapping={"text": "text"}, format="texts")


def pages(rows: int, seed: int = 0) -> Dataset:
    """Sentences in which one word tells the others: what fills a gap can be learnt."""
    chance = random.Random(seed)
    topics = sorted(tiny_bert.TOPICS)
    texts = []
    for _ in range(rows):
        words = tiny_bert.TOPICS[topics[chance.randrange(len(topics))]]
        texts.append(" ".join(["where", "is", "my", *words[:4]]))
    return corpus(texts)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny encoder with a token for a gap."""
    folder = tiny_bert.make(tmp_path_factory.mktemp("bert"))
    table = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    # The last number is no word of the texts.
    vocabulary = table["model"]["vocab"]
    last = max(vocabulary, key=lambda word: vocabulary[word])
    vocabulary["[MASK]"] = vocabulary.pop(last)
    tokenizer = Tokenizer.from_str(json.dumps(table))
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama.make(tmp_path_factory.mktemp("llama"))


def mlm(base: str | Path, out: Path, *, heard: Heard | None = None, resume: bool = False, **given: Any) -> ModelCard:
    reference = base if isinstance(base, str) else f"path:{base}"
    recipe: Recipe = PretrainMlmRecipe({**MLM, "base_model": reference, **given})
    job = Job("train", out=str(out), resume=resume)
    return recipe.train(job, pages(96), pages(24, seed=1), heard or Heard())


def clm(base: Path, out: Path, *, heard: Heard | None = None, resume: bool = False, **given: Any) -> ModelCard:
    recipe: Recipe = PretrainClmRecipe({**CLM, "base_model": f"path:{base}", "gguf": "f16", **given})
    job = Job("train", out=str(out), resume=resume)
    texts = tiny_llama.TEXTS
    return recipe.train(job, corpus(texts[::2]), corpus(texts[1::2]), heard or Heard())


# corpora


def test_pages_tables_and_chats_are_read_and_masked(tmp_path: Path) -> None:
    (tmp_path / "help").mkdir()
    (tmp_path / "help" / "a.md").write_text("# Refunds\n\nRefunds take five days.\n", encoding="utf-8")
    (tmp_path / "help" / "b.txt").write_text("Write to mara@example.com for help.\n", encoding="utf-8")
    chat = {"messages": [{"role": "user", "content": "hi there"}, {"role": "assistant", "content": "hello"}]}
    (tmp_path / "help" / "c.jsonl").write_text(json.dumps(chat) + "\n", encoding="utf-8")
    (tmp_path / "help" / "d.csv").write_text("text,label\nwhere is it,x\n", encoding="utf-8")
    texts = [each.text for each in read_corpus(tmp_path / "help").examples]
    assert texts[1:] == ["Write to <EMAIL_1> for help.", "hi there\nhello", "where is it"]
    assert "Refunds take five days." in texts[0]


def test_a_long_page_becomes_parts_of_whole_paragraphs(tmp_path: Path) -> None:
    paragraphs = [f"Paragraph {at} says {'a word ' * 60}".strip() for at in range(12)]
    (tmp_path / "page.txt").write_text("\n\n".join([*paragraphs, "x" * 5000]), encoding="utf-8")
    data = read_corpus(tmp_path / "page.txt")
    assert all(len(each.text) <= 2000 and each.group == "page.txt" for each in data.examples)
    together = "\n\n".join(each.text for each in data.examples)
    assert all(each in together for each in paragraphs)
    assert together.count("x" * 2000) == 2


def test_a_page_is_kept_apart_as_a_whole() -> None:
    examples = [Example(f"part {at}", None, at + 1, group=f"page {at // 3}") for at in range(60)]
    data = dataset_of(examples, mapping={"text": "text"}, format="texts")
    learnt, measured = kept_apart(data, seed=0)
    assert len(measured.examples) == 6
    assert not {each.group for each in learnt.examples} & {each.group for each in measured.examples}
    assert kept_apart(data, seed=0)[1].sha256 == measured.sha256


def test_bad_rows_and_empty_places_are_named(tmp_path: Path) -> None:
    (tmp_path / "texts.jsonl").write_text('{"text": "fine"}\n{"text": ""}\n', encoding="utf-8")
    with pytest.raises(BadRows, match="line 2, column text: the text is empty; write one"):
        read_corpus(tmp_path / "texts.jsonl")
    (tmp_path / "pages").mkdir()
    with pytest.raises(BadInput, match="holds no text"):
        read_corpus(tmp_path / "pages")
    (tmp_path / "pages" / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    with pytest.raises(BadRows, match=r"broken\.pdf"):
        read_corpus(tmp_path / "pages")


# words


def shipped(name: str) -> Tokenizer:
    """The tokenizer of an encoder that comes with Kefu."""
    return Tokenizer.from_file(str(files("kefu_models") / name / "tokenizer.json"))


def test_a_companys_words_become_tokens_and_begin_where_their_pieces_were() -> None:
    tokenizer = shipped("minilm-en")
    texts = ["The Topperfly courier has my zahlungsmittel"] * 5
    found = extended(tokenizer, texts, most=9, least=3)
    assert set(found.words) == {"topperfly", "zahlungsmittel"}
    small = {"hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 4}
    encoder = BertModel(BertConfig(vocab_size=tokenizer.get_vocab_size(), **small), add_pooling_layer=False)
    before = encoder.get_input_embeddings().weight.detach().clone()
    grow(encoder, found)
    after = encoder.get_input_embeddings().weight
    assert torch.equal(after[: len(before)], before)
    token = found.tokenizer.token_to_id("topperfly")
    pieces = tokenizer.encode("topperfly", add_special_tokens=False).ids
    assert torch.allclose(after[token], before[pieces].mean(0))
    assert found.tokenizer.encode("A topperfly!").tokens[1:-1] == ["a", "topperfly", "!"]


def test_words_of_pairs_and_of_unigrams_are_put_into_the_model_itself() -> None:
    pairs = extended(tiny_llama.tokenizer_of(), ["ask Zahlungsmittel now"] * 4, most=5, least=3)
    assert pairs.words == ("Zahlungsmittel",)
    assert "ĠZahlungsmittel" in pairs.tokenizer.encode("my Zahlungsmittel").tokens
    assert pairs.tokenizer.decode(pairs.tokenizer.encode("my Zahlungsmittel 12").ids) == "my Zahlungsmittel 12"
    unigrams = extended(shipped("e5-small-zh-en"), ["请问福晶快递 Topperfly 在哪里"] * 4, most=5, least=3)
    assert "福晶" in unigrams.words
    assert {"福晶", "▁Topperfly"} <= set(unigrams.tokenizer.encode("去福晶 Topperfly").tokens)


def test_a_tokenizer_is_the_same_each_time_it_is_made() -> None:
    texts = [each.text for each in pages(40).examples]
    assert made_for(texts, size=120).to_str() == made_for(texts, size=120).to_str()


# gaps


def test_gaps_follow_from_their_key_and_never_touch_special_tokens() -> None:
    words = Words(100, 0, 4, frozenset(range(5)))
    text = [2, *range(10, 40), 3]
    shown, meant = gapped(text, words, share=0.3, key=(1, 2, 3))
    assert (shown, meant) == gapped(text, words, share=0.3, key=(1, 2, 3))
    assert (shown, meant) != gapped(text, words, share=0.3, key=(1, 3, 3))
    assert meant[0] == meant[-1] == -100
    assert all(token == text[at] for at, token in enumerate(shown) if meant[at] == -100)
    assert 4 in shown
    assert sum(each >= 0 for each in gapped([2, 10, 3], words, share=0.01, key=(0, 0, 0))[1]) == 1


def test_long_texts_become_several_rows_and_nothing_is_left_out(bert: Path) -> None:
    tokenizer = from_folder(bert).tokenizer
    text = " ".join(str(at) for at in range(25))
    rows = windows(tokenizer, [text], max_tokens=12)
    assert [len(row) for row in rows] == [12, 12, 7]
    inner = [token for row in rows for token in row[1:-1]]
    assert inner == tokenizer.encode(text, add_special_tokens=False).ids


def test_an_encoder_learns_and_other_recipes_take_it(bert: Path, tmp_path: Path) -> None:
    card = mlm(bert, tmp_path / "model")
    assert (card.task, card.runtime) == ("language", "torch")
    assert card.metrics["valid_perplexity"] < 0.5 * card.metrics["before_perplexity"]
    assert from_folder(tmp_path / "model").head is None
    again = mlm(tmp_path / "model", tmp_path / "more", num_train_epochs=1)
    assert again.metrics["before_perplexity"] == pytest.approx(card.metrics["valid_perplexity"], rel=1e-4)


def test_the_same_seed_gives_the_same_encoder_and_a_run_that_goes_on_too(bert: Path, tmp_path: Path) -> None:
    mlm(bert, tmp_path / "straight", num_train_epochs=2)
    heard = Heard({7: lambda: os.kill(os.getpid(), signal.SIGTERM)})
    with pytest.raises(KeyboardInterrupt):
        mlm(bert, tmp_path / "stopped", heard=heard, num_train_epochs=2)
    mlm(bert, tmp_path / "stopped", resume=True, num_train_epochs=2)
    for name in ("model.safetensors", HEAD_FILE):
        straight, resumed = (load_file(tmp_path / folder / name) for folder in ("straight", "stopped"))
        assert all(torch.equal(each, resumed[key]) for key, each in straight.items())
    assert not (tmp_path / "stopped" / "checkpoint").exists()
    assert not (tmp_path / "stopped" / "head").exists()


def test_a_run_that_stopped_while_its_head_learnt_goes_on_there(bert: Path, tmp_path: Path) -> None:
    class Stops(Heard):
        def __call__(self, told: Told, fields: Any) -> None:
            super().__call__(told, fields)
            if told is Told.PROGRESS and fields["done"] == 3:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        mlm(bert, tmp_path / "stopped", heard=Stops(), num_train_epochs=1)
    assert (tmp_path / "stopped" / "head" / "checkpoint").is_dir()
    resumed = mlm(bert, tmp_path / "stopped", resume=True, num_train_epochs=1)
    straight = mlm(bert, tmp_path / "straight", num_train_epochs=1)
    assert resumed.metrics["valid_perplexity"] == straight.metrics["valid_perplexity"]


def test_what_an_encoder_wants_before_a_text_is_put_there_by_other_recipes(tmp_path: Path) -> None:
    folder = tiny_bert.make(tmp_path / "prefixed")
    (folder / "card.json").write_text(json.dumps({"query_prefix": "my: "}), encoding="utf-8")
    with_it, without = (load_base(f"path:{folder}", prefixed=each).tokenizer for each in (True, False))
    assert with_it.encode("parcel").tokens == ["[CLS]", "my", "[UNK]", "parcel", "[SEP]"]
    assert without.encode("parcel").tokens == ["[CLS]", "parcel", "[SEP]"]


def test_an_encoder_begins_from_nothing(tmp_path: Path) -> None:
    heard = Heard()
    card = mlm("new", tmp_path / "model", heard=heard, vocabulary_size=100, hidden_size=32, layers=1)
    assert card.metrics["valid_perplexity"] < 0.5 * card.metrics["before_perplexity"]
    assert any("a tokenizer of" in str(each["sentence"]) for each in heard.of(Told.NOTE))
    base = from_folder(tmp_path / "model")
    assert base.tokenizer.encode("where is my parcel").tokens[1:-1] == ["▁where", "▁is", "▁my", "▁parcel"]


def test_an_encoder_without_a_gap_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no token for a gap"):
        mlm(tiny_bert.make(tmp_path / "plain"), tmp_path / "model")


def test_a_trial_says_whether_it_helps_and_the_card_keeps_it(bert: Path, tmp_path: Path) -> None:
    mlm(bert, tmp_path / "model", num_train_epochs=1)
    for name, seed in (("data", 0), ("valid", 1)):
        lines = [f"{each.text},{each.label}" for each in sentences(18, seed).examples]
        (tmp_path / f"{name}.csv").write_text("text,label\n" + "\n".join(lines), encoding="utf-8")
    options = {"learning_rate": 1e-3, "num_train_epochs": 1, "min_steps": 0, "bf16": False, "floor": False, "seeds": 2}
    job = Job("trial", model=str(tmp_path / "model"), recipe="finetune", data=str(tmp_path / "data.csv"),
              valid=str(tmp_path / "valid.csv"), options=options)  # fmt: skip
    found = do(job, Heard())
    assert isinstance(found, dict)
    assert [each["seed"] for each in found["seeds"]] == [0, 1]
    assert found["base"] == f"path:{bert}"
    assert found["kept"] == all(each["after"] > each["before"] for each in found["seeds"])
    assert found["sentence"].startswith("Keep it" if found["kept"] else "Do not keep it: finetune on data.csv")
    card = read_card(tmp_path / "model")
    assert card.metrics["trial_kept"] == float(found["kept"])
    assert found["kept"] or any(each.startswith("Pre-training did not help") for each in card.limits)
    with pytest.raises(BadInput, match="Option seeds of a trial cannot be 0"):
        do(replace(job, options={"seeds": 0}), Heard())


# going on


def test_a_generator_learns_words_and_goes_on(llama: Path, tmp_path: Path) -> None:
    card = clm(llama, tmp_path / "model", new_words=3, new_word_count=2)
    assert card.metrics["valid_perplexity"] < 0.7 * card.metrics["before_perplexity"]
    made = generator_from(tmp_path / "model")
    assert len(made.encoder.get_input_embeddings().weight) == made.tokenizer.get_vocab_size()
    assert read_card(tmp_path / "model").serve == "model-f16.gguf"


def test_a_generator_that_goes_on_is_the_same_to_the_bit(llama: Path, tmp_path: Path) -> None:
    clm(llama, tmp_path / "straight", num_train_epochs=2)
    heard = Heard({1: lambda: os.kill(os.getpid(), signal.SIGTERM)})
    with pytest.raises(KeyboardInterrupt):
        clm(llama, tmp_path / "stopped", heard=heard, num_train_epochs=2)
    clm(llama, tmp_path / "stopped", resume=True, num_train_epochs=2)
    straight, resumed = (load_file(tmp_path / name / "model.safetensors") for name in ("straight", "stopped"))
    assert all(torch.equal(each, resumed[key]) for key, each in straight.items())


def test_rows_hold_every_token_once() -> None:
    tokenizer = tiny_llama.tokenizer_of()
    rows = rows_of(tokenizer, tiny_llama.TEXTS, end_id=2, max_tokens=10)
    assert all(2 <= len(each.tokens) <= 10 for each in rows)
    laid = packed(rows, tokens=24)
    assert sorted(id(each) for row in laid for each in row) == sorted(map(id, rows))
    assert all(sum(len(each.tokens) for each in row) <= 24 for row in laid)
    assert len(laid) < len(rows) / 1.5


# the commands


def test_the_command_trains_and_evaluates(bert: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.jsonl").write_text(
        "".join(json.dumps({"text": each.text}) + "\n" for each in pages(40).examples), encoding="utf-8"
    )
    options = {**MLM, "base_model": f"path:{bert}", "num_train_epochs": 1}
    job = Job("train", recipe="pretrain_mlm", data=str(tmp_path / "texts.jsonl"), out=str(tmp_path / "m"),
              options=options)  # fmt: skip
    heard = Heard()
    card = do(job, heard)
    assert isinstance(card, ModelCard)
    assert any("kept apart" in str(each["sentence"]) for each in heard.of(Told.NOTE))
    assert card.metrics["perplexity"] == pytest.approx(card.metrics["valid_perplexity"], rel=1e-3)
    assert "perplexity" in (tmp_path / "m" / "report.html").read_text(encoding="utf-8")
    assert "base_model=path:DIR" in (tmp_path / "m" / "README.md").read_text(encoding="utf-8")
    found = do(Job("evaluate", model=str(tmp_path / "m"), data=str(tmp_path / "texts.jsonl")), Heard())
    assert isinstance(found, dict)
    assert found["perplexity"] > 1

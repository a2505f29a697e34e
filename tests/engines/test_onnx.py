"""The ONNX encoder: the packaged models, their vectors, and who waits for whom."""

import hashlib
import json
import shutil
import threading
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from kefu.contracts.engine import Encoder, Matrix
from kefu.engines.onnx.engine import OnnxEncoder
from kefu.engines.onnx.runs import QUERIES_BEFORE_PASSAGES, Runs
from kefu.engines.resolve import resolve
from kefu.kit.errors import BadInput, BadInstallation, Busy, Unavailable
from kefu.testing.engine_suite import EncoderSuite


class TestConformsWithMiniLM(EncoderSuite):
    def make(self) -> Encoder:
        return OnnxEncoder("package:minilm-en", {})


class TestConformsWithE5(EncoderSuite):
    def make(self) -> Encoder:
        return OnnxEncoder("package:e5-small-zh-en", {})


class TestConformsInBatches(EncoderSuite):
    # The default models' activations are quantised by batch, so a text's vector moves with its neighbours.
    same = 0.95

    def make(self) -> Encoder:
        return OnnxEncoder("package:minilm-en", {"batch": 16})


async def embed(reference: str, texts: list[str], kind: str = "query", **options: object) -> Matrix:
    encoder = OnnxEncoder(reference, options)
    await encoder.load()
    try:
        return await encoder.embed(texts, kind)  # type: ignore[arg-type]
    finally:
        await encoder.close()


async def test_vectors_tell_what_a_question_is_about() -> None:
    question = "How long does delivery take?"
    rows = await embed("package:minilm-en", [question, "When will my parcel arrive?", "I forgot my password."])
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2


async def test_e5_puts_chinese_and_english_near_each_other() -> None:
    rows = await embed(
        "package:e5-small-zh-en", ["退款需要多长时间？", "How long does a refund take?", "如何修改密码？"]
    )
    assert rows[0] @ rows[1] > rows[1] @ rows[2]


async def test_a_text_has_one_vector_whoever_asks_beside_it() -> None:
    texts = ["Where is my order?", "refund " * 150, "退款", "Which shoes are waterproof?"]
    together = await embed("package:minilm-en", texts, "passage")
    for row, text in enumerate(texts):
        np.testing.assert_array_equal(together[row], (await embed("package:minilm-en", [text]))[0])


async def test_text_past_max_tokens_is_cut() -> None:
    rows = await embed("package:minilm-en", ["order " * 30 + "shoes", "order " * 30 + "kettle"], max_tokens=16)
    assert rows[0] @ rows[1] == pytest.approx(1.0, abs=1e-6)


async def test_card_names_the_weights() -> None:
    encoder = OnnxEncoder("package:minilm-en", {"max_tokens": 64})
    await encoder.load()
    card = encoder.card()
    await encoder.close()
    model = resolve("package:minilm-en", (".onnx",))
    assert (card.name, card.dimension, card.max_tokens) == ("minilm-en", 384, 64)
    assert card.version == model.sha256[model.one(".onnx")]


def test_an_unknown_option_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match=r"treads.*threads"):
        OnnxEncoder("package:minilm-en", {"treads": 2})


async def test_a_folder_with_a_card_is_a_model(tmp_path: Path) -> None:
    folder = copy_of_minilm(tmp_path)
    rows = await embed(f"path:{folder}", ["hello"])
    np.testing.assert_array_equal(rows, await embed("package:minilm-en", ["hello"]))


async def test_damaged_weights_are_refused_in_one_sentence(tmp_path: Path) -> None:
    folder = copy_of_minilm(tmp_path)
    with (folder / "model.onnx").open("r+b") as stream:
        stream.seek(5_000_000)
        stream.write(b"damage")
    with pytest.raises(BadInstallation, match=r"model\.onnx of model .* is damaged") as caught:
        await embed(f"path:{folder}", ["hello"])
    assert "\n" not in caught.value.sentence


async def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    folder = copy_of_minilm(tmp_path)
    (folder / "model.onnx").write_bytes(b"not a model")
    card = {"files": [{"path": "model.onnx", "sha256": digest(b"not a model")}, *files(folder)[1:]]}
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(BadInstallation, match="cannot be loaded"):
        await embed(f"path:{folder}", ["hello"])


def copy_of_minilm(tmp_path: Path) -> Path:
    model = resolve("package:minilm-en", (".onnx", "tokenizer.json"))
    for path in model.files.values():
        shutil.copy(path, tmp_path)
    (tmp_path / "card.json").write_text(json.dumps({"files": files(tmp_path), "max_tokens": 256}))
    return tmp_path


def files(folder: Path) -> list[dict[str, str]]:
    return [{"path": name, "sha256": digest((folder / name).read_bytes())} for name in ("model.onnx", "tokenizer.json")]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Gated:
    """A stand-in for a model whose runs are let through one by one."""

    def __init__(self) -> None:
        self.ran: list[list[str]] = []
        self.begun = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)

    def __call__(self, texts: list[str]) -> Matrix:
        self.ran.append(list(texts))
        self.begun.release()
        assert self.gate.acquire(timeout=30)
        if "bad" in texts:
            raise ValueError("bad text")
        return np.array([[float(len(text))] for text in texts], np.float32)

    def open(self) -> None:
        self.gate.release(10_000)


@pytest.fixture
def model() -> Gated:
    return Gated()


def runs_of(model: Gated, *, batch: int = 16, queue: int = 100) -> Runs:
    return Runs(model, dimension=1, batch=batch, queue=queue)


def occupy(runs: Runs, model: Gated) -> "Future[Matrix]":
    """Start one run and leave it in progress."""
    future = runs.query("first")
    assert model.begun.acquire(timeout=30)
    return future


def test_queries_go_before_passages_that_came_earlier(model: Gated) -> None:
    runs = runs_of(model)
    occupy(runs, model)
    ingest = runs.passages(["p" * 300] * 8)
    query = runs.query("q")
    model.open()
    assert query.result(30).tolist() == [[1.0]]
    assert ingest.result(30).shape == (8, 1)
    assert model.ran[1] == ["q"]
    runs.close()


def test_passages_are_cut_into_short_runs_of_like_length(model: Gated) -> None:
    runs = runs_of(model)
    model.open()
    texts = ["a" * 900, "b", "c" * 90, "d" * 95, "e"] * 3
    rows = runs.passages(texts).result(30)
    assert rows[:, 0].tolist() == [len(text) for text in texts]
    assert max(len(run) for run in model.ran) <= 8
    assert all(max(map(len, run)) + 1 <= 2 * (min(map(len, run)) + 1) for run in model.ran)
    assert all(len(run) == 1 for run in model.ran if len(run[0]) == 900)
    runs.close()


def test_what_arrives_during_a_run_shares_the_next(model: Gated) -> None:
    runs = runs_of(model, batch=4)
    occupy(runs, model)
    futures = [runs.query(f"question {number}") for number in range(5)]
    model.open()
    assert [future.result(30).shape for future in futures] == [(1, 1)] * 5
    assert [len(run) for run in model.ran] == [1, 4, 1]
    runs.close()


def test_a_stream_of_queries_does_not_stop_ingest(model: Gated) -> None:
    runs = runs_of(model, batch=1, queue=1000)
    occupy(runs, model)
    ingest = runs.passages(["passage"])
    queries = [runs.query("q") for _ in range(QUERIES_BEFORE_PASSAGES * 2)]
    model.open()
    ingest.result(30)
    queries[-1].result(30)
    assert model.ran.index(["passage"]) <= QUERIES_BEFORE_PASSAGES + 1
    runs.close()


def test_a_full_queue_is_busy(model: Gated) -> None:
    runs = runs_of(model, queue=2)
    occupy(runs, model)
    runs.query("one")
    runs.query("two")
    with pytest.raises(Busy) as caught:
        runs.query("three")
    assert caught.value.retry_after >= 1
    model.open()
    runs.close()


def test_an_error_belongs_to_its_caller_only(model: Gated) -> None:
    runs = runs_of(model, batch=1)
    model.open()
    bad, good = runs.query("bad"), runs.query("good")
    with pytest.raises(ValueError, match="bad text"):
        bad.result(30)
    assert good.result(30).tolist() == [[4.0]]
    with pytest.raises(ValueError, match="bad text"):
        runs.passages(["fine", "bad"]).result(30)
    assert runs.query("still").result(30).tolist() == [[5.0]]
    runs.close()


def test_cancelled_work_is_not_done(model: Gated) -> None:
    runs = runs_of(model, batch=1)
    occupy(runs, model)
    query, ingest, last = runs.query("gone"), runs.passages(["gone too"]), runs.query("last")
    assert query.cancel()
    assert ingest.cancel()
    model.open()
    last.result(30)
    runs.close()
    assert [text for run in model.ran for text in run] == ["first", "last"]


def test_closing_ends_what_waits(model: Gated) -> None:
    runs = runs_of(model)
    running = occupy(runs, model)
    waiting, ingest = runs.query("waiting"), runs.passages(["passage"])
    model.open()
    runs.close()
    assert running.result(30).tolist() == [[5.0]]
    for future in (waiting, ingest):
        if not isinstance(future.exception(30), Unavailable):
            assert future.result(30).shape == (1, 1)  # it was taken before the door closed
    with pytest.raises(Unavailable):
        runs.query("late")

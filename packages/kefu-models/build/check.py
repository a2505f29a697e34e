"""Measure the built encoders against their fp32 sources: python check.py --data FOLDER [--model NAME]

FOLDER holds the developers' data: banking77, doc2dial and bitext in English, crosswoz and the TiDB FAQ in Chinese.
"""

import argparse
import csv
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from encoders import Encoder, load_encoder
from fetch import PACKAGE, read_card
from tokenizers import Tokenizer

Vectors = npt.NDArray[np.float32]
Encode = Callable[[list[str]], Vectors]
SECONDS = 5.0  # of processor time for each speed
BATCH = 16  # for texts that are run together
TIDB = "helpcentre_zh/tidb_faq_zh.csv"
Item = TypeVar("Item")


@dataclass(frozen=True)
class Faq:
    """Questions, the answers they are searched in, and the index of each question's own answer."""

    name: str
    questions: list[str]
    answers: list[str]
    own: list[int]


def main() -> None:
    """Print size, fidelity, speed and FAQ accuracy of both models, or of the one named."""
    models = {"minilm-en": _check_minilm, "e5-small-zh-en": _check_e5}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", choices=models)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for name in [given.model] if given.model else models:
        models[name](given.data)


def _check_minilm(data: Path) -> None:
    english = _english(data)
    check("minilm-en", load_encoder("minilm-en"), english, english[:100], [_bitext(data)])


def _check_e5(data: Path) -> None:
    english, chinese = _english(data), _chinese(data)
    check(
        "e5-small-zh-en",
        load_encoder("e5-small-zh-en"),
        english[::2] + chinese[::2],
        chinese[:100],
        [_tidb(data), _bitext(data)],
    )


def check(name: str, source: Encoder, texts: list[str], messages: list[str], faqs: list[Faq]) -> None:
    """Print one model's figures; `source` is its fp32 form before anything was rounded."""
    card = read_card(name)
    query, passage = card["query_prefix"], card["passage_prefix"]
    int8, fp32 = open_int8(name), _torch_encode(source)
    print(f"\n{name}", flush=True)
    for file in sorted((PACKAGE / name).iterdir()):
        print(f"  {file.name:16}{file.stat().st_size / 1e6:8.2f} MB")
    alone = _prefixed(int8, query, texts, size=1)
    print(f"  cosine over {len(texts)} texts, int8 to fp32: {_cosines(alone, _prefixed(fp32, query, texts))}")
    print(f"  cosine of a text alone to itself in a batch of {BATCH}: {_cosines(alone, _prefixed(int8, query, texts))}")
    for size in (1, 32):
        print(f"  batch {size:2}, 1 thread: {_speed(int8, query, messages, size):6.0f} texts/s")
    for faq in faqs:
        print(f"  {faq.name}, {len(faq.questions)} questions: {_compare(int8, fp32, faq, query, passage)}")


def open_int8(name: str) -> Encode:
    """Return the built model, on one thread, as a function from texts to unit vectors."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(PACKAGE / name / "model.onnx", options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(PACKAGE / name / "tokenizer.json"))

    def encode(texts: list[str]) -> Vectors:
        ids, mask = _tokens(tokenizer, texts)
        vectors: Vectors = session.run(["sentence_embedding"], {"input_ids": ids, "attention_mask": mask})[0]
        return vectors

    return encode


def _torch_encode(encoder: Encoder) -> Encode:
    def encode(texts: list[str]) -> Vectors:
        ids, mask = _tokens(encoder.tokenizer, texts)
        with torch.inference_mode():
            vectors: Vectors = encoder.module(torch.tensor(ids), torch.tensor(mask)).numpy()
        return vectors

    return encode


def _tokens(tokenizer: Tokenizer, texts: list[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    encodings = tokenizer.encode_batch(texts)
    ids = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
    return ids, np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)


def _prefixed(encode: Encode, prefix: str, texts: list[str], size: int = BATCH) -> Vectors:
    whole = [prefix + text for text in texts]
    return np.concatenate([encode(whole[start : start + size]) for start in range(0, len(whole), size)])


def _cosines(left: Vectors, right: Vectors) -> str:
    low, median = np.percentile((left * right).sum(axis=1), [5, 50])
    return f"median {median:.4f}, p5 {low:.4f}"


def _speed(encode: Encode, prefix: str, messages: list[str], size: int) -> float:
    whole = sorted((prefix + message for message in messages), key=len)  # a batch pads to its longest
    done, batches = 0, _batches(whole, size)
    encode(next(batches))  # the first run plans memory
    started = time.process_time()  # not the clock on the wall, which counts a busy neighbour's work too
    while time.process_time() - started < SECONDS:
        encode(next(batches))
        done += size
    return done / (time.process_time() - started)


def _batches(messages: list[str], size: int) -> Iterator[list[str]]:
    endless = cycle(messages)
    while True:
        yield list(islice(endless, size))


def _compare(int8: Encode, fp32: Encode, faq: Faq, query: str, passage: str) -> str:
    ours, theirs = (_hits(encode, faq, query, passage) for encode in (int8, fp32))
    only = f"right only in int8 {(ours & ~theirs).sum()}, only in fp32 {(theirs & ~ours).sum()}"
    return f"top-1 int8 {ours.mean():.3f}, fp32 {theirs.mean():.3f}; {only}"


def _hits(encode: Encode, faq: Faq, query: str, passage: str) -> npt.NDArray[np.bool_]:
    """Return which questions find their own answer first; each text is run alone, as Kefu runs these models."""
    scores = _prefixed(encode, query, faq.questions, size=1) @ _prefixed(encode, passage, faq.answers, size=1).T
    return np.asarray(scores.argmax(axis=1) == np.array(faq.own))


def _english(data: Path) -> list[str]:
    messages = [row["text"] for row in _rows(data / "intent_en/banking77_valid.csv")]
    with (data / "helpcentre_en/doc2dial_passages.jsonl").open(encoding="utf-8") as lines:
        passages = [json.loads(line)["text"].strip() for line in lines]
    return _spread(messages, 150) + _spread(passages, 150)


def _chinese(data: Path) -> list[str]:
    messages = [row["text"] for row in _rows(data / "intent_zh/crosswoz_user_acts_val.csv")]
    return _spread(messages, 150) + _spread([row["answer"] for row in _rows(data / TIDB)], 150)


def _tidb(data: Path) -> Faq:
    rows = _rows(data / TIDB)
    return Faq("TiDB FAQ (zh)", [row["question"] for row in rows], [row["answer"] for row in rows], [*range(len(rows))])


def _bitext(data: Path) -> Faq:
    answers = {row["intent"]: row["answer"] for row in _rows(data / "ecommerce_en/bitext_faq_27.csv")}
    asked = [row for row in _rows(data / "ecommerce_en/bitext_support.csv") if row["intent"] in answers]
    questions = _spread(asked, 500)
    own = [list(answers).index(row["intent"]) for row in questions]
    return Faq("bitext FAQ (en)", [row["instruction"] for row in questions], list(answers.values()), own)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _spread(items: list[Item], count: int) -> list[Item]:
    """Return that many items, evenly spaced, so that every run measures the same ones."""
    return [items[index * len(items) // count] for index in range(count)]


if __name__ == "__main__":
    main()

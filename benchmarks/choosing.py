"""How many labels choosing saves: python benchmarks/choosing.py --data DIR

CLINC150's training file is a pool without labels. A first draw of 150 texts is labelled, then 150 more a round, chosen
by each strategy, up to 3,000; after each round a head learns from them and is measured on the validation file. Prints
accuracy by labels, and how many labels each strategy needs for what random draws reach in the end, the mean of three
seeds. Self-training is measured beside: a head on 10 texts a label, then on those and what head and floor agree on.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kefu.contracts.engine import Matrix
from kefu.factory.data.read import read
from kefu.factory.data.select import STRATEGIES, Pool, guessed, select
from kefu.factory.recipes.head.recipe import Head, fit_head
from kefu.factory.vectors import encode

RESULTS = Path(__file__).parent / "results" / "factory" / "choosing.json"
REGULARISATION = 30.0  # the head's own
ROUND, MOST = 150, 3000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with intent_en")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    train, valid = (rows_of(given.data / f"intent_en/clinc150_{name}.csv") for name in ("train", "val"))
    vectors = [encode("package:minilm-en", texts, threads=given.threads)[0] for texts, _ in (train, valid)]
    labels = sorted(set(train[1]))
    pool = Field(vectors[0], np.array([labels.index(each) for each in train[1]]))
    judged = Field(vectors[1], np.array([labels.index(each) for each in valid[1]]))
    strategies = [each for each in STRATEGIES if each != "committee"]
    curves = {each: mean_curve(pool, judged, each, given.seeds) for each in strategies}
    show(curves)
    taught = self_training(train, pool, judged, given.seeds)
    print(
        f"\nSelf-training, 10 a label: {taught['alone']:.3f} alone, {taught['after']:.3f} with {taught['guessed']:.0f} "
    )
    print(f"guessed texts, of which {taught['right']:.3f} are right.")
    RESULTS.write_text(json.dumps({"round": ROUND, "curves": curves, "self_training": taught}, indent=1) + "\n")


class Field:
    """Vectors [n, d] and the label of each."""

    def __init__(self, vectors: Matrix, labels: np.ndarray) -> None:
        self.vectors, self.labels = vectors, labels


def rows_of(path: Path) -> tuple[list[str], list[str]]:
    rows = [each for each in read(path).examples if each.label is not None]
    return [each.text for each in rows], [str(each.label) for each in rows]


def mean_curve(pool: Field, judged: Field, strategy: Any, seeds: int) -> list[float]:
    return np.mean([curve(pool, judged, strategy, seed) for seed in range(seeds)], axis=0).round(4).tolist()


def curve(pool: Field, judged: Field, strategy: Any, seed: int) -> list[float]:
    """Accuracy after each round, the first being of the random draw that all strategies begin with."""
    known = np.random.default_rng(seed).permutation(len(pool.labels))[:ROUND].tolist()
    found = []
    while True:
        head, names = learnt(pool, known)
        found.append(accuracy(head, names, judged))
        if len(known) >= MOST:
            return found
        left = np.setdiff1d(np.arange(len(pool.labels)), known)
        seen = Pool(
            tuple(map(str, left)), shares(head, pool.vectors[left])[None], pool.vectors[left], pool.vectors[known]
        )
        known += [int(left[each.place]) for each in select(seen, ROUND, strategy, seed=seed + len(known))]


def learnt(pool: Field, known: Sequence[int]) -> tuple[Head, np.ndarray]:
    names = [f"{each:03}" for each in pool.labels[known]]
    return fit_head(pool.vectors[known], names, regularisation=REGULARISATION, seed=0), np.array(
        sorted(set(names)), int
    )


def shares(head: Head, vectors: Matrix) -> Matrix:
    logits = (vectors - head.mean) @ head.weight.T + head.bias
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def accuracy(head: Head, names: np.ndarray, judged: Field) -> float:
    return float((names[shares(head, judged.vectors).argmax(axis=1)] == judged.labels).mean())


def self_training(train: tuple[list[str], list[str]], pool: Field, judged: Field, seeds: int) -> dict[str, float]:
    """A head on 10 texts a label, and one on these and what head and letters agree on."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    found = []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(pool.labels))
        known = np.concatenate([order[pool.labels[order] == label][:10] for label in np.unique(pool.labels)])
        head, names = learnt(pool, known)
        left = np.setdiff1d(np.arange(len(pool.labels)), known)
        letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
        floor = LogisticRegression(C=30.0, max_iter=200).fit(
            letters.fit_transform([train[0][at] for at in known]), pool.labels[known]
        )
        beside = floor.predict_proba(letters.transform([train[0][at] for at in left]))
        both = np.stack([shares(head, pool.vectors[left]), beside.astype(np.float32)])
        sure = guessed(Pool(tuple(map(str, left)), both, pool.vectors[left], pool.vectors[:0]), confidence=0.2)
        chosen = [int(left[each.place]) for each in sure]
        meant = np.array([int(names[each.label]) for each in sure])
        more = Field(
            np.concatenate([pool.vectors[known], pool.vectors[chosen]]), np.concatenate([pool.labels[known], meant])
        )
        after = learnt(more, range(len(more.labels)))
        right = float((meant == pool.labels[chosen]).mean())
        found.append([accuracy(head, names, judged), accuracy(*after, judged), len(chosen), right])
    alone, after_all, count, share = np.mean(found, axis=0)
    return {"alone": float(alone), "after": float(after_all), "guessed": float(count), "right": share}


def show(curves: dict[str, list[float]]) -> None:
    marks = [300, 600, 900, 1200, 1500, 2100, 3000]
    print("| chosen by | " + " | ".join(f"{mark:,}" for mark in marks) + " | labels for random's last | saved |")
    print("|" + " --- |" * (len(marks) + 3))
    last = curves["random"][-1]
    for name, values in sorted(curves.items(), key=lambda each: -each[1][-1]):
        needed = next(((at + 1) * ROUND for at, value in enumerate(values) if value >= last), MOST)
        cells = " | ".join(f"{values[mark // ROUND - 1]:.3f}" for mark in marks)
        print(f"| {name} | {cells} | {needed:,} | {1 - needed / MOST:.0%} |")


if __name__ == "__main__":
    main()

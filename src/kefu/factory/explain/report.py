"""Explanations of a file's texts, and whether the words they name are the ones that told: the job `explain`.

Faithfulness is measured by deleting: without its weightiest fifth of words a text must lose more of its label's share
than without as many words drawn at random (DeYoung 2020 calls it comprehensiveness). A picture's words are its cells.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kefu.contracts.engine import Classifier
from kefu.contracts.job import Job, Tell, Told
from kefu.contracts.model_card import CARD_FILE, ModelCard, read_card
from kefu.factory.evaluate.exam import texts_of
from kefu.factory.evaluate.report import write_json
from kefu.factory.explain.methods import (
    METHODS,
    PICTURE,
    Asked,
    Method,
    Part,
    asked,
    left_out,
    method_of,
    plain,
    weighable,
)
from kefu.factory.explain.words import Word
from kefu.kit import registry
from kefu.kit.errors import BadInput
from kefu.kit.runtime import run
from kefu.knowledge.pictures import is_picture

REPORT = "explanations.json"
# Of a text's words, the share that is deleted; at least one.
DELETED = 0.2
_DRAWS = 5
# Words that are named for a label.
_NAMED = 12


class ExplainOptions(BaseModel):
    """Options of the job."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str = Field(default="occlusion", description=", ".join(METHODS))
    rows: int = Field(default=100, ge=1, le=100_000, description="texts, spread over the file")
    seed: int = Field(default=0, ge=0)
    record: bool = Field(default=False, description="whether the card is told")


@dataclass(frozen=True)
class Explained:
    """Why a text got its label: `weights` are by word, above 0 for it and below against it; or by a picture's cell."""

    text: str
    label: str
    share: float
    words: tuple[Part, ...]
    weights: tuple[float, ...]

    def table(self) -> dict[str, Any]:
        """For JSON: words, or cells, with their places, in the text's order."""
        weighed = list(zip(self.words, self.weights, strict=True))
        words = [{**asdict(word), "weight": weight} for word, weight in weighed if isinstance(word, Word)]
        cells = [{**asdict(cell), "weight": weight} for cell, weight in weighed if not isinstance(cell, Word)]
        told = {"text": self.text, "label": self.label, "confidence": round(self.share, 6), "words": words}
        return {**told, "cells": cells} if cells else told


@contextmanager
def explainer(folder: Path, method: str, *, seed: int = 0) -> Iterator["Explainer"]:
    """An explainer of the model in a folder. Raises BadInput for a model that tells no labels."""
    card = read_card(folder)
    if card.task != "classify":
        raise BadInput(f"{card.name} tells no labels, so there is none to explain: its task is {card.task}.")
    engine = registry.load("engines", "classifier", Classifier)(f"path:{folder}", {})
    run(engine.load())
    try:
        ask = asked(engine, card)
        yield Explainer(card, ask, method_of(method, folder, card, ask, seed=seed))
    finally:
        run(engine.close())


class Explainer:
    """Explains what one model says, by one method."""

    def __init__(self, card: ModelCard, ask: Asked, method: Method) -> None:
        self.card, self.ask, self._method = card, ask, method

    def explain(self, text: str) -> Explained:
        """Why the text gets the label that it gets.

        Raises BadInput for a text without words, a picture before a model of texts, and a text before one of pictures.
        """
        if is_picture(text) != (self.card.runtime == PICTURE):
            reads = "pictures, and this is a text" if self.card.runtime == PICTURE else "texts, and this is a picture"
            raise BadInput(f"{self.card.name} reads {reads}.", model=self.card.name)
        words = weighable(text)
        shares = self.ask([text])[0]
        label = int(shares.argmax())
        weights = self._method(text, words, label)
        return Explained(text, self.card.labels[label], float(shares[label]), words, tuple(plain(weights)))


def explain(job: Job, tell: Tell) -> Mapping[str, Any]:
    """Explain the texts of `job.data`; explanations.json goes to `job.out` or the model's folder.

    Gives the words that told most for each label, and how faithful the method is to the model.
    """
    for name in ("model", "data"):
        if not getattr(job, name):
            raise BadInput(f"An explanation needs {name}.", missing=name)
    options = _options(job.options)
    texts = texts_of(Path(job.data))
    chosen = texts[:: max(1, len(texts) // options.rows)][: options.rows]
    folder = Path(job.model)
    tell(Told.STARTED, {"kind": "explain", "rows": len(chosen), "labels": len(read_card(folder).labels)})
    with explainer(folder, options.method, seed=options.seed) as by:
        found = []
        for done, text in enumerate(chosen, start=1):
            if words_left(text):
                found.append(by.explain(text))
            tell(Told.PROGRESS, {"done": done, "total": len(chosen), "unit": "texts"})
        if not found:
            raise BadInput("No text of the file holds a word.", data=job.data)
        faith = faithfulness(found, by.ask, by.card, seed=options.seed)
    table = {
        "method": options.method,
        **faith,
        "labels": telling_words(found),
        "texts": [each.table() for each in found],
    }
    out = Path(job.out) if job.out else folder
    if out.is_dir() or job.out:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / REPORT, table)
    if options.record:
        _record(folder, options.method, faith)
    of_pictures = is_picture(found[0].text)
    tell(Told.NOTE, {"sentence": _said(options.method, faith, of_pictures=of_pictures)})
    return {"method": options.method, **faith, "labels": table["labels"], "report": str(out / REPORT)}


def faithfulness(found: Sequence[Explained], ask: Asked, card: ModelCard, *, seed: int = 0) -> dict[str, float]:
    """What labels lose, in the mean, without the weightiest words and without as many at random."""
    chance = np.random.default_rng(seed)
    top, drawn = [], []
    for each in found:
        many = max(1, round(DELETED * len(each.words)))
        if many >= len(each.words):
            continue
        best = set(np.argsort(-np.array(each.weights))[:many].tolist())
        draws = [set(chance.choice(len(each.words), many, replace=False).tolist()) for _ in range(_DRAWS)]
        cut = [left_out(each.text, each.words, gone) for gone in (best, *draws)]
        lost = each.share - ask(cut)[:, card.labels.index(each.label)]
        top.append(float(lost[0]))
        drawn.append(float(lost[1:].mean()))
    if not top:
        return {"lost_without_top_words": 0.0, "lost_without_random_words": 0.0, "texts_measured": 0}
    return {
        "lost_without_top_words": round(float(np.mean(top)), 4),
        "lost_without_random_words": round(float(np.mean(drawn)), 4),
        "texts_measured": len(top),
    }


def telling_words(found: Sequence[Explained]) -> dict[str, list[dict[str, Any]]]:
    """For each label the words that spoke most for it, by their mean weight times how often they stood there."""
    summed: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for each in found:
        for word, weight in zip(each.words, each.weights, strict=True):
            summed[each.label][word.text.casefold()].append(weight)
    return {
        label: [
            {"word": word, "weight": round(float(np.mean(weights)), 4), "texts": len(weights)}
            for word, weights in sorted(words.items(), key=lambda pair: -sum(pair[1]))[:_NAMED]
            if sum(weights) > 0
        ]
        for label, words in sorted(summed.items())
    }


def words_left(text: str) -> bool:
    """Whether there is a word to weigh."""
    try:
        return bool(weighable(text))
    except BadInput:
        return False


def _said(method: str, faith: Mapping[str, float], *, of_pictures: bool) -> str:
    parts, whole = ("cells", "pictures") if of_pictures else ("words", "texts")
    return (
        f"By {method}: without their weightiest fifth of {parts}, {whole} lose {faith['lost_without_top_words']:.3f} "
        f"of their label's share, without as many at random {faith['lost_without_random_words']:.3f}."
    )


def _record(folder: Path, method: str, faith: Mapping[str, float]) -> None:
    card = read_card(folder)
    told = {
        f"faithfulness_{method}": faith["lost_without_top_words"],
        "faithfulness_random": faith["lost_without_random_words"],
    }
    partial = folder / f"{CARD_FILE}.partial"
    partial.write_text(replace(card, metrics={**card.metrics, **told}).to_json(), encoding="utf-8")
    partial.replace(folder / CARD_FILE)


def _options(given: Mapping[str, Any]) -> ExplainOptions:
    try:
        return ExplainOptions(**given)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"Option {'.'.join(map(str, first['loc']))} of an explanation: {first['msg']}.") from None

"""Looking through texts that nobody labelled as jobs, for whoever may not wait for it: the console."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kefu.contracts.dataset import Dataset, Example
from kefu.contracts.job import Job, Tell, Told
from kefu.factory.data.pool import pool_of, quick_models
from kefu.factory.data.read import dataset_of, read, write
from kefu.factory.data.select import Pool, Strategy, guessed
from kefu.factory.data.select import select as chosen
from kefu.factory.evaluate.exam import texts_of
from kefu.kit.errors import BadInput

CHOSEN = "chosen.jsonl.gz"


class SelectOptions(BaseModel):
    """Options of a selection: how many texts, chosen how, through which models (folders, with commas)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget: int = Field(default=100, ge=1, le=100_000)
    by: Strategy = "margin"
    models: str = ""
    seed: int = Field(default=0, ge=0)


class GuessOptions(BaseModel):
    """Options of a self-training's labels: how sure every model must be, and the most of each label, 0 for all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    confidence: float = Field(default=0.9, gt=0, le=1)
    most_per_label: int = Field(default=0, ge=0)
    models: str = ""


def select(job: Job, tell: Tell) -> Mapping[str, Any]:
    """Write the texts of `job.data` that are worth labelling first, with a model's guess as their label.

    `job.valid` is what is labelled already; without models one learns from it. Raises BadInput.
    """
    try:
        options = SelectOptions(**job.options)
    except ValidationError as error:
        raise _bad(error) from None
    recipes = ("head", "linear") if options.by == "committee" else ("head",)
    with _seen(job, options.models, recipes, tell) as (pool, labels):
        picks = chosen(pool, options.budget, options.by, seed=options.seed)
    found = [Example(each.text, labels[each.guess], row) for row, each in enumerate(picks, start=1)]
    _write(job, found)
    return {"pool": len(pool.texts), "chosen": len(picks)}


def guess(job: Job, tell: Tell) -> Mapping[str, Any]:
    """Write what is labelled in `job.valid` and, beside it, the texts of `job.data` that all models label alike.

    Raises BadInput.
    """
    try:
        options = GuessOptions(**job.options)
    except ValidationError as error:
        raise _bad(error) from None
    known = read(Path(job.valid)).examples if job.valid else ()
    with _seen(job, options.models, ("head", "linear"), tell) as (pool, labels):
        made = guessed(pool, confidence=options.confidence, most_per_label=options.most_per_label)
    own = [each for each in known if each.label is not None]
    found = [*own, *(Example(each.text, labels[each.label], len(own) + row) for row, each in enumerate(made, start=1))]
    _write(job, found)
    return {"pool": len(pool.texts), "labelled": len(own), "guessed": len(made)}


@contextmanager
def _seen(job: Job, models: str, recipes: Sequence[str], tell: Tell) -> Iterator[tuple[Pool, tuple[str, ...]]]:
    folders = [Path(each.strip().removeprefix("path:")) for each in models.split(",") if each.strip()]
    known: Dataset | None = read(Path(job.valid)) if job.valid else None
    if not folders and known is None:
        raise BadInput("Name a model, or the labelled texts that one is to learn from.", missing="models")
    texts = texts_of(Path(job.data))
    tell(Told.STARTED, {"kind": job.kind, "rows": len(texts), "labels": len(known.labels) if known else 0})
    if folders:
        yield pool_of(texts, folders, known)
        return
    assert known is not None
    with quick_models(known, recipes) as made:
        yield pool_of(texts, made, known)


def _write(job: Job, found: Sequence[Example]) -> None:
    if not found:
        raise BadInput("The models agree on no text so surely; lower the confidence.", option="confidence")
    write(dataset_of(found, mapping={"text": "text", "label": "guess"}, format="jsonl"), Path(job.out) / CHOSEN)


def _bad(error: ValidationError) -> BadInput:
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    return BadInput(f"Option {name!r}: {first['msg']}.", option=name)

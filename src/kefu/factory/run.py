"""Doing a job: the data is read, the recipe or the bench called, and what happens is told."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Recipe, Tell, Told
from kefu.contracts.model_card import ModelCard
from kefu.factory.data.read import read
from kefu.factory.data.split import split
from kefu.factory.data.version import keep
from kefu.kit import registry
from kefu.kit.errors import BadInput

# Of a training file that comes without a validation file; the rest is trained on.
_VALIDATION = 0.1


def run(job: Job, tell: Tell) -> ModelCard | Mapping[str, Any]:
    """Do a job and give the model's card, or the report of an evaluation.

    Raises BadInput for data, options or paths that cannot be used, MissingExtra without what a recipe needs.
    """
    if job.kind == "train":
        return _train(job, tell)
    if job.kind == "evaluate":
        from kefu.factory.evaluate.bench import evaluate

        return evaluate(job, tell)
    if job.kind == "compress":
        from kefu.factory.compress.ladder import compress

        return compress(job, tell)
    from kefu.factory.export import export

    return export(job, tell)


def _train(job: Job, tell: Tell) -> ModelCard:
    for name in ("recipe", "data", "out"):
        if not getattr(job, name):
            raise BadInput(f"A training needs {name}.", missing=name)
    # Constructed first: a wrong option is told before a large file is read.
    recipe = registry.load("recipes", job.recipe, Recipe)(job.options)
    data, valid = _data(job, tell)
    tell(Told.STARTED, {"kind": "train", "recipe": job.recipe, "rows": len(data.examples), "labels": len(data.labels)})
    out = Path(job.out)
    _may_write(out, resume=job.resume)
    keep(data, out / "data", name="train")
    keep(valid, out / "data", name="valid")
    card = recipe.train(job, data, valid, tell)
    from kefu.factory.evaluate.bench import judged_and_reported

    return judged_and_reported(out, card, valid, tell)


def _data(job: Job, tell: Tell) -> tuple[Dataset, Dataset]:
    data = read(Path(job.data))
    tell(Told.NOTE, {"sentence": f"{job.data}: {data.format}, {_mapping(data)}, {len(data.examples)} rows."})
    if job.valid:
        return data, read(Path(job.valid))
    kept, valid = split(data, (1 - _VALIDATION, _VALIDATION), seed=int(job.options.get("seed", 0)))
    tell(
        Told.NOTE, {"sentence": f"No validation file: {len(valid.examples)} rows of the training file are kept apart."}
    )
    return kept, valid


def _mapping(data: Dataset) -> str:
    return ", ".join(f"{meaning} from {column}" for column, meaning in data.mapping.items())


def _may_write(out: Path, *, resume: bool) -> None:
    """Raises BadInput when a folder holds something that is no unfinished training."""
    if out.is_file():
        raise BadInput(f"{out} is a file; --out takes a folder.", out=str(out))
    if out.is_dir() and any(out.iterdir()) and not resume and not (out / "events.jsonl").exists():
        raise BadInput(f"{out} is not empty and holds no model of Kefu's; choose another folder.", out=str(out))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror}.", out=str(out)) from error


def with_options(job: Job, options: Mapping[str, Any]) -> Job:
    """The job with these options on top of its own."""
    return replace(job, options={**job.options, **options})

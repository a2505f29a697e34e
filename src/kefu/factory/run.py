"""Doing a job: the data is read, the recipe or the bench called, and what happens is told."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Recipe, Tell, Told
from kefu.contracts.model_card import CARD_FILE, ModelCard
from kefu.factory.data.split import split
from kefu.factory.data.version import combined, keep, kept
from kefu.factory.language.corpus import kept_apart, read_as
from kefu.factory.task import shared
from kefu.factory.tracking.follow import followed, trackers
from kefu.kit import registry
from kefu.kit.errors import BadInput
from kefu.knowledge.labels.read import SHOWN, told
from kefu.knowledge.pairs import has_passages, pairs_of
from kefu.knowledge.pictures import is_picture
from kefu.knowledge.tagging.rows import has_slots, slots_of, tagged_rows

# Options of recipes that read texts; a picture's text would be learnt letter by letter.
_OF_TEXTS = {"base_model", "max_tokens", "features", "encoder"}
# Of a training file that comes without a validation file; the rest is trained on.
_VALIDATION = 0.1


def run(job: Job, tell: Tell) -> ModelCard | Mapping[str, Any]:
    """Do a job and give the model's card, or the report of an evaluation.

    Raises BadInput for data, options or paths that cannot be used, MissingExtra without what a recipe needs.
    """
    if job.kind == "train":
        return _train(job, tell)
    module, name = _BENCHES[job.kind]
    bench: Callable[[Job, Tell], Mapping[str, Any]] = getattr(import_module(module), name)
    return bench(job, tell)


# By the kind of job, where it is done: imported then, since most need what others do not.
_BENCHES: Mapping[str, tuple[str, str]] = {
    "evaluate": ("kefu.factory.evaluate.bench", "evaluate"),
    "compress": ("kefu.factory.compress.ladder", "compress"),
    "export": ("kefu.factory.export", "export"),
    "tune": ("kefu.factory.tuning.study", "tune"),
    "trial": ("kefu.factory.language.trial", "trial"),
    "explain": ("kefu.factory.explain.report", "explain"),
    "check": ("kefu.factory.data.bench", "check"),
    "clean": ("kefu.factory.data.bench", "clean"),
    "split": ("kefu.factory.data.bench", "split"),
    "select": ("kefu.factory.data.choosing", "select"),
    "guess": ("kefu.factory.data.choosing", "guess"),
}


def _train(job: Job, tell: Tell) -> ModelCard:
    for name in ("recipe", "data", "out"):
        if not getattr(job, name):
            raise BadInput(f"A training needs {name}.", missing=name)
    # Made first: a wrong option or a missing extra is told before a large file is read.
    recipe, found = registry.load("recipes", job.recipe, Recipe)(job.options), trackers()
    out = Path(job.out)
    _may_write(out, resume=job.resume)
    data, valid = _data(job, tell)
    _refuse_unmeasurable(job, valid)
    _make(out)
    names = data.labels or (slots_of(tagged_rows(data, "the data")) if has_slots(data) else ())
    tell(Told.STARTED, {"kind": "train", "recipe": job.recipe, "rows": len(data.examples), "labels": len(names)})
    keep(data, out / "data", name="train")
    keep(valid, out / "data", name="valid")
    from kefu.factory.evaluate.bench import judged_and_reported

    with followed(tell, job, found) as following, shared(job, data, valid):
        card = recipe.train(job, data, valid, following)
        card = judged_and_reported(out, card, valid, following, extended=Path(job.extend) if job.extend else None)
        following.finish(card, out)
    return card


def _data(job: Job, tell: Tell) -> tuple[Dataset, Dataset]:
    data, roles = _read(job, job.data, tell), registry.manifests("recipes")[job.recipe].roles
    tell(Told.NOTE, {"sentence": f"{Path(job.data).name}: {data.format}, {_mapping(data)}, {len(data.examples)} rows."})
    if job.valid:
        valid = _read(job, job.valid, tell)
    elif "language" in roles:
        data, valid = kept_apart(data, seed=int(job.options.get("seed", 0)))
        tell(Told.NOTE, {"sentence": f"No validation file: {len(valid.examples)} texts are kept apart."})
    elif "generate" in roles or _can_spare(data) or has_slots(data) or has_passages(data):
        data, valid = split(data, (1 - _VALIDATION, _VALIDATION), seed=int(job.options.get("seed", 0)))
        apart = f"{len(valid.examples)} rows of the training file are kept apart."
        tell(Told.NOTE, {"sentence": f"No validation file: {apart}"})
    else:
        valid = data
        if data.labels:  # else it is refused, and not for want of rows
            tell(Told.NOTE, {"sentence": "Too few rows to keep some apart: its figures are on what it was taught."})
    # What was known before is calibrated on and judged, too.
    earlier = kept(Path(job.extend) / "data", name="valid") if job.extend else None
    return data, valid if earlier is None else combined(earlier, valid)


def _read(job: Job, path: str, tell: Tell) -> Dataset:
    """A file of the job's; rows that are left out are told."""
    data = read_as(job.recipe, Path(path), skip_bad=job.skip_bad)
    for bad in data.bad[:SHOWN]:
        tell(Told.NOTE, {"sentence": f"{Path(path).name}: left out {told(bad)}"})
    if len(data.bad) > SHOWN:
        tell(Told.NOTE, {"sentence": f"{Path(path).name}: {len(data.bad) - SHOWN:,} more rows are left out."})
    return data


def _refuse_unmeasurable(job: Job, valid: Dataset) -> None:
    """Raises BadInput for validation data without a label, number or slots: better now than after the training."""
    from kefu.factory.evaluate.exam import exam_of, scored_rows

    name = Path(job.valid or job.data).name
    roles = registry.manifests("recipes")[job.recipe].roles
    shows = bool(valid.examples) and is_picture(valid.examples[0].text)
    if shows and _OF_TEXTS & set(registry.manifests("recipes")[job.recipe].options):
        raise BadInput(f"The recipe {job.recipe} reads texts, and {name} holds pictures; cnn learns from those.")
    if "score" in roles:
        scored_rows(valid, name)
    elif "tag" in roles:
        tagged_rows(valid, name)
    elif {"encode", "rerank"} & set(roles):
        pairs_of(valid, name)
    elif not {"language", "generate"} & set(roles):  # those name the rows themselves
        exam_of(valid, name)


def _can_spare(data: Dataset) -> bool:
    """Whether every label keeps nine rows when a tenth is kept apart."""
    counts = Counter(each.label for each in data.examples if each.label is not None)
    return bool(counts) and min(counts.values()) * _VALIDATION >= 1


def _mapping(data: Dataset) -> str:
    return ", ".join(f"{role} from {column}" for role, column in data.mapping.items())


def _may_write(out: Path, *, resume: bool) -> None:
    """Raises BadInput when a folder holds something that is no unfinished training."""
    if out.is_file():
        raise BadInput(f"{out} is a file; --out takes a folder.", out=str(out))
    if resume or not out.is_dir() or not any(out.iterdir()):
        return
    if (out / CARD_FILE).exists():
        raise BadInput(f"{out} is not empty: it holds a finished model. Choose another folder, or delete it.")
    if not (out / "events.jsonl").exists():
        raise BadInput(f"{out} is not empty and holds no training of Kefu's; choose another folder.", out=str(out))


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{out} cannot be written: {error.strerror}.", out=str(out)) from error


def with_options(job: Job, options: Mapping[str, Any]) -> Job:
    """The job with these options on top of its own."""
    return replace(job, options={**job.options, **options})

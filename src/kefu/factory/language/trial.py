"""Whether pre-training helps: a recipe on the base as it was and on the pre-trained one, several seeds each.

It is kept only when every seed does better with it; a mean may rise by one lucky seed.
"""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Recipe, Tell, Told
from kefu.contracts.model_card import CARD_FILE, ModelCard, read_card
from kefu.factory.card import write_readme
from kefu.factory.course import base_for
from kefu.factory.data.read import read
from kefu.factory.evaluate.exam import Exam, exam_of
from kefu.factory.evaluate.judging import sit
from kefu.factory.evaluate.paired import Flags, paired
from kefu.factory.evaluate.report import REPORT, write_json
from kefu.factory.task import shared
from kefu.kit import registry
from kefu.kit.errors import BadInput

TRIAL_FILE = "trial.json"
# Options that are the trial's; all others are the recipe's.
_OWN = ("seeds", "base")
_DID_NOT = "Pre-training did not help "


class TrialOptions(BaseModel):
    """Options of a trial."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seeds: int = Field(default=3, ge=1, le=100)
    base: str = ""


def trial(job: Job, tell: Tell) -> Mapping[str, Any]:
    """Try the pre-trained encoder `job.model` with the recipe on labelled data; what is found goes onto its card.

    Raises BadInput for a model that is no pre-trained encoder, options that cannot be used and data without labels.
    """
    for name in ("model", "data", "valid"):
        if not getattr(job, name):
            raise BadInput(f"A trial needs {name}.", missing=name)
    folder, recipe = Path(job.model), job.recipe or "fewshot"
    card, options = read_card(folder), _options(job.options)
    if card.task != "language":
        raise BadInput(f"{folder} is no encoder that was pre-trained: its task is {card.task}.", model=str(folder))
    manifest = registry.manifests("recipes").get(recipe)
    if manifest is not None and not {"base_model", "learning_rate"} <= set(manifest.options):
        raise BadInput(f"The recipe {recipe} trains no encoder, so it cannot tell one from another.", recipe=recipe)
    data, exam = read(Path(job.data)), exam_of(read(Path(job.valid)), Path(job.valid).name)
    before = options.base or _base_of(card, data)
    given = {name: value for name, value in job.options.items() if name not in _OWN}
    seeds: list[dict[str, Any]] = []
    right: dict[str, list[Flags]] = {"before": [], "after": []}
    for seed in range(options.seeds):
        for name, base in (("before", before), ("after", f"path:{folder}")):
            right[name].append(_right(recipe, {**given, "seed": seed, "base_model": base}, data, exam))
        found = {name: float(right[name][-1].mean()) for name in right}
        seeds.append({"seed": seed, **found})
        tell(Told.NOTE, {"sentence": f"Seed {seed}: {found['before']:.2%} on {before}, {found['after']:.2%} with it."})
    together = paired(before, np.concatenate(right["after"]), np.concatenate(right["before"]))
    kept = all(each["after"] > each["before"] for each in seeds)
    table = {"recipe": recipe, "base": before, "data": Path(job.data).name, "seeds": seeds, "kept": kept}
    table |= {"gain": together.difference, "comparison": together.table(), "sentence": _said(kept, seeds, recipe, job)}
    tell(Told.NOTE, {"sentence": table["sentence"]})
    _record(folder, card, table)
    return table


def _options(given: Mapping[str, Any]) -> TrialOptions:
    try:
        return TrialOptions(**{name: given[name] for name in _OWN if name in given})
    except ValidationError as error:
        first = error.errors()[0]
        name, value = first["loc"][0], first.get("input")
        raise BadInput(f"Option {name} of a trial cannot be {value!r}: {first['msg']}.") from None


def _base_of(card: ModelCard, data: Dataset) -> str:
    """What it was before; for one that began from nothing, what would be taken in its place."""
    known = card.base_model or ""
    return known if known.partition(":")[2] else base_for([each.text for each in data.examples])


def _right(recipe: str, options: Mapping[str, Any], data: Dataset, exam: Exam) -> Flags:
    """Which rows of the exam a model has right that is trained so."""
    with tempfile.TemporaryDirectory(prefix="kefu-trial-") as place:
        made = registry.load("recipes", recipe, Recipe)(options)
        job = Job("train", out=place, recipe=recipe, options=options)
        with shared(job, data, exam.data):
            card = made.train(job, data, exam.data, lambda told, fields: None)
        return sit(Path(place), card, exam).right


def _said(kept: bool, seeds: list[dict[str, Any]], recipe: str, job: Job) -> str:
    means = [100 * float(np.mean([each[name] for each in seeds])) for name in ("before", "after")]
    better = sum(each["after"] > each["before"] for each in seeds)
    figures = f"{means[0]:.2f} becomes {means[1]:.2f}, better with {better} of {len(seeds)} seeds"
    verdict = "Keep it" if kept else "Do not keep it"
    return f"{verdict}: {recipe} on {Path(job.data).name}, {figures}."


def _record(folder: Path, card: ModelCard, table: Mapping[str, Any]) -> None:
    """Tell the card; no file that it vouches for changes."""
    limits = [each for each in card.limits if not each.startswith(_DID_NOT)]
    if not table["kept"]:
        limits.append(f"{_DID_NOT}{table['recipe']} on {table['data']}: {100 * table['gain']:+.2f} points.")
    metrics = {**card.metrics, "trial_gain": round(float(table["gain"]), 6), "trial_kept": float(table["kept"])}
    told = replace(card, limits=tuple(limits), metrics=metrics)
    write_json(folder / TRIAL_FILE, table)
    partial = folder / f"{CARD_FILE}.partial"
    partial.write_text(told.to_json(), encoding="utf-8")
    partial.replace(folder / CARD_FILE)
    if (folder / REPORT).is_file():
        write_readme(folder, told, json.loads((folder / REPORT).read_text(encoding="utf-8")))

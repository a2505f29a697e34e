"""The bench: a model examined, its report written, and its card filled.

Every figure is of the model as customers meet it: through the serving engine, never through what trained it.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from kefu.contracts.dataset import Dataset
from kefu.contracts.job import Job, Recipe, Tell, Told
from kefu.contracts.model_card import CARD_FILE, ModelCard, read_card
from kefu.factory.card import limits_of, write_readme
from kefu.factory.data.version import kept
from kefu.factory.evaluate.exam import Exam, exam_of, read_exam
from kefu.factory.evaluate.judging import Sat, figures, judged, on_card, sit
from kefu.factory.evaluate.paired import Paired, paired
from kefu.factory.evaluate.report import write_report
from kefu.factory.evaluate.reranking import judged_lists
from kefu.factory.evaluate.retrieval import judged_pairs
from kefu.factory.evaluate.scoring import judged_scores
from kefu.factory.evaluate.sheet import fill, verdicts
from kefu.factory.evaluate.tagging import judged_tags
from kefu.factory.language.corpus import read_for
from kefu.factory.seal import write_card
from kefu.kit import registry
from kefu.kit.errors import BadInput
from kefu.kit.optional import require


@dataclass(frozen=True)
class How:
    """Options of an evaluation.

    `other`: a labelled file of another domain. `floor`: whether the linear floor is trained beside on the model's own
    copy of its data. `record`: whether the card is filled with what was found, for the gate.
    """

    other: str = ""
    floor: bool = True
    record: bool = False


def evaluate(job: Job, tell: Tell) -> Mapping[str, Any]:
    """Examine the model `job.model` on `job.data`; report.json and report.html go to `job.out` or its folder.

    Gives the figures. Raises BadInput for data that do not fit, BadInstallation for a model that was tampered with.
    """
    for name in ("model", "data"):
        if not getattr(job, name):
            raise BadInput(f"An evaluation needs {name}.", missing=name)
    how, folder = _how(job.options), Path(job.model)
    card = read_card(folder)
    if card.task in _OF_TASK:
        data = read_for(card.task, Path(job.data))
        asked = _Asked(folder, card, data, Path(job.data).name, how.floor, job.against)
        filled, table = _OF_TASK[card.task](asked, tell)
    else:
        exam = read_exam(job.data, job.oos)
        sat, table = judged(folder, card, exam, tell)
        table["comparisons"] = _comparisons(folder, sat, job.against, how, tell)
        table["generalisation"] = _generalisation(folder, sat, how.other, tell)
        filled = on_card(card, sat, table)
    if how.record:
        _record(folder, limits_of(filled, table), table)
    written = _written(Path(job.out) if job.out else folder, table, tell)
    return {**summary(table), "report": written}


def judged_and_reported(
    folder: Path, card: ModelCard, valid: Dataset, tell: Tell, *, extended: Path | None = None
) -> ModelCard:
    """Examine a model that was just trained on its validation data; write card, README and report.

    `extended` is the model that it was made from: both are compared on the labels that were known and those that are
    new.
    """
    if card.task in _OF_TASK:
        filled, table = _OF_TASK[card.task](_Asked(folder, card, valid, "the validation data"), tell)
    else:
        exam = exam_of(valid, "the validation data")
        sat, table = judged(folder, card, exam, tell)
        table["comparisons"] = _comparisons(folder, sat, "", How(floor=card.recipe != "linear"), tell)
        filled = on_card(card, sat, table)
        if extended is not None and "old_labels_after" not in filled.metrics:
            filled = replace(filled, metrics={**filled.metrics, **_old_and_new(sat, extended, tell)})
        table["extended"] = {name: value for name, value in filled.metrics.items() if "_labels_" in name}
    filled = write_card(folder, limits_of(filled, table))
    write_readme(folder, filled, table)
    _written(folder, table, tell)
    return filled


def summary(table: Mapping[str, Any]) -> dict[str, Any]:
    """What the command line prints as JSON."""
    found = dict(table["metrics"])
    one = next((each for each in table["latency"] if each["threads"] == 1), None)
    found["latency_ms"] = {"p50": one["p50"], "p95": one["p95"]} if one else None
    found["latency_all_threads_ms"] = [each for each in table["latency"] if each["threads"] > 1]
    found["size_mb"] = table["model"]["size_mb"]
    found["rows"] = table["data"]["rows"]
    for name in ("per_label", "slices", "worst_slice", "comparisons", "generalisation"):
        if name in table:
            found[name] = table[name]
    return found


@dataclass(frozen=True)
class _Asked:
    folder: Path
    card: ModelCard
    data: Dataset
    name: str
    floor: bool = True
    against: str = ""


def _numbers(asked: _Asked, tell: Tell) -> tuple[ModelCard, dict[str, Any]]:
    right, table = judged_scores(asked.folder, asked.card, asked.data, asked.name, tell)
    if asked.against:
        other = read_card(Path(asked.against))
        theirs, _ = judged_scores(Path(asked.against), other, asked.data, asked.name)
        table["comparisons"] = [paired(_named(other, asked.card, asked.against), right, theirs).table()]
    return fill(asked.card, table, asked.data, verdicts(right)), table


def _spans(asked: _Asked, tell: Tell) -> tuple[ModelCard, dict[str, Any]]:
    """A tagger beside its linear floor and another one; a row is right when all its slots are."""
    right, table = judged_tags(asked.folder, asked.card, asked.data, asked.name, tell)
    said: list[Paired] = []
    train, valid = kept(asked.folder / "data", name="train"), kept(asked.folder / "data", name="valid")
    if asked.floor and asked.card.runtime != "linear" and train is not None and valid is not None:
        with tempfile.TemporaryDirectory(prefix="kefu-floor-") as place:
            recipe = registry.load("recipes", "tagger_linear", Recipe)({})
            made = recipe.train(Job("train", out=place, recipe="tagger_linear"), train, valid, lambda told, table: None)
            theirs, beside = judged_tags(Path(place), made, asked.data, asked.name)
        said.append(paired("tagger_linear", right, theirs, macro_f1=beside["metrics"]["span_f1"]))
    if asked.against:
        other = read_card(Path(asked.against))
        if other.task != "tag":
            raise BadInput(f"{asked.against} finds no slots: it cannot be compared.", against=asked.against)
        theirs, beside = judged_tags(Path(asked.against), other, asked.data, asked.name)
        said.append(
            paired(_named(other, asked.card, asked.against), right, theirs, macro_f1=beside["metrics"]["span_f1"])
        )
    for each in said:
        tell(Told.NOTE, {"sentence": f"Rows with every slot right: {each.sentence}"})
    table["comparisons"] = [each.table() for each in said]
    return fill(asked.card, table, asked.data, verdicts(right)), table


def _pairs(asked: _Asked, tell: Tell) -> tuple[ModelCard, dict[str, Any]]:
    """An encoder beside the one it was made from and another; a row is right with its passage in the first five."""
    right, table = judged_pairs(f"path:{asked.folder}", asked.card, asked.data, asked.name)
    said: list[Paired] = []
    for other in (asked.card.base_model or "", f"path:{asked.against}" if asked.against else ""):
        if not _is_encoder(other):
            continue
        theirs, beside = judged_pairs(other, asked.card, asked.data, asked.name)
        said.append(paired(other, right, theirs, macro_f1=beside["metrics"]["recall_1"]))
        table["metrics"] |= {} if other != asked.card.base_model else {"base_recall_5": beside["metrics"]["recall_5"]}
    for each in said:
        tell(Told.NOTE, {"sentence": f"Passages among the first five: {each.sentence}"})
    table["comparisons"] = [each.table() for each in said]
    return fill(asked.card, table, asked.data, verdicts(right)), table


def _lists(asked: _Asked, tell: Tell) -> tuple[ModelCard, dict[str, Any]]:
    """A reranker beside search alone and another one; a row is right with its passage first."""
    right, before, table = judged_lists(asked.folder, asked.card, asked.data, asked.name)
    said = [paired("search alone", right, before, macro_f1=table["metrics"]["before_recall_1"])]
    if asked.against:
        other = read_card(Path(asked.against))
        if other.task != "rerank":
            raise BadInput(f"{asked.against} puts no passages in order: it cannot be compared.", against=asked.against)
        theirs, _, beside = judged_lists(Path(asked.against), other, asked.data, asked.name)
        name = _named(other, asked.card, asked.against)
        said.append(paired(name, right, theirs, macro_f1=beside["metrics"]["recall_1"]))
    for each in said:
        tell(Told.NOTE, {"sentence": f"Passages that come first: {each.sentence}"})
    table["comparisons"] = [each.table() for each in said]
    return fill(asked.card, table, asked.data, verdicts(right)), table


def _language(asked: _Asked, tell: Tell) -> tuple[ModelCard, dict[str, Any]]:
    """An encoder that fills gaps, or a generator that goes on or answers, beside another of its kind."""
    require("torch", extra="train")  # perplexity is of the weights: what serves does not tell it
    from kefu.factory.language.judging import judged_generator, judged_language

    def judged(folder: Path, card: ModelCard) -> tuple[Any, dict[str, Any]]:
        if card.task == "language":
            return judged_language(folder, card, asked.data, asked.name)
        return judged_generator(folder, card, asked.data, asked.name, tell)

    right, table = judged(asked.folder, asked.card)
    if asked.against:
        other = read_card(Path(asked.against))
        if other.task != asked.card.task:
            raise BadInput(f"{asked.against} does something else: it cannot be compared.", against=asked.against)
        theirs, beside = judged(Path(asked.against), other)
        name = _named(other, asked.card, asked.against)
        table["comparisons"] = [paired(name, right, theirs).table()] if len(right) else []
        table["metrics"]["other_perplexity"] = beside["metrics"]["perplexity"]
    return fill(asked.card, table, asked.data, verdicts(right)), table


# How a model is judged whose task is not to tell labels.
_OF_TASK = {"score": _numbers, "tag": _spans, "embed": _pairs, "rerank": _lists}
_OF_TASK |= {"language": _language, "generate": _language}


def _is_encoder(reference: str) -> bool:
    """Whether search could be served by it: a folder of bare weights cannot."""
    scheme, _, place = reference.partition(":")
    folder = Path(place).expanduser()
    return scheme == "package" or (
        scheme == "path" and (folder / CARD_FILE).is_file() and read_card(folder).task == "embed"
    )


def _comparisons(folder: Path, sat: Sat, against: str, how: How, tell: Tell) -> list[dict[str, Any]]:
    found = []
    has_floor = how.floor and sat.card.recipe != "linear" and sat.card.runtime != "picture"
    if has_floor and (floor := _floor(folder, sat.exam, tell)):
        found.append(_paired("linear", sat, floor))
    if against:
        other = Path(against)
        card = read_card(other)
        if card.task != "classify":
            raise BadInput(f"{against} gives numbers, not labels: it cannot be compared.", against=against)
        found.append(_paired(_named(card, sat.card, against), sat, sit(other, card, sat.exam)))
    for each in found:
        tell(Told.NOTE, {"sentence": each.sentence})
    return [each.table() for each in found]


def _named(other: ModelCard, mine: ModelCard, place: str) -> str:
    """The other's name, or where it lies when both are called the same."""
    return other.name if other.name != mine.name else place


def _paired(name: str, mine: Sat, other: Sat) -> Paired:
    theirs = figures(other)
    return paired(name, mine.right, other.right, macro_f1=theirs["macro_f1"], oos_auroc=theirs["oos_auroc"])


def _floor(folder: Path, exam: Exam, tell: Tell) -> Sat | None:
    """The linear floor, trained on what the model was trained on; None where it keeps no copy or cannot be learnt."""
    train, valid = kept(folder / "data", name="train"), kept(folder / "data", name="valid")
    if train is None or valid is None:
        tell(Told.NOTE, {"sentence": "The model keeps no copy of its data, so no linear floor stands beside it."})
        return None
    with tempfile.TemporaryDirectory(prefix="kefu-floor-") as place:
        recipe = registry.load("recipes", "linear", Recipe)({})
        card = recipe.train(Job("train", out=place, recipe="linear"), train, valid, lambda told, table: None)
        return sit(Path(place), card, exam)


def _generalisation(folder: Path, sat: Sat, other: str, tell: Tell) -> dict[str, Any] | None:
    """How the model does on a file of another domain, and how much worse that is."""
    if not other:
        return None
    there = figures(sit(folder, sat.card, read_exam(other), tell))
    here = figures(sat)
    names = ("accuracy", "accuracy_low", "accuracy_high", "macro_f1", "ece", "in_scope_rejected")
    lost = here["accuracy"] - there["accuracy"]
    return {"name": Path(other).name, **{name: there[name] for name in names}, "lost": lost}


def _old_and_new(sat: Sat, extended: Path, tell: Tell) -> dict[str, float]:
    """Accuracy before and after on the labels that were known, and on those that are new, where the exam has them."""
    before = read_card(extended)
    earlier = sit(extended, before, sat.exam)
    known = np.array([label in before.labels for label in sat.exam.truth])
    found: dict[str, float] = {}
    for name, chosen in (("old", known), ("new", ~known)):
        if chosen.any():
            found[f"{name}_labels_before"] = round(float(earlier.right[chosen].mean()), 6)
            found[f"{name}_labels_after"] = round(float(sat.right[chosen].mean()), 6)
    said = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in found.items())
    tell(Told.NOTE, {"sentence": f"Accuracy on {said}.", **found})
    return found


def _record(folder: Path, card: ModelCard, table: dict[str, Any]) -> None:
    """Fill the card and leave its hashes as they are: an evaluation vouches for no file."""
    partial = folder / f"{CARD_FILE}.partial"
    partial.write_text(card.to_json(), encoding="utf-8")
    partial.replace(folder / CARD_FILE)
    write_readme(folder, card, table)


def _written(folder: Path, table: dict[str, Any], tell: Tell) -> str | None:
    """Where the page is; None where the folder cannot be written, as of a model that is mounted read-only."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = write_report(folder, table)
    except OSError as error:
        tell(Told.NOTE, {"sentence": f"The report was not written: {folder}: {error.strerror}."})
        return None
    return str(path)


def _how(options: Mapping[str, Any]) -> How:
    known = [each.name for each in fields(How)]
    for name in options:
        if name not in known:
            raise BadInput(f"An evaluation has no option {name!r}. Options: {', '.join(known)}.", option=name)
    return How(**options)

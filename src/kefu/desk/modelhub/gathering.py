"""What a finished run has made, put where it belongs. Safe to do twice."""

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.db import transaction

from kefu.contracts.model_card import ModelCard, read_card
from kefu.desk.accounts.actions import announce
from kefu.desk.actor import Actor, system
from kefu.desk.modelhub import folders
from kefu.desk.modelhub.actions.data import checked_name, keep_rows
from kefu.desk.modelhub.actions.registry import store_version
from kefu.desk.modelhub.actions.training import judging
from kefu.desk.modelhub.models import DatasetVersion, Run, RunEvent, Version
from kefu.desk.modelhub.queries.data import get_dataset_version
from kefu.desk.modelhub.queries.registry import get_model, get_version, version_info
from kefu.desk.modelhub.work import work_folder
from kefu.desk.rows import now
from kefu.kit.errors import BadInstallation, KefuError
from kefu.knowledge.labels import read

Gathered = tuple[dict[str, Any], str | None]

_MOST_FINDINGS = 2_000  # of a kind that a report keeps; nobody looks through more
_NAME_LIMIT = 90  # characters of a dataset's name, before " (train)"
_SHOWN_TEXTS = 20  # explained texts that a run shows


def gather(row: Run, made: Path) -> Gathered:
    """Put away what a run has made in a folder; gives its figures and the version, if it made or judged one.

    Raises BadInstallation where it made nothing, NotFound when what it worked for was deleted meanwhile.
    """
    return _BY_KIND[row.kind](row, made)


def _version(row: Run, made: Path) -> Gathered:
    """A new version of the run's model, which is then judged beside the champion."""
    known = Version.objects.of(row.workspace_id).filter(run_id=row.id).first()
    actor = _actor(row)
    if known is None:
        owner = get_model(row.workspace_id, str(row.model_id))
        known = store_version(actor, owner, made, run=row, note=_note(row))
    stored = get_version(row.workspace_id, known.id)
    if stored.model.test is not None:
        _judge(actor, stored)
    return _figures(ModelCard.from_table(stored.card).metrics), stored.id


def _judge(actor: Actor, row: Version) -> None:
    """Have the frozen test see a new version, and the champion if it has not. No room for it now is no failure."""
    champion_id = get_model(actor.workspace_id, row.model_id).champion_id
    champion = [get_version(actor.workspace_id, champion_id)] if champion_id else []
    waiting = [each for each in (row, *champion) if not version_info(each, frozenset()).is_judged]
    for each in waiting:
        with contextlib.suppress(KefuError):
            judging(actor, each)


def _judgement(row: Run, made: Path) -> Gathered:
    """What the frozen test found, kept beside the version; its own files stay as they were."""
    version = get_version(row.workspace_id, row.inputs["model"]["id"])
    copies = work_folder(row.id) / "inputs" / "model" / folders.slug(version.model.name)
    card = read_card(copies)
    if card.judged is None:
        raise BadInstallation("The evaluation has judged nothing.", run=row.id)
    metrics = _figures(card.metrics)
    found = {"judged": asdict(card.judged), "metrics": metrics, "run": row.id}
    with transaction.atomic():
        Version.objects.of(row.workspace_id).filter(id=version.id).update(judged=found)
        announce(row.workspace_id, "modelhub.model_updated", version.model_id)
    return metrics, version.id


def _report(row: Run, made: Path) -> Gathered:
    """What a check found, kept beside the dataset's version."""
    try:
        table = json.loads((made / "report.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadInstallation("The check has left no report.", run=row.id) from error
    cut = {name: value[:_MOST_FINDINGS] if isinstance(value, list) else value for name, value in table.items()}
    with transaction.atomic():
        mine = DatasetVersion.objects.of(row.workspace_id).filter(id=row.dataset_version_id)
        mine.update(report=cut, checked_at=now())
        announce(row.workspace_id, "modelhub.dataset_updated", row.inputs["data"]["id"])
    return _told(row), None


def _cleaned(row: Run, made: Path) -> Gathered:
    """The next version of the dataset, unless nothing had to be cleaned."""
    version = get_dataset_version(row.workspace_id, row.inputs["data"]["id"])
    found = read(made / "cleaned.jsonl.gz")
    keep_rows(_actor(row), version.dataset.name, found, note=f"Cleaned from version {version.number}")
    return _told(row), None


def _parts(row: Run, made: Path) -> Gathered:
    """Two datasets of one, named for what they are for."""
    origin = row.inputs["data"]
    for part in ("train", "test"):
        found = read(made / f"{part}.jsonl.gz")
        name = checked_name(f"{origin['name'][:_NAME_LIMIT]} ({part})")
        keep_rows(_actor(row), name, found, note=f"Split from version {origin['number']}")
    return _told(row), None


def _tuned(row: Run, made: Path) -> Gathered:
    """The best options and what mattered, and the version that was trained with them."""
    told = _last(row)
    owner = get_model(row.workspace_id, str(row.model_id))
    known = Version.objects.of(row.workspace_id).filter(run_id=row.id).first()
    known = known or store_version(_actor(row), owner, made / "model", run=row, note=f"Tuned: {row.recipe}")
    kept = ("value", "finished", "pruned", "failed", "best", "importance")
    return {name: told[name] for name in kept if name in told}, known.id


def _explained(row: Run, made: Path) -> Gathered:
    """The words that told, how faithful they are, and the first texts with the weight of each word."""
    try:
        table = json.loads((made / "explanations.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadInstallation("The explanation has left no report.", run=row.id) from error
    return {**table, "texts": table["texts"][:_SHOWN_TEXTS]}, None


def _tried(row: Run, made: Path) -> Gathered:
    return {name: value for name, value in _last(row).items() if name in {"gain", "kept", "sentence", "seeds"}}, None


def _chosen(row: Run, made: Path) -> Gathered:
    """A dataset of the texts that were chosen, named for the one that they are of."""
    origin = row.inputs["data"]
    name = checked_name(f"{origin['name'][:_NAME_LIMIT]} ({'to label' if row.kind == 'select' else 'guessed'})")
    note = f"Chosen from version {origin['number']}; labels are guesses"
    keep_rows(_actor(row), name, read(made / "chosen.jsonl.gz"), note=note)
    return _told(row), None


def _last(row: Run) -> dict[str, Any]:
    """What the run's last event tells."""
    last = RunEvent.objects.of(row.workspace_id).filter(run_id=row.id, told="finished").order_by("-number").first()
    return dict(last.fields.get("metrics", {})) if last is not None else {}


def _told(row: Run) -> dict[str, float]:
    """The figures that the run's last event tells."""
    return _figures(_last(row))


def _figures(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: value for name, value in metrics.items() if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _note(row: Run) -> str:
    if row.kind == "train":
        return f"Trained by {row.recipe}"
    return f"Made by {row.kind} from version {row.inputs['model']['number']}"


def _actor(row: Run) -> Actor:
    return system(row.workspace_id, row.made_by)


_BY_KIND: dict[str, Callable[[Run, Path], Gathered]] = {
    "train": _version,
    "compress": _version,
    "export": _version,
    "evaluate": _judgement,
    "check": _report,
    "clean": _cleaned,
    "split": _parts,
    "tune": _tuned,
    "explain": _explained,
    "trial": _tried,
    "select": _chosen,
    "guess": _chosen,
}

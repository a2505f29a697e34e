"""Reads of runs and what they told."""

from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import Any

from kefu.desk.actor import Actor, Role
from kefu.desk.modelhub.models import Run, RunEvent
from kefu.kit import registry
from kefu.kit.errors import NotFound

OPEN = ("queued", "running")
# What an optional install brings, by which one sees whether it is there.
_BROUGHT_BY = {"train": "torch"}
RESUMABLE = ("failed", "cancelled", "interrupted")


@dataclass(frozen=True)
class RunInfo:
    """`model` and `version` are names and numbers for showing; `events` is how many there are so far."""

    id: str
    kind: str
    state: str
    model_id: str | None
    model: str | None
    version_id: str | None
    version: int | None
    recipe: str
    options: dict[str, Any]
    inputs: dict[str, Any]
    progress: dict[str, Any] | None
    metrics: dict[str, Any]
    problem: dict[str, Any] | None
    events: int
    is_resumable: bool
    is_cancelling: bool
    made_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class RunEventInfo:
    number: int
    told: str
    at: str
    fields: dict[str, Any]


@dataclass(frozen=True)
class RecipeInfo:
    """A way to train; `options` have a line of help each, `install` is the line that brings what it needs."""

    name: str
    title: str
    roles: tuple[str, ...]
    options: dict[str, str]
    is_installed: bool
    install: str | None


def recipes(actor: Actor) -> list[RecipeInfo]:
    """The recipes there are, by name."""
    _may_read(actor)
    found = registry.manifests("recipes").values()
    return [
        RecipeInfo(each.name, each.title, each.roles, dict(each.options), install is None, install)
        for each in found
        for install in [recipe_install(each)]
        if not each.for_tests
    ]


def recipe_install(manifest: registry.Manifest) -> str | None:
    """The line that installs what a recipe needs; None for one that can run."""
    if manifest.extra is None or find_spec(_BROUGHT_BY.get(manifest.extra, manifest.extra)) is not None:
        return None
    return f"pip install 'kefu[{manifest.extra}]'"


def runs(
    actor: Actor,
    *,
    model: str | None = None,
    dataset: str | None = None,
    open_only: bool = False,
    after: str | None = None,
    limit: int = 50,
) -> list[RunInfo]:
    """Runs, newest first: of a model, about a dataset, and those that are not over; behind the run `after`."""
    _may_read(actor)
    found = Run.objects.of(actor.workspace_id).select_related("model", "version").order_by("-created_at", "-id")
    if model:
        found = found.filter(model_id=model)
    if dataset:
        found = found.filter(dataset_version__dataset_id=dataset)
    if open_only:
        found = found.filter(state__in=OPEN)
    if after:
        found = found.filter(id__lt=after)  # ids grow with time
    return [run_info(row) for row in found[:limit]]


def run(actor: Actor, run_id: str) -> RunInfo:
    """Raises NotFound, NotAllowed."""
    _may_read(actor)
    return run_info(get_run(actor.workspace_id, run_id))


def run_events(actor: Actor, run_id: str, *, after: int = 0, limit: int = 500) -> list[RunEventInfo]:
    """What a run told behind the event of number `after`. Raises NotFound, NotAllowed."""
    _may_read(actor)
    row = get_run(actor.workspace_id, run_id)
    found = RunEvent.objects.of(actor.workspace_id).filter(run_id=row.id, number__gt=after).order_by("number")
    return [RunEventInfo(each.number, each.told, each.at, each.fields) for each in found[:limit]]


def get_run(workspace_id: str, run_id: str) -> Run:
    row = Run.objects.of(workspace_id).select_related("model", "version").filter(id=run_id).first()
    if row is None:
        raise NotFound("There is no such run.", run=run_id)
    return row


def run_info(row: Run) -> RunInfo:
    return RunInfo(
        id=row.id,
        kind=row.kind,
        state=row.state,
        model_id=row.model_id,
        model=row.model.name if row.model is not None else None,
        version_id=row.version_id,
        version=row.version.number if row.version is not None else None,
        recipe=row.recipe,
        options=row.options,
        inputs=row.inputs,
        progress=row.progress,
        metrics=row.metrics,
        problem=row.problem,
        events=row.told,
        is_resumable=row.state in RESUMABLE,
        is_cancelling=row.state in OPEN and row.cancel_at is not None,
        made_by=row.made_by,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _may_read(actor: Actor) -> None:
    actor.require_role(Role.VIEWER)

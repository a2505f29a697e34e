"""Writes of runs: asking for work, cancelling it, going on with it. `due.py` does it, for dispatch or a command."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from kefu.desk.accounts.actions import announce, audit
from kefu.desk.actor import Actor, Role
from kefu.desk.modelhub.actions.named import named_inputs, version_input
from kefu.desk.modelhub.actions.registry import model_of_name
from kefu.desk.modelhub.models import DatasetVersion, Model, Run, Version
from kefu.desk.modelhub.queries import RunInfo, run
from kefu.desk.modelhub.queries.data import get_dataset_version, named_input, numbered
from kefu.desk.modelhub.queries.registry import get_version
from kefu.desk.modelhub.queries.training import OPEN, RESUMABLE, get_run, recipe_install
from kefu.desk.modelhub.work import forget_work
from kefu.desk.rows import now
from kefu.kit import registry
from kefu.kit.errors import BadInput, Busy, Conflict, MissingExtra, NotFound

_MOST_OPEN = 20  # runs of a workspace that wait or work
_MOST_OPTIONS = 100


def train(
    actor: Actor,
    *,
    model: str,
    recipe: str,
    train: str,
    valid: str | None = None,
    extend: str | None = None,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
) -> RunInfo:
    """Ask for a training. `model` is an id, or a name: one that is new makes a model.

    Raises BadInput for an option that the recipe does not have, MissingExtra, Busy, NotFound, NotAllowed.
    """
    may_train(actor)
    given = {"seed": seed, **(options or {})}
    check_recipe(recipe, given)
    learnt = get_dataset_version(actor.workspace_id, train)
    inputs = {"train": named_input(learnt), **named_inputs(actor.workspace_id, given)}
    if valid:
        inputs["valid"] = named_input(get_dataset_version(actor.workspace_id, valid))
    if extend:
        inputs["extend"] = version_input(get_version(actor.workspace_id, extend))
    with transaction.atomic():
        owner = model_of_name(actor, model)
        row = queued(
            actor, "train", model=owner, dataset=learnt, recipe=recipe, options=given, inputs=inputs, audited=True
        )
    return run(actor, row.id)


def check(
    actor: Actor,
    *,
    dataset_id: str,
    number: int | None = None,
    against: str | None = None,
    label_errors: bool = True,
    encoder: str = "",
) -> RunInfo:
    """Ask what is wrong with a dataset version, and what it shares with the dataset version `against`.

    Raises Busy, NotFound, NotAllowed.
    """
    may_train(actor)
    data = numbered(actor.workspace_id, dataset_id, number)
    inputs = {"data": named_input(data)}
    if against:
        inputs["test"] = named_input(get_dataset_version(actor.workspace_id, against))
    options: dict[str, Any] = {"label_errors": label_errors}
    if encoder:
        options["encoder"] = encoder
    return run(actor, queued(actor, "check", dataset=data, options=options, inputs=inputs).id)


def clean(actor: Actor, *, dataset_id: str, tidy: bool = True, duplicates: bool = True, mask: bool = True) -> RunInfo:
    """Ask for the newest version without stray blanks, duplicates and personal data: a new version.

    Raises Busy, NotFound, NotAllowed.
    """
    may_train(actor)
    data = numbered(actor.workspace_id, dataset_id, None)
    options = {"tidy": tidy, "duplicates": duplicates, "mask": mask}
    return run(actor, queued(actor, "clean", dataset=data, options=options, inputs={"data": named_input(data)}).id)


def split(actor: Actor, *, dataset_id: str, share: float = 0.2, seed: int = 0) -> RunInfo:
    """Ask for two datasets of one: a share of the newest version is kept apart as a test.

    Raises BadInput for a share that is none, Busy, NotFound, NotAllowed.
    """
    may_train(actor)
    if not 0 < share < 1:
        raise BadInput("The share of the test is above 0 and below 1.", field="share")
    data = numbered(actor.workspace_id, dataset_id, None)
    options = {"share": share, "seed": seed}
    return run(actor, queued(actor, "split", dataset=data, options=options, inputs={"data": named_input(data)}).id)


def judge(actor: Actor, *, version_id: str) -> RunInfo:
    """Ask for a version to be examined on its model's frozen test.

    Raises Conflict for a model without one, Busy, NotFound, NotAllowed.
    """
    may_train(actor)
    row = get_version(actor.workspace_id, version_id)
    return run(actor, judging(actor, row).id)


def judging(actor: Actor, row: Version) -> Run:
    """The run that examines a version on the frozen test; the open one where there is one."""
    test = row.model.test
    if test is None:
        raise Conflict(f"The model {row.model.name} has no frozen test; choose a dataset for it first.")
    inputs = {"model": version_input(row), "test": named_input(test)}
    for waiting in Run.objects.of(actor.workspace_id).filter(state__in=OPEN, kind="evaluate", version_id=row.id):
        if waiting.inputs == inputs:
            return waiting
    return queued(actor, "evaluate", model=row.model, version=row, inputs=inputs, options={"floor": False})


def compress(actor: Actor, *, version_id: str, options: Mapping[str, Any] | None = None) -> RunInfo:
    """Ask for a smaller and faster version of a version. Raises Busy, NotFound, NotAllowed."""
    may_train(actor)
    row = get_version(actor.workspace_id, version_id)
    inputs = {"model": version_input(row)}
    if "keep" in (options or {}):
        raise BadInput("The rungs of the ladder are not kept here; use: kefu compress", field="options.keep")
    check_options(options or {})
    made = queued(actor, "compress", model=row.model, options=dict(options or {}), inputs=inputs, audited=True)
    return run(actor, made.id)


def cancel(actor: Actor, *, run_id: str) -> RunInfo:
    """Ask a run to stop; it keeps what it has reached. Raises Conflict for one that is over, NotFound, NotAllowed."""
    may_train(actor)
    with transaction.atomic():
        row = _locked(actor, run_id)
        if row.state not in OPEN:
            raise Conflict(f"This run is over: {row.state}.", run=run_id)
        row.cancel_at = row.cancel_at or now()
        if row.state == "queued":
            row.state, row.finished_at = "cancelled", row.cancel_at
        row.save(update_fields=["state", "cancel_at", "finished_at"])
        announce(actor.workspace_id, "modelhub.run_updated", row.id)
        audit(actor, "run.cancelled", row.id)
    return run(actor, run_id)


def resume(actor: Actor, *, run_id: str) -> RunInfo:
    """Let a run that stopped go on from its last checkpoint.

    Raises Conflict for another, Busy, NotFound, NotAllowed.
    """
    may_train(actor)
    with transaction.atomic():
        row = _locked(actor, run_id)
        if row.state not in RESUMABLE:
            raise Conflict(f"This run did not stop: it is {row.state}.", run=run_id)
        _check_room(actor)
        _check_inputs(row)
        row.state, row.resume = "queued", True
        row.cancel_at = row.stopped_at = row.finished_at = row.problem = row.progress = None
        row.save(update_fields=["state", "resume", "cancel_at", "stopped_at", "finished_at", "problem", "progress"])
        announce(actor.workspace_id, "modelhub.run_updated", row.id)
        audit(actor, "run.resumed", row.id)
    return run(actor, run_id)


def remove_run(actor: Actor, *, run_id: str) -> None:
    """Delete a run that is over, with what it told; the version that it made stays.

    Raises Conflict for one that is not over, NotFound, NotAllowed.
    """
    may_train(actor)
    with transaction.atomic():
        row = _locked(actor, run_id)
        if row.state in OPEN:
            raise Conflict("This run is not over; cancel it first.", run=run_id)
        row.delete()
        announce(actor.workspace_id, "modelhub.run_removed", run_id)
        audit(actor, "run.removed", run_id)
        transaction.on_commit(lambda: forget_work(run_id))


def queued(
    actor: Actor,
    kind: str,
    *,
    model: Model | None = None,
    version: Version | None = None,
    dataset: DatasetVersion | None = None,
    recipe: str = "",
    options: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any],
    audited: bool = False,
) -> Run:
    """A run that dispatch will take up. Raises Busy past the number that a workspace may have open."""
    with transaction.atomic():
        _check_room(actor)
        row = Run.objects.create(
            workspace_id=actor.workspace_id,
            kind=kind,
            model=model,
            version=version,
            dataset_version=dataset,
            recipe=recipe,
            options=dict(options or {}),
            inputs=dict(inputs),
            made_by=actor.id,
        )
        announce(actor.workspace_id, "modelhub.run_updated", row.id)
        if audited:
            audit(actor, f"run.{kind}", row.id, after={"recipe": recipe, "model": model.name if model else None})
    return row


def check_recipe(name: str, options: Mapping[str, Any]) -> None:
    """Raises NotFound, MissingExtra for a recipe that cannot run here, BadInput for an option that it does not have."""
    manifest = registry.manifests("recipes").get(name)
    if manifest is None:
        known = ", ".join(registry.manifests("recipes"))
        raise NotFound(f"There is no recipe {name!r}. Recipes: {known}.", recipe=name)
    if install := recipe_install(manifest):
        raise MissingExtra(f"The recipe {name} needs more than is installed. Install it with: {install}", recipe=name)
    check_options(options)
    unknown = sorted(set(options) - set(manifest.options))
    if unknown and manifest.options:
        raise BadInput(
            f"The recipe {name} has no option {unknown[0]!r}. Options: {', '.join(sorted(manifest.options))}.",
            field=f"options.{unknown[0]}",
        )


def check_options(options: Mapping[str, Any]) -> None:
    """Values are the job's business, but what is stored has bounds, and no option of ours names a place on disk."""
    if len(options) > _MOST_OPTIONS:
        raise BadInput(f"At most {_MOST_OPTIONS} options are taken.", field="options")
    for name, value in options.items():
        if not isinstance(value, str | int | float | bool | None) or len(str(value)) > 500:
            raise BadInput(f"Option {name!r} is a text, a number, or yes or no.", field=f"options.{name}")
        if isinstance(value, str) and any(_is_place(part.strip()) for part in value.split(",")):
            raise BadInput(f"Option {name!r} may not name a place on the server's disk.", field=f"options.{name}")


def _is_place(part: str) -> bool:
    """A range such as 1e-5..1e-3 is none."""
    return part.startswith(("path:", "/", "~")) or ".." in part.split("/")


def _check_room(actor: Actor) -> None:
    if Run.objects.of(actor.workspace_id).filter(state__in=OPEN).count() >= _MOST_OPEN:
        raise Busy(f"{_MOST_OPEN} runs wait or work already; wait for one or cancel one.", retry_after=60)


def _check_inputs(row: Run) -> None:
    """Raises NotFound for a run whose data or models were deleted since."""
    for given in row.inputs.values():
        if is_version(given):
            get_version(row.workspace_id, given["id"])
        else:
            get_dataset_version(row.workspace_id, given["id"])


def is_version(given: Mapping[str, Any]) -> bool:
    """Whether an input is a version of a model, not of a dataset."""
    return str(given["id"]).startswith("ver_")


def _locked(actor: Actor, run_id: str) -> Run:
    get_run(actor.workspace_id, run_id)
    row: Run = Run.objects.of(actor.workspace_id).select_for_update().get(id=run_id)
    return row


def may_train(actor: Actor) -> None:
    """Raises NotAllowed."""
    actor.require_role(Role.SUPERVISOR)

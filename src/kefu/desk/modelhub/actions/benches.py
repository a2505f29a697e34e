"""Writes of runs that look for something: options, explanations, whether pre-training helped, what to label next."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from kefu.desk.actor import Actor
from kefu.desk.modelhub.actions.named import named_inputs, version_input
from kefu.desk.modelhub.actions.registry import model_of_name
from kefu.desk.modelhub.actions.training import check_options, check_recipe, may_train, queued
from kefu.desk.modelhub.queries import RunInfo, run
from kefu.desk.modelhub.queries.data import get_dataset_version, named_input, numbered
from kefu.desk.modelhub.queries.registry import get_version
from kefu.kit import registry
from kefu.kit.errors import BadInput
from kefu.kit.optional import require

# The options of a recipe that trains a network on an encoder.
_NETWORK = {"base_model", "learning_rate"}
_MOST_TRIALS, _MOST_MODELS = 500, 10


def tune(
    actor: Actor,
    *,
    model: str,
    recipe: str,
    train: str,
    valid: str,
    trials: int = 20,
    parallel: int = 1,
    minutes: float = 0,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
) -> RunInfo:
    """Ask for the options with which a recipe does best, and a version that is trained with them and measured on
    `valid`.

    Options are fixed values, `LOW..HIGH` or `THIS|THAT`; what the recipe's manifest declares varies beside.
    Raises BadInput for an option that the recipe does not have, MissingExtra, Busy, NotFound, NotAllowed.
    """
    may_train(actor)
    given = dict(options or {})
    check_recipe(recipe, given)
    require("optuna", extra="tune")
    if not 2 <= trials <= _MOST_TRIALS:
        raise BadInput(f"A tuning has 2 to {_MOST_TRIALS} trials.", field="trials")
    learnt, judged = (get_dataset_version(actor.workspace_id, each) for each in (train, valid))
    inputs = {"train": named_input(learnt), "valid": named_input(judged), **named_inputs(actor.workspace_id, given)}
    how = {"trials": trials, "parallel": parallel, "minutes": minutes, "seed": seed, "written": given}
    with transaction.atomic():
        owner = model_of_name(actor, model)
        row = queued(
            actor, "tune", model=owner, dataset=learnt, recipe=recipe, options=how, inputs=inputs, audited=True
        )
    return run(actor, row.id)


def explain(actor: Actor, *, version_id: str, data: str, method: str = "occlusion", rows: int = 50) -> RunInfo:
    """Ask which words of a dataset's texts tell a version its labels, and how faithful the method is to it.

    Raises Busy, NotFound, NotAllowed.
    """
    may_train(actor)
    row = get_version(actor.workspace_id, version_id)
    texts = get_dataset_version(actor.workspace_id, data)
    inputs = {"model": version_input(row), "data": named_input(texts)}
    options = {"method": method, "rows": rows}
    return run(actor, queued(actor, "explain", model=row.model, version=row, options=options, inputs=inputs).id)


def trial(
    actor: Actor,
    *,
    version_id: str,
    train: str,
    valid: str,
    recipe: str = "fewshot",
    seeds: int = 3,
    options: Mapping[str, Any] | None = None,
) -> RunInfo:
    """Ask whether a recipe does better on a pre-trained encoder than on what that was made from, with every seed.

    Raises BadInput for a version that is no such encoder, Busy, NotFound, NotAllowed.
    """
    may_train(actor)
    row = get_version(actor.workspace_id, version_id)
    if row.card["task"] != "language":
        raise BadInput(f"{row.model.name} is no encoder that was pre-trained.", field="version")
    given = dict(options or {})
    check_recipe(recipe, given)
    if not set(registry.manifests("recipes")[recipe].options) >= _NETWORK:
        raise BadInput(f"The recipe {recipe} trains no encoder, so it cannot tell one from another.", field="recipe")
    learnt, judged = (get_dataset_version(actor.workspace_id, each) for each in (train, valid))
    inputs = {"model": version_input(row), "train": named_input(learnt), "valid": named_input(judged)}
    inputs |= named_inputs(actor.workspace_id, given)
    asked = {**given, "seeds": seeds}
    made = queued(actor, "trial", model=row.model, version=row, recipe=recipe, options=asked, inputs=inputs)
    return run(actor, made.id)


def select(
    actor: Actor,
    *,
    dataset_id: str,
    labelled: str | None = None,
    versions: Sequence[str] = (),
    budget: int = 100,
    by: str = "margin",
    confidence: float | None = None,
) -> RunInfo:
    """Ask which `budget` texts of a dataset's newest version are worth labelling first: a dataset of their own.

    Its labels are a model's guesses. With a `confidence` it is those that all models label alike, each at least so
    sure, beside what is `labelled`. Without `versions` a model learns from what is labelled. Raises BadInput for
    neither, Busy, NotFound, NotAllowed.
    """
    may_train(actor)
    texts = numbered(actor.workspace_id, dataset_id, None)  # first: nobody else's is spoken of
    if not versions and not labelled:
        raise BadInput("Name a version that looks at the texts, or the labelled data that one learns from.",
                       field="labelled")  # fmt: skip
    if len(versions) > _MOST_MODELS:
        raise BadInput(f"At most {_MOST_MODELS} versions look at the texts.", field="versions")
    options: dict[str, Any] = {"models": ",".join(f"version:{each}" for each in versions)}
    inputs = {"data": named_input(texts), **named_inputs(actor.workspace_id, options)}
    if labelled:
        inputs["valid"] = named_input(get_dataset_version(actor.workspace_id, labelled))
    options |= {"budget": budget, "by": by} if confidence is None else {"confidence": confidence}
    kind = "select" if confidence is None else "guess"
    check_options(options)
    return run(actor, queued(actor, kind, dataset=texts, options=options, inputs=inputs).id)

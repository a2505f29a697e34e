"""What the API shows of models and versions that is more than one query's answer."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from kefu.desk.actor import Actor
from kefu.desk.modelhub.queries import Comparison, ModelInfo, RecipeInfo, VersionInfo
from kefu.desk.wiring import wiring


def model(actor: Actor, row: ModelInfo) -> dict[str, Any]:
    """A model, and what this server answers with in its role."""
    return {**vars(row), "serving": wiring().serving(actor.workspace_id, row.role) if row.role else None}


def version(row: VersionInfo) -> dict[str, Any]:
    """A version with what one wants to know of its card."""
    card = row.card
    return {
        **vars(row),
        "task": card.task,
        "recipe": card.recipe,
        "runtime": card.runtime,
        "variant": card.variant,
        "labels": list(card.labels),
        "languages": list(card.languages),
        "base_model": card.base_model,
        "seed": card.seed,
        "metrics": dict(card.metrics),
        "licence": card.licence,
        "limits": list(card.limits),
    }


def version_with_card(row: VersionInfo) -> dict[str, Any]:
    """A version with its whole card."""
    return {**version(row), "card": asdict(row.card)}


def comparison(found: Comparison) -> dict[str, Any]:
    """Two versions side by side."""
    return {
        **vars(found),
        "candidate": version(found.candidate),
        "champion": version(found.champion) if found.champion is not None else None,
        "verdict": {"passed": found.verdict.passed, "checks": found.verdict.checks},
    }


def recipes(found: Iterable[RecipeInfo]) -> list[dict[str, Any]]:
    """Recipes with a line of help for each option."""
    return [
        {**vars(each), "options": [{"name": name, "help": text} for name, text in each.options.items()]}
        for each in found
    ]

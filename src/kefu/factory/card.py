"""A model's README.md: its card for people, with YAML front matter as model hubs read it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from kefu import __version__
from kefu.contracts.model_card import ModelCard

README = "README.md"

# Fewer texts of a label than this tell its accuracy to no better than twenty points.
_FEW_TEXTS = 5
_NAMED = 5
# What model hubs call a task.
_PIPELINES = {"tag": "token-classification", "embed": "sentence-similarity", "rerank": "text-ranking"}
_PIPELINES |= {"language": "fill-mask", "generate": "text-generation"}
# What uses a model that `kefu predict` has no labels of.
_COMMANDS = {
    "embed": "path:DIR as a workspace's encoder",
    "rerank": 'kefu predict DIR --text "…" --passage "…" --passage "…"',
    "language": "kefu train fewshot --data FILE --out NEW base_model=path:DIR",
    "generate": "kefu assistant set --generator path:DIR",
}
# How the sentences begin that an examination finds.
_FOUND = ("Taught in ", "How well it tells ", "Hardly measured", "Worst on ", "Its figures are on ", "No licence ")


def limits_of(card: ModelCard, table: Mapping[str, Any]) -> ModelCard:
    """The card with what its examination says it cannot do, in sentences; those of an earlier one give way."""
    kept = [each for each in card.limits if not each.startswith(_FOUND)]
    return replace(card, limits=tuple(dict.fromkeys((*kept, *_limits(card, table)))))


def write_readme(folder: Path, card: ModelCard, table: Mapping[str, Any]) -> Path:
    """Write README.md; `table` is the report that the card was filled from."""
    path = folder / README
    path.write_text(readme(card, table), encoding="utf-8")
    return path


def readme(card: ModelCard, table: Mapping[str, Any]) -> str:
    """Front matter, then what a person asks first: what it is, how good, on what, what it cannot do."""
    front = yaml.safe_dump(_front(card, table), allow_unicode=True, sort_keys=False, width=120)
    return f"---\n{front}---\n\n" + "\n".join(_body(card, table)) + "\n"


def _front(card: ModelCard, table: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "license": card.licence or "other",
        "language": list(card.languages),
        "pipeline_tag": _PIPELINES.get(card.task, "text-classification"),
        "library_name": "kefu",
        "base_model": card.base_model,
        "own_heads": {head.language: head.base_model for head in card.own_heads},
        "task": card.task,
        "recipe": card.recipe,
        "runtime": card.runtime,
        "variant": card.variant,
        "seed": card.seed,
        "options": dict(card.options),
        "data_sha256": card.data_sha256,
        "valid_sha256": card.valid_sha256,
        "parents": list(card.parents),
        "labels": len(card.labels),
        "metrics": {name: round(float(value), 4) for name, value in sorted(card.metrics.items())},
        "slices": {name: _slice(each) for name, each in table.get("slices", {}).items()},
        "limits": list(card.limits),
        "kefu": card.kefu or __version__,
        "created": card.created,
    }
    return {name: value for name, value in found.items() if value not in (None, [], {}, "")}


def _slice(each: Mapping[str, Any]) -> dict[str, Any]:
    return {"rows": each["rows"], "accuracy": round(each["accuracy"], 4)}


def _body(card: ModelCard, table: Mapping[str, Any]) -> Iterator[str]:
    yield f"# {card.name}"
    yield ""
    yield _what(card)
    yield ""
    yield from _reached(card, table)
    yield from _against(table)
    yield from _slices(table)
    if card.limits:
        yield from ("## Limits", "", *(f"- {each}" for each in card.limits), "")
    if card.labels:
        yield from (
            "## Slots" if card.task == "tag" else "## Labels",
            "",
            ", ".join(f"`{label}`" for label in card.labels),
            "",
        )
    yield from _made(card)
    yield from _use(card)


def _what(card: ModelCard) -> str:
    what = {
        "classify": f"It tells {len(card.labels)} labels apart",
        "score": "It gives a text a number",
        "tag": f"It finds {len(card.labels)} slots",
        "embed": "It gives questions and passages vectors by which they find each other",
        "rerank": "It reads a question with each passage that search found, and puts them in order",
        "language": "It is an encoder that knows how its company writes, for other recipes to train on",
        "generate": "It writes answers",
    }[card.task]
    languages = f" in texts of the languages {', '.join(card.languages)}" if card.languages else ""
    base = f" It stands on `{card.base_model}`." if card.base_model else ""
    for head in card.own_heads:
        base += f" Texts of the language {head.language} are told by a head of their own on `{head.base_model}`."
    return f"{what}{languages}; made by Kefu's recipe `{card.recipe}`, served as `{card.runtime}`.{base}"


def _reached(card: ModelCard, table: Mapping[str, Any]) -> Iterator[str]:
    data = table["data"]
    yield f"## What it reached on {data['name']} ({data['rows']} rows)"
    yield ""
    yield "| metric | value |"
    yield "| --- | ---: |"
    for name, value in sorted(card.metrics.items()):
        yield f"| {name} | {value:.4g} |"
    yield ""
    yield "Shares are from 0 to 1. Latency is of one text at a time on one thread."
    yield ""


def _against(table: Mapping[str, Any]) -> Iterator[str]:
    if table.get("comparisons"):
        yield from (f"- {each['sentence']}" for each in table["comparisons"])
        yield ""


def _slices(table: Mapping[str, Any]) -> Iterator[str]:
    if not table.get("slices"):
        return
    yield from ("## Parts of it", "", "| slice | rows | accuracy |", "| --- | ---: | ---: |")
    for name, each in table["slices"].items():
        worst = " (worst)" if name == table.get("worst_slice") else ""
        yield f"| {name}{worst} | {each['rows']} | {each['accuracy']:.3f} |"
    yield ""


def _made(card: ModelCard) -> Iterator[str]:
    yield from ("## How it was made", "")
    yield f"- data: `{card.data_sha256}` (SHA-256 of its content; a copy is in `data/`)"
    yield f"- recipe: `{card.recipe}`, seed {card.seed}, options {_options(card)}"
    if card.parents:
        yield f"- parents: {', '.join(f'`{each}`' for each in card.parents)}"
    yield f"- licence: {card.licence or 'not stated'}"
    yield f"- made {card.created} by Kefu {card.kefu}"
    yield ""


def _options(card: ModelCard) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in card.options.items()) or "none"


def _use(card: ModelCard) -> Iterator[str]:
    command = _COMMANDS.get(card.task, 'kefu predict DIR --text "…"')
    yield from ("## Use", "", "```", command, "```", "")
    yield "`card.json` pins every file by its SHA-256; a folder whose files differ is refused."


def _limits(card: ModelCard, table: Mapping[str, Any]) -> Iterator[str]:
    if card.languages:
        yield f"Taught in {', '.join(card.languages)}; other languages were not taught."
    if card.task == "classify":
        if table["metrics"]["oos_auroc"] is None:
            yield "How well it tells texts that are out of scope was not measured."
        few = [name for name, each in table["per_label"].items() if each["support"] < _FEW_TEXTS]
        if few:
            named = ", ".join(few[:_NAMED]) + (f" and {len(few) - _NAMED} more" if len(few) > _NAMED else "")
            yield f"Hardly measured, with fewer than {_FEW_TEXTS} texts each: {named}."
    worst = table.get("worst_slice")
    each = table["slices"].get(worst, {"right": 0, "rows": 0})
    if each["right"] < each["rows"]:
        yield f"Worst on the slice {worst}: {each['accuracy']:.1%} of {each['rows']} rows."
    if table["data"]["sha256"] == card.data_sha256:
        yield "Its figures are on what it was taught, as no rows were kept apart: on other texts it does worse."
    if not card.licence:
        yield "No licence was stated for what it was taught on."

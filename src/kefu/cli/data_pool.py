"""`kefu data select` and `kefu data guess`: unlabelled texts, chosen for people or labelled by models."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kefu.cli.session import json_option, print_json

if TYPE_CHECKING:
    from kefu.contracts.dataset import Dataset

_FILE = click.Path(path_type=Path)


def _pool_options(command: Any) -> Any:
    for option in (
        click.option("--labelled", type=_FILE, help="What is labelled already; without --model, one learns from it."),
        click.option("--model", "models", type=_FILE, multiple=True, help="A trained model; several make a committee."),
        click.option("--out", type=_FILE, required=True, help="The file that is written: .csv, .tsv or .jsonl."),
        click.argument("pool", type=_FILE),
    ):
        command = option(command)
    return command


@click.command()
@_pool_options
@click.option("--budget", type=int, required=True, help="How many texts a person will label.")
@click.option(
    "--by", "strategy", default="margin", show_default=True,
    help="margin, mixed, uncertainty, committee, diversity or random.",
)  # fmt: skip
@click.option("--seed", default=0, show_default=True)
@json_option
def select(
    pool: Path, out: Path, models: tuple[Path, ...], labelled: Path | None, budget: int, strategy: str, seed: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Choose the texts of POOL that are worth labelling first.

    OUT holds them with the model's guess in the column `guess`; fill in `label` and train with it.
    """
    from kefu.factory.data.select import STRATEGIES
    from kefu.factory.data.select import select as chosen

    if strategy not in STRATEGIES:
        raise click.UsageError(f"--by is one of {', '.join(STRATEGIES)}; not {strategy!r}.")
    recipes = ("head", "linear") if strategy == "committee" else ("head",)
    with _seen(pool, out, models, labelled, recipes) as (found, labels):
        picks = chosen(found, budget, strategy, seed=seed)
    rows = [(each.text, "", labels[each.guess], f"{each.confidence:.4f}", f"{each.score:.4f}") for each in picks]
    _write(out, ("text", "label", "guess", "confidence", "worth"), rows)
    if as_json:
        print_json({"out": str(out), "pool": len(found.texts), "chosen": len(picks), "by": strategy})
        return
    click.echo(f"{len(picks):,} of {len(found.texts):,} texts to label are in {out}.")


@click.command()
@_pool_options
@click.option("--confidence", default=0.9, show_default=True, help="How sure every model must be.")
@click.option("--most-per-label", default=0, help="Keep the surest so many of each label; 0 for all.")
@json_option
def guess(
    pool: Path, out: Path, models: tuple[Path, ...], labelled: Path | None, confidence: float, most_per_label: int,
    as_json: bool,
) -> None:  # fmt: skip
    """Label the texts of POOL that all models agree on and are sure of (self-training).

    Without --model a head and a linear floor learn from --labelled; OUT holds what is labelled and what was guessed.
    """
    from kefu.factory.data.select import guessed

    with _seen(pool, out, models, labelled, ("head", "linear")) as (found, labels):
        made = guessed(found, confidence=confidence, most_per_label=most_per_label)
    known = _labelled_rows(labelled)
    rows = [*known, *((each.text, labels[each.label], "model", f"{each.confidence:.4f}") for each in made)]
    _write(out, ("text", "label", "labelled_by", "confidence"), rows)
    if as_json:
        print_json({"out": str(out), "pool": len(found.texts), "labelled": len(known), "guessed": len(made)})
        return
    click.echo(
        f"{len(made):,} of {len(found.texts):,} texts were labelled; with {len(known):,} labelled ones in {out}."
    )


@contextmanager
def _seen(
    pool: Path, out: Path, models: tuple[Path, ...], labelled: Path | None, recipes: tuple[str, ...]
) -> Iterator[tuple[Any, tuple[str, ...]]]:
    from kefu.factory.data.pool import pool_of, quick_models
    from kefu.factory.evaluate.exam import texts_of
    from kefu.kit.errors import BadInput

    if not models and labelled is None:
        raise click.UsageError("Give a --model, or the --labelled texts that one is to learn from.")
    if out.resolve() in {pool.resolve(), *([labelled.resolve()] if labelled else [])}:
        raise BadInput(f"{out} is a file that is read; choose another name for what is written.")
    known = _dataset(labelled)
    texts = texts_of(pool)
    if models:
        yield pool_of(texts, models, known)
        return
    assert known is not None
    with quick_models(known, recipes) as folders:
        yield pool_of(texts, folders, known)


def _dataset(labelled: Path | None) -> "Dataset | None":
    from kefu.factory.data.read import read

    return read(labelled) if labelled is not None else None


def _labelled_rows(labelled: Path | None) -> list[tuple[str, str, str, str]]:
    known = _dataset(labelled)
    rows = known.examples if known is not None else ()
    return [(each.text, each.label, "person", "") for each in rows if each.label is not None]


def _write(out: Path, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    import csv
    import json

    partial = out.with_name(f"{out.name}.partial")
    out.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("w", encoding="utf-8", newline="") as file:
        if out.suffix.lower() == ".jsonl":
            file.writelines(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)
        else:
            writer = csv.writer(file, delimiter="\t" if out.suffix.lower() == ".tsv" else ",")
            writer.writerow(columns)
            writer.writerows(rows)
    partial.replace(out)

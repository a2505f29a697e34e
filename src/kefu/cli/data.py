"""`kefu data`: labelled data looked at, cleaned, split and augmented before a model learns from it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kefu.cli.data_pool import guess, select
from kefu.cli.data_texts import gather
from kefu.cli.session import json_option, print_json

if TYPE_CHECKING:
    from types import TracebackType

    from kefu.contracts.dataset import Dataset
    from kefu.contracts.job import Told
    from kefu.factory.data.probabilities import OutOfFold

_FILE = click.Path(path_type=Path)
_LETTERS = "letters"


def _reading(command: Any) -> Any:
    """The options that say how a file is read."""
    for option in (
        click.option("--split-name", "part", help="Which split of a CLINC JSON; train by default."),
        click.option("--skip-bad", is_flag=True, help="Leave out rows that cannot be used, and name them."),
        click.option("--score-column", help="The column with the number to predict."),
        click.option("--label-column", help="The column with the label."),
        click.option("--text-column", help="The column with the text."),
    ):
        command = option(command)
    return command


@click.group()
def data() -> None:
    """Look at labelled data, clean, split and augment them; choose what to label next; gather texts."""


data.add_command(select)
data.add_command(guess)
data.add_command(gather)


@data.command()
@click.argument("file", type=_FILE)
@click.option("--valid", type=_FILE, help="The validation file: leaks between the two are looked for.")
@click.option("--label-errors/--no-label-errors", default=True, help="Look for wrong labels; takes the longest.")
@click.option(
    "--encoder", help=f"package:NAME or path:DIR for wrong labels; {_LETTERS!r} for none. By language if not given."
)
@click.option("--decisions", type=_FILE, help="Write doubted rows there, for a person to decide; see: kefu data clean.")
@click.option("--strict", is_flag=True, help="Exit with 1 when something serious is found.")
@_reading
@json_option
def check(
    file: Path,
    valid: Path | None,
    label_errors: bool,
    encoder: str | None,
    decisions: Path | None,
    strict: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Say what is in FILE and what would mislead a model: duplicates, leaks, wrong labels, personal data."""
    train = _read(file, reading)
    other = _read(valid, reading) if valid else None
    from kefu.factory.data.check import check as look
    from kefu.factory.data.check import holds_pictures
    from kefu.factory.data.clean import write_decisions
    from kefu.factory.data.report import lines

    with _Bars(quiet=as_json) as bars:
        wanted = label_errors and len(train.labels) > 1 and not holds_pictures(train)
        probabilities = _probabilities(train, encoder, bars) if wanted else None
        report = look(train, other, probabilities=probabilities, tell=bars)
    if decisions:
        write_decisions(report.suspects, decisions)
    if as_json:
        print_json({"file": str(file), **_described(train), "bad": _bad(train), **report.to_json()})
    else:
        _tell_mapping(file, train)
        click.echo("\n".join(lines(report)))
        if decisions:
            click.echo(f"{len(report.suspects)} rows to decide about are in {decisions}.")
    if strict and report.serious:
        raise SystemExit(1)


@data.command()
@click.argument("file", type=_FILE)
@click.option("--out", type=_FILE, required=True, help="The cleaned file: .csv, .tsv, .jsonl or .jsonl.gz.")
@click.option("--decisions", type=_FILE, help="Rows to drop or relabel, as `kefu data check --decisions` writes them.")
@click.option("--changes", type=_FILE, help="The list of changes; beside the cleaned file if not given.")
@click.option("--tidy/--no-tidy", default=True, help="Blanks, hidden characters, width.")
@click.option("--duplicates/--no-duplicates", "drop", default=True, help="Drop duplicates.")
@click.option("--mask/--no-mask", default=True, help="Personal data become placeholders.")
@_reading
@json_option
def clean(
    file: Path,
    out: Path,
    decisions: Path | None,
    changes: Path | None,
    tidy: bool,
    drop: bool,
    mask: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Write FILE anew without duplicates, stray blanks and personal data, and list what was changed."""
    dataset = _read(file, reading)
    from kefu.factory.data.clean import clean as cleaned
    from kefu.factory.data.clean import read_decisions, write_changes
    from kefu.factory.data.read import write

    decided = read_decisions(decisions) if decisions else ()
    with _Bars(quiet=as_json) as bars:
        result, made = cleaned(
            dataset, decisions=decided, tidy=tidy, drop_duplicates=drop, mask_personal=mask, tell=bars
        )
    listed = changes or out.with_name(f"{out.name}.changes.csv")
    _not_over(file, out, listed)
    write(result, out)
    write_changes(made, listed)
    counts = {what: sum(1 for each in made if each.what == what) for what in sorted({each.what for each in made})}
    if as_json:
        print_json({"out": str(out), "changes": str(listed), "counts": counts, **_described(result)})
        return
    _tell_mapping(file, dataset)
    for what, count in counts.items():
        click.echo(f"{count:,} {what}")
    click.echo(f"{len(result.examples):,} examples in {out}; what was changed: {listed}")


@data.command()
@click.argument("file", type=_FILE)
@click.option("--out", type=_FILE, required=True, help="The folder for train, valid and test.")
@click.option("--ratios", default="0.8,0.1,0.1", show_default=True, help="Two (train, valid) or three (and test).")
@click.option("--seed", default=0, show_default=True)
@_reading
@json_option
def split(file: Path, out: Path, ratios: str, seed: int, as_json: bool, **reading: Any) -> None:
    """Split FILE by label into train, valid and test; variants of a text stay together."""
    shares = _ratios(ratios)
    dataset = _read(file, reading)
    from kefu.factory.data.parts import write_parts
    from kefu.factory.data.split import split as parted

    parts = parted(dataset, shares, seed=seed)
    ending = next((each for each in (".tsv", ".jsonl") if file.name.lower().endswith(each)), ".csv")
    _not_over(file, *(out / f"{name}{ending}" for name in ("train", "valid", "test")))
    written = write_parts(parts, out, source=dataset, seed=seed, ending=ending)
    if as_json:
        print_json({each.name: {"file": str(each.path), **_described(each.data)} for each in written})
        return
    _tell_mapping(file, dataset)
    for each in written:
        click.echo(f"{len(each.data.examples):,} examples of {len(each.data.labels):,} labels in {each.path}")


@data.command()
@click.argument("file", type=_FILE)
@click.option("--out", type=_FILE, required=True, help="The larger file: .csv, .tsv, .jsonl or .jsonl.gz.")
@click.option("--per-example", default=2, show_default=True, help="Variants of each example at most.")
@click.option("--seed", default=0, show_default=True)
@click.option("--kinds", help="Only these, with commas: typo,synonym,drop,swap,case,width,homophone.")
@click.option("--valid", type=_FILE, multiple=True, help="What will be measured on: no variant comes near it.")
@_reading
@json_option
def augment(
    file: Path,
    out: Path,
    per_example: int,
    seed: int,
    kinds: str | None,
    valid: tuple[Path, ...],
    as_json: bool,
    **reading: Any,
) -> None:
    """Write FILE anew with variants of its texts; a part of a split that is measured on is refused."""
    dataset = _read(file, reading)
    from kefu.factory.data.augment import augment as varied
    from kefu.factory.data.parts import measured_beside
    from kefu.factory.data.read import write
    from kefu.factory.data.rewrite import KINDS

    apart = [*measured_beside(file, dataset), *(_read(each, reading) for each in valid)]
    chosen = tuple(each.strip() for each in kinds.split(",")) if kinds else KINDS
    with _Bars(quiet=as_json) as bars:
        larger = varied(dataset, per_example=per_example, seed=seed, kinds=chosen, apart=apart, tell=bars)
    _not_over(file, out)
    write(larger, out)
    if as_json:
        print_json({"out": str(out), "made": len(larger.examples) - len(dataset.examples), **_described(larger)})
        return
    _tell_mapping(file, dataset)
    click.echo(f"{len(dataset.examples):,} examples became {len(larger.examples):,} in {out}.")


class _Bars:
    """What the bench tells as it works, as progress bars on a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._unit = ""

    def __enter__(self) -> "_Bars":
        return self

    def __exit__(self, kind: "type[BaseException] | None", error: object, trace: "TracebackType | None") -> None:
        self._close()

    def __call__(self, told: "Told", fields: Mapping[str, Any]) -> None:
        from tqdm import tqdm

        if fields.get("unit", "") != self._unit:
            self._close()
            self._unit = str(fields.get("unit", ""))
            # `None` shows a bar on a terminal only.
            self._bar = tqdm(total=fields["total"], unit=f" {self._unit}", disable=self._quiet or None, leave=False)
        self._bar.n = fields["done"]
        self._bar.refresh()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar, self._unit = None, ""


def _read(path: Path, reading: Mapping[str, Any]) -> "Dataset":
    """Read a file; rows that are left out are named on standard error."""
    from kefu.factory.data.read import read
    from kefu.knowledge.labels.read import SHOWN, told

    dataset = read(
        path,
        skip_bad=reading["skip_bad"],
        text_column=reading["text_column"],
        label_column=reading["label_column"],
        score_column=reading["score_column"],
        split=reading["part"],
    )
    for bad in dataset.bad[:SHOWN]:
        click.secho(f"left out: {told(bad)}", fg="yellow", err=True)
    if len(dataset.bad) > SHOWN:
        click.secho(f"and {len(dataset.bad) - SHOWN:,} more", fg="yellow", err=True)
    return dataset


def _tell_mapping(path: Path, dataset: "Dataset") -> None:
    """What a file was taken for; said once the work is done, for a command that fails says its one sentence only."""
    mapped = ", ".join(f"{role} from {column!r}" for role, column in dataset.mapping.items())
    click.echo(f"{path}: {dataset.format}; {mapped}")


def _probabilities(train: "Dataset", encoder: str | None, bars: _Bars) -> "OutOfFold":
    from kefu.factory.data.probabilities import by_encoder, by_letters, encoder_for

    if encoder == _LETTERS:
        return by_letters(tell=bars)
    return by_encoder(encoder or encoder_for([each.text for each in train.examples]), tell=bars)


def _described(dataset: "Dataset") -> dict[str, Any]:
    return {
        "format": dataset.format,
        "mapping": dict(dataset.mapping),
        "examples": len(dataset.examples),
        "sha256": dataset.sha256,
    }


def _bad(dataset: "Dataset") -> list[dict[str, Any]]:
    return [{"row": e.row, "column": e.column, "problem": e.problem, "fix": e.fix} for e in dataset.bad]


def _ratios(written: str) -> list[float]:
    try:
        return [float(each) for each in written.split(",")]
    except ValueError:
        raise click.UsageError(f"--ratios are numbers with commas, such as 0.8,0.1,0.1; not {written!r}.") from None


def _not_over(source: Path, *targets: Path) -> None:
    """A file is never written over itself: its rows are what change lists and decisions speak of."""
    from kefu.kit.errors import BadInput

    for target in targets:
        if target.resolve() == source.resolve():
            raise BadInput(f"{target} is the file that is read; choose another name for what is written.")

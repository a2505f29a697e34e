"""What a job tells, shown to a person: a bar on a terminal, a line for each thing worth one."""

import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import click

if TYPE_CHECKING:
    from kefu.contracts.job import Told


class Progress:
    """Shows events. A context manager, so that no half-drawn bar is left behind."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._total = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def show(self, told: "Told", fields: Mapping[str, Any]) -> None:
        """One event."""
        from kefu.contracts.job import Told

        if told is Told.PROGRESS:
            self._tick(fields)
        elif told is Told.STARTED:
            self.say(f"{fields.get('recipe', fields['kind'])}: {fields.get('rows', 0):,} rows{_labels(fields)}")
        elif told is Told.EPOCH:
            rest = _figures({name: value for name, value in fields.items() if name != "epoch"})
            self.say(f"epoch {fields['epoch']}" + (f": {rest}" if rest else ""))
        elif told in {Told.NOTE, Told.CANCELLED}:
            self.say(str(fields["sentence"]))
        elif told is Told.FINISHED:
            figures = _figures(_main(fields["metrics"]))
            self.say(f"Finished in {fields['seconds']:g} s{f': {figures}' if figures else '.'}")

    def say(self, sentence: str, *, err: bool = False) -> None:
        """A line of its own."""
        self._end()
        click.echo(sentence, err=err)

    def _tick(self, fields: Mapping[str, Any]) -> None:
        if not sys.stderr.isatty():
            return
        from tqdm import tqdm

        if self._bar is None or self._total != fields["total"]:
            self._end()
            self._total = fields["total"]
            # A terminal that does not say its size (a pty of some tools) has the usual one.
            columns, rows = shutil.get_terminal_size()
            self._bar = tqdm(total=self._total, unit=f" {fields['unit']}", leave=False, ncols=columns, nrows=rows)
        self._bar.update(fields["done"] - self._bar.n)

    def _end(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


# The figures that a line has room for; all of them are on the card.
_MAIN = (
    "span_f1",
    "accuracy",
    "linear_accuracy",
    "macro_f1",
    "ece",
    "oos_auroc",
    "mae",
    "pearson",
    "latency_p95_ms",
    "size_mb",
)


def _main(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: metrics[name] for name in _MAIN if metrics.get(name) is not None}


def _labels(fields: Mapping[str, Any]) -> str:
    """Chats, pairs, texts and numbers have none."""
    return f", {fields['labels']:,} labels" if fields.get("labels") else ""


def _figures(fields: Mapping[str, Any]) -> str:
    """`accuracy 0.912, loss 0.31`; a learning rate keeps its small digits."""
    shown = []
    for name, value in fields.items():
        if isinstance(value, bool | int | str):
            shown.append(f"{name.replace('_', ' ')} {value}")
        elif isinstance(value, float):
            shown.append(f"{name.replace('_', ' ')} {value:.4g}")
    return ", ".join(shown)

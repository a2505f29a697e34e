"""What a tuning leaves for people: best.yaml, trials.csv, and a page with what mattered."""

import csv
import io
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from kefu.factory.evaluate import charts

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def write_best(out: Path, recipe: str, chosen: Mapping[str, Any], *, value: float, trials: int, share: float) -> None:
    """The best options as a recipe's YAML, which `kefu train` takes."""
    head = f"# The best of {trials} trials: {value:.4f} on {share:.0%} of the training file, which was kept apart.\n"
    _write(out / "best.yaml", head + yaml.safe_dump({"recipe": recipe, **chosen}, sort_keys=False, allow_unicode=True))


def write_page(out: Path, recipe: str, trials: Sequence[Any], best: Any, importance: Mapping[str, float]) -> None:
    """report.html and trials.csv."""
    _write(out / "trials.csv", _table(trials))
    css = files("kefu.factory.evaluate").joinpath("page.css").read_text(encoding="utf-8")
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><title>{escape(recipe)}, tuned</title>'
        f"<style>{css}</style>"
    )
    body = "\n".join([*_said(recipe, trials, best), *_mattered(importance), *_listed(trials, best)])
    _write(out / "report.html", f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n')


def _said(recipe: str, trials: Sequence[Any], best: Any) -> list[str]:
    chosen = ", ".join(f"{name} {_figure(value)}" for name, value in best.params.items())
    return [
        f"<h1>{escape(recipe)}, tuned</h1>",
        f'<p class="dim">{len(trials)} trials. The best was number {best.number} with {best.value:.4f}: '
        f"{escape(chosen)}.</p>",
    ]


def _mattered(importance: Mapping[str, float]) -> list[str]:
    if not importance:
        return ["<p>Too few trials came to an end to say which options matter.</p>"]
    rows = [(name, share, "of the difference", False) for name, share in importance.items()]
    said = "How much of the difference between trials each option explains (fANOVA)."
    return ["<h2>What mattered</h2>", f"<figure>{charts.bars(rows)}<figcaption>{said}</figcaption></figure>"]


def _listed(trials: Sequence[Any], best: Any) -> list[str]:
    names = list(dict.fromkeys(name for each in trials for name in each.params))
    head = "".join(f"<th>{escape(name)}</th>" for name in ("trial", "value", "state", *names))
    rows = []
    for each in sorted(trials, key=lambda one: (one.value is None, -(one.value or 0))):
        cells = (each.number, each.value, _state(each), *(each.params.get(name) for name in names))
        mark = ' class="best"' if each.number == best.number else ""
        rows.append(f"<tr{mark}>" + "".join(f"<td>{escape(_figure(cell))}</td>" for cell in cells) + "</tr>")
    return ["<h2>Trials</h2>", f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"]


def _table(trials: Sequence[Any]) -> str:
    names = list(dict.fromkeys(name for each in trials for name in each.params))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["trial", "state", "value", *names, "reason"])
    for each in trials:
        cells = (each.params.get(name, "") for name in names)
        writer.writerow([each.number, _state(each), each.value, *cells, each.user_attrs.get("reason", "")])
    return out.getvalue()


def _state(trial: Any) -> str:
    return {"COMPLETE": "finished", "PRUNED": "stopped early", "FAIL": "failed"}.get(trial.state.name, "running")


def _figure(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)

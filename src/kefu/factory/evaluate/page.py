"""The report as a page: self-contained, escaped, without scripts; light or dark as the reader's system is."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from kefu.factory.evaluate import charts
from kefu.factory.evaluate.fairness import GAPS

Table = Mapping[str, Any]

# Nothing is fetched, and nothing of the data's can run.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
# Rows that a table shows before the reader asks for the rest.
_OPEN = 15


def page(table: Table) -> str:
    """One HTML document of the table that `judging` and `scoring` make."""
    css = files("kefu.factory.evaluate").joinpath("page.css").read_text(encoding="utf-8")
    title = escape(f"{table['model']['name']} on {table['data']['name']}")
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><title>{title}</title><style>{css}</style>'
    )
    kinds = {"score": _numbers, "tag": _slots, "embed": _pairs, "rerank": _lists}
    kinds |= {"language": _language, "generate": _language}
    body = "\n".join(kinds.get(table["model"]["task"], _labels)(table))
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def _labels(table: Table) -> Iterator[str]:
    yield _header(table)
    yield _tiles(_label_tiles(table))
    yield from _comparisons(table)
    yield '<h2>How sure it is, and what it lets in</h2><div class="charts">'
    yield from _label_charts(table)
    yield "</div>"
    yield from _slices(table)
    yield from _confusion(table)
    yield from _per_label(table)
    yield from _mistakes(table, "Surest mistakes", "Often it is the file that is wrong: look at these labels first.")
    yield from _about(table)


def _numbers(table: Table) -> Iterator[str]:
    found = table["metrics"]
    yield _header(table)
    yield _tiles(
        [
            (f"{found['mae']:.3f}", "mean absolute error"),
            (f"{found['mse']:.3f}", "mean squared error"),
            (f"{found['pearson']:.3f}", "correlation (Pearson)"),
            (f"{found['sign']:.1%}", f"sign right, 95% from {found['sign_low']:.1%} to {found['sign_high']:.1%}"),
            *_cost_tiles(table),
        ]
    )
    yield from _comparisons(table)
    yield '<h2>Given and meant</h2><div class="charts">'
    yield _figure(charts.scatter(table["points"]), "On the diagonal the number given is the number meant.")
    yield "</div>"
    yield from _slices(table)
    yield from _mistakes(table, "Furthest off", "")
    yield from _about(table)


def _slots(table: Table) -> Iterator[str]:
    found = table["metrics"]
    yield _header(table)
    yield _tiles(
        [
            (f"{found['span_f1']:.3f}", "span F1: slot, beginning and end all right"),
            (f"{found['span_precision']:.3f}", "precision"),
            (f"{found['span_recall']:.3f}", "recall"),
            (
                f"{found['rows_right']:.1%}",
                f"texts with every slot right, 95% from {found['rows_low']:.1%} to {found['rows_high']:.1%}",
            ),
            *_cost_tiles(table),
        ]
    )
    yield from _comparisons(table)
    yield from _slices(table)
    yield from _per_label(table)
    yield from _mistakes(table, "Surest mistakes", "Often it is the file that is wrong: look at these places first.")
    yield from _about(table)


def _pairs(table: Table) -> Iterator[str]:
    found = table["metrics"]
    yield _header(table)
    yield _tiles(
        [
            (f"{found['recall_1']:.1%}", "questions whose passage comes first"),
            (
                f"{found['recall_5']:.1%}",
                f"in the first five, 95% from {found['recall_5_low']:.1%} to {found['recall_5_high']:.1%}",
            ),
            (f"{found['mrr']:.3f}", "mean reciprocal rank"),
            *_cost_tiles(table),
        ]
    )
    yield from _comparisons(table)
    yield from _slices(table)
    yield from _mistakes(table, "Furthest from their passage", "")
    yield from _about(table)


def _lists(table: Table) -> Iterator[str]:
    found = table["metrics"]
    yield _header(table)
    yield _tiles(
        [
            (
                f"{found['recall_1']:.1%}",
                f"questions whose passage comes first, 95% from {found['recall_1_low']:.1%} to "
                f"{found['recall_1_high']:.1%}; by search alone {found['before_recall_1']:.1%}",
            ),
            (f"{found['recall_5']:.1%}", f"in the first five; by search alone {found['before_recall_5']:.1%}"),
            (f"{found['mrr']:.3f}", f"mean reciprocal rank; by search alone {found['before_mrr']:.3f}"),
            (f"{found['found']:.1%}", "whose passage is among those that are read"),
            *_cost_tiles(table),
        ]
    )
    yield from _comparisons(table)
    yield from _slices(table)
    yield from _mistakes(table, "Furthest from their passage", "")
    yield from _about(table)


# Of language, what a tile shows and how it is written.
_SAID = {
    "perplexity": ("{:.2f}", "perplexity: words it thinks as likely as the right one"),
    "other_perplexity": ("{:.2f}", "perplexity of the other"),
    "token_accuracy": ("{:.1%}", "words that it thinks first of"),
    "accuracy": ("{:.1%}", "held questions right"),
    "exact": ("{:.1%}", "answers as they are meant, to the letter"),
    "refused_rightly": ("{:.1%}", "refused where a refusal is meant"),
    "refused_wrongly": ("{:.1%}", "refused where there is an answer"),
    "grounded": ("{:.1%}", "of the answers given, grounded in what was shown"),
}


def _language(table: Table) -> Iterator[str]:
    found = table["metrics"]
    yield _header(table)
    shown = [(form.format(found[name]), said) for name, (form, said) in _SAID.items() if found.get(name) is not None]
    yield _tiles([*shown, *_cost_tiles(table)])
    if "answered_by" in table:
        yield f'<p class="dim">Answers are given {escape(table["answered_by"])}.</p>'
    yield from _comparisons(table)
    yield from _slices(table)
    yield from _mistakes(table, "Answers that are not as meant", "")
    yield from _about(table)


def _header(table: Table) -> str:
    model, data = table["model"], table["data"]
    parts = [f"recipe {model['recipe']}", f"runs as {model['runtime']} ({model['variant']})"]
    if model["base_model"]:
        parts.append(f"on {model['base_model']}")
    parts += [f"{language} on {base}" for language, base in model.get("own_heads", {}).items()]
    counts = f"{data['rows']:,} rows"
    if data.get("out_of_scope"):
        counts = f"{data['in_scope']:,} texts in scope, {data['out_of_scope']:,} out of scope"
    unknown = data.get("unknown_labels")
    warning = f"<p>Labels that the model does not know: {escape(', '.join(unknown))}.</p>" if unknown else ""
    return (
        f"<h1>{escape(model['name'])}</h1>"
        f'<p class="dim">{escape(", ".join(parts))} · examined on {escape(data["name"])}: {counts}</p>{warning}'
    )


def _label_tiles(table: Table) -> list[tuple[str, str]]:
    found = table["metrics"]
    low, high = found["accuracy_low"], found["accuracy_high"]
    tiles = [
        (f"{found['accuracy']:.1%}", f"accuracy, 95% from {low:.1%} to {high:.1%}"),
        (f"{found['macro_f1']:.3f}", "macro F1"),
        (f"{found['ece']:.3f}", "calibration error (15 bins)"),
    ]
    if found["oos_auroc"] is not None:
        tiles += [
            (f"{found['oos_auroc']:.3f}", "out of scope, AUROC"),
            (f"{found['oos_recall']:.1%}", "out of scope, found"),
        ]
    tiles.append((f"{found['in_scope_rejected']:.1%}", "in scope, rejected"))
    return tiles + _cost_tiles(table)


def _cost_tiles(table: Table) -> list[tuple[str, str]]:
    tiles = [
        (f"{each['p50']:.1f} / {each['p95']:.1f} ms", f"p50 / p95 of a text, {_threads(each['threads'])}")
        for each in table["latency"]
    ]
    size = table["model"]["size_mb"]
    return [*tiles, (f"{size:.1f} MB", "of its own files")] if size is not None else tiles


def _comparisons(table: Table) -> Iterator[str]:
    said = [each["sentence"] for each in table.get("comparisons") or ()]
    other = table.get("generalisation")
    if other:
        said.append(
            f"On {other['name']}, another domain: {other['accuracy']:.1%}, {0 - 100 * other['lost']:+.1f} points "
            f"(95% from {other['accuracy_low']:.1%} to {other['accuracy_high']:.1%})."
        )
    known = table.get("extended") or {}
    for name, what in (("old", "of the earlier model"), ("new", "new")):
        if f"{name}_labels_after" in known:
            before, after = known[f"{name}_labels_before"], known[f"{name}_labels_after"]
            said.append(f"Labels that are {what}: {before:.1%} before, {after:.1%} after.")
    if said:
        yield "<h2>Beside others</h2><ul>" + "".join(f"<li>{escape(each)}</li>" for each in said) + "</ul>"


def _label_charts(table: Table) -> Iterator[str]:
    found, model = table["metrics"], table["model"]
    yield _figure(
        charts.reliability(table["reliability"]),
        f"Bars: how many were right; lines: how sure it was. Temperature {model['temperature']:.2f}.",
    )
    if not table["oos_curve"]:
        return
    at = (found["in_scope_rejected"], found["oos_recall"])
    yield _figure(
        charts.scope_curve(table["oos_curve"], at),
        f"AUROC {found['oos_auroc']:.3f}; where 95% in scope are let in, so is {found['oos_fpr95']:.1%} out of scope. "
        "The dot is the model's threshold.",
    )
    yield _figure(
        charts.histogram(
            table["scope_histogram"]["inside"], table["scope_histogram"]["outside"], model["scope_threshold"]
        ),
        "Blue: texts in scope; orange: out of scope; the line is the threshold.",
    )


def _slices(table: Table) -> Iterator[str]:
    parts, worst = table["slices"], table["worst_slice"]
    if not parts:
        return
    yield "<h2>Parts</h2>"
    if worst:
        each = parts[worst]
        yield f"<p>Worst: {escape(worst)}, {each['accuracy']:.1%} of {each['rows']:,} rows.</p>"
    rows = [(name, each["accuracy"], f"of {each['rows']:,}", name == worst) for name, each in parts.items()]
    yield _figure(charts.bars(rows), _forms(table.get("rewritten") or ()))
    gaps = {name: table["metrics"].get(name) for name in GAPS.values()}
    said = [f"{name.rpartition('_')[2]} {100 * gap:.1f}" for name, gap in gaps.items() if gap is not None]
    if said:
        yield f"<p>Between those served best and worst, in points of accuracy: {', '.join(said)}.</p>"


def _forms(forms: Sequence[Table]) -> str:
    said = [f"{each['name']} {each['right_before']} → {each['right']} of {each['rows']}" for each in forms]
    return f"Right as written, and in another form: {'; '.join(said)}." if said else ""


def _confusion(table: Table) -> Iterator[str]:
    counts = {(truth, given): rows for truth, given, rows in table["confusion_counts"]}
    labels = _shown_labels(counts)
    yield "<h2>What is taken for what</h2>"
    every = len({label for pair in counts for label in pair})
    caption = "Rows: the label meant; columns: the label given."
    if len(labels) < every:
        caption += f" The {len(labels)} labels with the most mistakes of {every}."
    yield _figure(charts.matrix(labels, counts), caption)
    if table["confusions"]:
        yield "<h2>Most frequent mistakes</h2>"
        rows = [
            (each["truth"], each["predicted"], each["rows"], f"{each['share']:.0%}", each["example"])
            for each in table["confusions"]
        ]
        yield _table(("meant", "given", "#texts", "#of the label", "for example"), rows)


def _shown_labels(counts: Mapping[tuple[str, str], int]) -> list[str]:
    """All labels where they fit, else those with the most mistakes; in order."""
    labels = sorted({label for pair in counts for label in pair})
    if len(labels) <= charts.MOST_LABELS:
        return labels
    wrong: Counter[str] = Counter()
    for (truth, given), rows in counts.items():
        if truth != given:
            wrong.update({truth: rows, given: rows})
    ordered = sorted(labels, key=lambda label: (-wrong[label], label))
    return sorted(ordered[: charts.MOST_LABELS])


def _per_label(table: Table) -> Iterator[str]:
    what = "slot" if table["model"]["task"] == "tag" else "label"
    yield f"<h2>Each {what}, the weakest first</h2>"
    rows = [
        (name, f"{each['precision']:.3f}", f"{each['recall']:.3f}", f"{each['f1']:.3f}", each["support"])
        for name, each in sorted(table["per_label"].items(), key=lambda item: (item[1]["f1"], item[0]))
    ]
    yield _table((what, "#precision", "#recall", "#F1", "#texts"), rows)


def _mistakes(table: Table, title: str, hint: str) -> Iterator[str]:
    if not table["mistakes"]:
        return
    yield f"<h2>{title}</h2>" + (f'<p class="dim">{hint}</p>' if hint else "")
    rows = [
        (each["row"], each["text"], each["truth"], each["predicted"], f"{each['confidence']:.2f}")
        if "confidence" in each
        else (each["row"], each["text"], f"{each['truth']:+.2f}", f"{each['predicted']:+.2f}")
        for each in table["mistakes"]
    ]
    yield _table(("#row", "text", "meant", "given", "#sure")[: len(rows[0])], rows)


def _about(table: Table) -> Iterator[str]:
    model = table["model"]
    yield "<h2>What it is</h2>"
    rows = [
        ("languages", ", ".join(model["languages"])),
        ("taught on", f"data {model['data_sha256']}"),
        ("examined on", f"data {table['data']['sha256']}"),
        ("seed", model["seed"]),
        ("options", ", ".join(f"{name}={value!r}" for name, value in model["options"].items())),
        ("made", model["created"]),
    ]
    yield _table(("", ""), rows)


def _figure(chart: str, caption: str) -> str:
    said = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{chart}{said}</figure>"


def _tiles(tiles: Iterable[tuple[str, str]]) -> str:
    shown = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span></div>' for value, name in tiles
    )
    return f'<div class="tiles">{shown}</div>'


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A name that begins with # heads numbers. Past _OPEN rows the rest is folded away."""
    head = "".join(f"<th{_kind(name)}>{escape(name.lstrip('#'))}</th>" for name in names)
    head = f"<thead><tr>{head}</tr></thead>" if any(names) else ""
    first = f'<div class="box"><table>{head}<tbody>{_rows(names, rows[:_OPEN])}</tbody></table></div>'
    if len(rows) <= _OPEN:
        return first
    rest = f'<div class="box"><table>{head}<tbody>{_rows(names, rows[_OPEN:])}</tbody></table></div>'
    return f"{first}<details><summary>{len(rows) - _OPEN} more</summary>{rest}</details>"


def _rows(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    return "".join(
        "<tr>"
        + "".join(f"<td{_kind(name)}>{escape(str(cell))}</td>" for name, cell in zip(names, row, strict=True))
        + "</tr>"
        for row in rows
    )


def _kind(name: str) -> str:
    if name.startswith("#"):
        return ' class="number"'
    return ' class="text"' if name in {"text", "for example"} else ""


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"

"""A classifier on an exam: every figure, as the table that report.json and the page are written from."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.contracts.dataset import Example
from kefu.contracts.engine import Classifier
from kefu.contracts.job import Tell
from kefu.contracts.model_card import ModelCard, Slice
from kefu.factory.evaluate import fairness, metrics, slices
from kefu.factory.evaluate.exam import Exam
from kefu.factory.evaluate.paired import accuracy_interval
from kefu.factory.evaluate.served import Answers, answers, classifier, latencies
from kefu.factory.evaluate.sheet import Flags, fill, model_table, slices_table
from kefu.knowledge.pictures import is_picture

# What a page shows; whoever wants all of it has `predict`.
_CONFUSIONS, _MISTAKES, _SHOWN_CHARACTERS = 30, 30, 300
_HISTOGRAM = 20


@dataclass(frozen=True)
class Sat:
    """A model's answers to an exam: `inside` those to its labelled texts, `outside` to those out of scope."""

    card: ModelCard
    exam: Exam
    inside: Answers
    outside: Answers

    @property
    def right(self) -> Flags:
        """Of each labelled text whether its label was given; being rejected does not count here."""
        return np.array([said == meant for said, meant in zip(self.inside.predicted, self.exam.truth, strict=True)])

    @property
    def has_scope(self) -> bool:
        return bool(len(self.outside.scope)) and not np.isnan(self.outside.scope).any()


def sit(folder: Path, card: ModelCard, exam: Exam, tell: Tell | None = None) -> Sat:
    """Ask the model everything. Raises BadInstallation for a folder that was tampered with."""
    with classifier(folder) as engine:
        return _sit(engine, card, exam, tell)


def judged(folder: Path, card: ModelCard, exam: Exam, tell: Tell | None = None) -> tuple[Sat, dict[str, Any]]:
    """The model's answers, and its report without comparisons."""
    with classifier(folder) as engine:
        sat = _sit(engine, card, exam, tell)
        parts, forms = _slices(engine, sat)
        timed = latencies(engine.classify, folder, [each.text for each in exam.inside], card.task)
    table = {
        "model": model_table(card, "labels", "temperature", "scope_threshold"),
        "data": _data(exam, card),
        "metrics": figures(sat) | fairness.gaps(parts, _as_they_were(forms)),
        **_details(sat),
        "rewritten": forms,
        **slices_table(parts, timed),
    }
    return sat, table


def figures(sat: Sat) -> dict[str, Any]:
    """The figures of the command line and the card; those of texts out of scope are None without any."""
    truth, inside, right = sat.exam.truth, sat.inside, sat.right
    labels = metrics.per_label(truth, inside.predicted)
    low, high = accuracy_interval(right)
    places = _places(truth, sat.card.labels)
    scope = _scope(sat)
    return {
        "accuracy": float(right.mean()),
        "accuracy_low": low,
        "accuracy_high": high,
        "macro_f1": metrics.macro_f1(labels),
        "ece": metrics.calibration_error(metrics.reliability(inside.confidence, right)),
        "brier": metrics.brier(inside.shares, places),
        "nll": metrics.log_loss(inside.shares, places),
        "oos_auroc": scope.auroc if scope else None,
        "oos_fpr95": scope.fpr95 if scope else None,
        "oos_recall": scope.recall if scope else None,
        "in_scope_rejected": float(inside.outside.mean()),
    }


def verdict_rows(sat: Sat) -> str:
    """A character for each row of the exam's file: 1 for a right label, or a text out of scope that was rejected."""
    given = iter(sat.right.tolist())
    own = iter(sat.outside.outside.tolist())
    return "".join(
        "1" if (next(given) if each.label is not None else next(own)) else "0" for each in sat.exam.data.examples
    )


def on_card(card: ModelCard, sat: Sat, table: dict[str, Any]) -> ModelCard:
    """The card with what was found, the floor's accuracy beside."""
    found = fill(card, table, sat.exam.data, verdict_rows(sat))
    floor = next((each for each in table.get("comparisons", ()) if each["name"] == "linear"), None)
    return replace(found, metrics={**found.metrics, "linear_accuracy": round(floor["accuracy"], 6)}) if floor else found


def _sit(engine: Classifier, card: ModelCard, exam: Exam, tell: Tell | None) -> Sat:
    found = answers(engine, card.labels, exam.texts, tell)
    count = len(exam.inside)
    return Sat(card, exam, found.part(0, count), found.part(count, count + len(exam.outside)))


def _scope(sat: Sat) -> metrics.ScopeFigures | None:
    if not sat.has_scope:
        return None
    return metrics.scope_figures(sat.inside.scope, sat.outside.scope, sat.outside.outside)


def _slices(engine: Classifier, sat: Sat) -> tuple[dict[str, Slice], list[dict[str, Any]]]:
    """All slices; and beside each rewritten one how the same texts did as they were."""
    texts, right, truth = [each.text for each in sat.exam.inside], sat.right, sat.exam.truth
    are_pictures = sat.card.runtime == "picture"  # which have no language, no length and no typos
    found = {} if are_pictures else slices.by_language(texts, [each.language for each in sat.exam.inside], right)
    found |= {} if are_pictures else slices.by_length(texts, right)
    found |= fairness.by_customers(sat.exam.inside, right)
    if len(sat.exam.outside):
        # A version that rejects whatever it can would win rows out of scope; here it loses them.
        found[slices.LET_IN] = Slice(len(right), int((right & ~sat.inside.outside).sum()))
        found[slices.OUTSIDE] = Slice(len(sat.exam.outside), int(sat.outside.outside.sum()))
    forms = []
    for form in () if are_pictures else (*slices.rewritten(texts), *fairness.forms(texts)):
        said = answers(engine, sat.card.labels, form.texts).predicted
        correct = sum(label == truth[row] for label, row in zip(said, form.rows, strict=True))
        found[form.name] = Slice(len(form.rows), correct)
        before = int(right[list(form.rows)].sum())
        forms.append({"name": form.name, "rows": len(form.rows), "right": correct, "right_before": before})
    return found, forms


def _as_they_were(forms: Sequence[dict[str, Any]]) -> dict[str, Slice]:
    return {each["name"]: Slice(each["rows"], each["right_before"]) for each in forms}


def _details(sat: Sat) -> dict[str, Any]:
    truth, said = sat.exam.truth, sat.inside.predicted
    scope = _scope(sat)
    return {
        "per_label": {name: asdict(each) for name, each in metrics.per_label(truth, said).items()},
        "confusions": _with_examples(sat, metrics.confusions(truth, said, _CONFUSIONS)),
        "confusion_counts": _counts(truth, said),
        "reliability": [asdict(each) for each in metrics.reliability(sat.inside.confidence, sat.right)],
        "mistakes": _mistakes(sat),
        "oos_curve": [list(point) for point in scope.curve] if scope else [],
        "scope_histogram": _histogram(sat) if scope else {},
    }


def _data(exam: Exam, card: ModelCard) -> dict[str, Any]:
    return {
        "name": exam.name,
        "sha256": exam.data.sha256,
        "rows": len(exam.data.examples),
        "in_scope": len(exam.inside),
        "out_of_scope": len(exam.outside),
        # Rows of these labels cannot be right.
        "unknown_labels": sorted(set(exam.truth) - set(card.labels)),
    }


def _with_examples(sat: Sat, found: Sequence[metrics.Confusion]) -> list[dict[str, Any]]:
    first: dict[tuple[str, str], str] = {}
    for each, said in zip(sat.exam.inside, sat.inside.predicted, strict=True):
        first.setdefault((str(each.label), said), _shown(each))
    return [{**asdict(each), "example": first[each.truth, each.predicted]} for each in found]


def _shown(example: Example) -> str:
    return f"picture {example.row}" if is_picture(example.text) else example.text[:_SHOWN_CHARACTERS]


def _counts(truth: Sequence[str], said: Sequence[str]) -> list[list[Any]]:
    """[label, label given, rows] of every pair that occurs."""
    counts: dict[tuple[str, str], int] = {}
    for pair in zip(truth, said, strict=True):
        counts[pair] = counts.get(pair, 0) + 1
    return [[*pair, rows] for pair, rows in sorted(counts.items())]


def _mistakes(sat: Sat) -> list[dict[str, Any]]:
    """The mistakes that the model was surest of: often wrong labels of the file."""
    sure = sat.inside.confidence
    wrong = sorted(np.flatnonzero(~sat.right).tolist(), key=lambda row: (-sure[row], row))[:_MISTAKES]
    return [
        {
            "row": sat.exam.inside[row].row,
            "text": _shown(sat.exam.inside[row]),
            "truth": sat.exam.truth[row],
            "predicted": sat.inside.predicted[row],
            "confidence": round(float(sure[row]), 4),
        }
        for row in wrong
    ]


def _histogram(sat: Sat) -> dict[str, list[float]]:
    """Shares of the texts in each of _HISTOGRAM steps of scope, for those in scope and those not."""
    edges = np.linspace(0.0, 1.0, _HISTOGRAM + 1)
    both = {"inside": sat.inside.scope, "outside": sat.outside.scope}
    return {
        name: [round(float(one), 4) for one in np.histogram(np.clip(values, 0, 1), edges)[0] / len(values)]
        for name, values in both.items()
    }


def _places(truth: Sequence[str], labels: Sequence[str]) -> npt.NDArray[np.int64]:
    known = {label: place for place, label in enumerate(labels)}
    return np.array([known.get(label, -1) for label in truth], np.int64)

"""Fit the confidence of search: python benchmarks/calibrate.py --data DIR

Asks each public corpus and the demo shop their own questions, the other corpora's, their own again with the answer
taken out, and where there are such, questions near to their own; fits a logistic regression for each language group on
the questions of half 0; prints how it does on half 1; with --write puts the coefficients and thresholds into
src/kefu/knowledge/calibration.json.
"""

import argparse
import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from cases import GROUPS, Case, cases
from corpora import COMPANIES

from engines import encoders
from kefu.knowledge import confidence
from kefu.knowledge.confidence import FEATURES, Calibration

TARGET = Path(__file__).parent.parent / "src/kefu/knowledge/calibration.json"
# Penalty on the squared coefficients of standardised features: the features overlap, and no corpus should decide alone.
# With 3 the English demo's foreign questions were refused in 0.87, with 300 in 0.94, at 0.88 of its own answered.
RIDGE = 300.0
# What is told apart is a question with an answer here from one without, so an answer among the first hits counts as
# one: an answer gives two where search can hardly tell which is meant. One that is not among them counts hardly
# anything, since annotators marked one passage where others answer too.
MISS = 0.02
# What each kind of question counts in a corpus. Questions whose answer was taken out count least: every other help page
# on the subject still answers some of them. In English those of others count four times: the encoder tells near ones so
# well that the fit would let other companies' questions through for them.
SHARES = {
    "en": {"own": 1.0, "foreign": 4.0, "left_out": 0.05, "near": 0.5},
    "zh": {"own": 1.0, "foreign": 1.0, "left_out": 0.1, "near": 0.5},
}
# The shops of one corpus all answer the same kinds of question, each in its own way: too hard for a threshold, which is
# to let through what a single company's customers ask.
NOT_FOR_THRESHOLDS = frozenset({"shops_en", "shops_zh", *COMPANIES})
# The answer threshold lets through this share of the answerable questions of the corpus that fares worst; asking back
# ("clarify") begins where this share is let through. With 0.93 in English, Doc2Dial refuses less than nine in ten
# questions to others.
ANSWERED = {"en": 0.90, "zh": 0.93}
CLARIFIED = 0.97
# Confidence is shifted so that its answer threshold is the same figure in every language.
ANSWER = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--write", action="store_true", help="replace calibration.json")
    given = parser.parse_args()
    fitted = asyncio.run(calibrate(given.data))
    if given.write:
        TARGET.write_text(json.dumps(fitted, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


async def calibrate(data: Path) -> dict[str, Any]:
    """Fit every language group and print what comes of it."""
    engines = await encoders()
    groups: dict[str, Any] = {}
    clarify = []
    for language in GROUPS:
        asked = await cases(data, language, engines)
        learnt = [case for case in asked if case.half == 0]
        bias, weights = fit(learnt, SHARES[language])
        bias += _logit(ANSWER) - _logit(threshold(learnt, bias, weights, ANSWERED[language]))
        clarify.append(threshold(learnt, bias, weights, CLARIFIED))
        group = language if language in engines else "*"
        kept = [case for case in asked if case.half == 1]
        groups[group] = {
            "bias": round(bias, 4),
            "weights": {name: round(w, 4) for name, w in weights.items()},
            "curve": curve(kept, bias, weights),
        }
        report(language, kept, bias, weights)
    thresholds = {"answer": ANSWER, "approved": ANSWER, "clarify": round(min(clarify), 2)}
    print(f"thresholds {thresholds}")
    provenance = {
        "script": "benchmarks/calibrate.py",
        "date": datetime.now(UTC).date().isoformat(),
        "data": {language: list(names) for language, names in GROUPS.items()},
        "encoders": {language: engine.card().version[:16] for language, engine in engines.items()},
    }
    return {"provenance": provenance, "groups": groups, "thresholds": thresholds}


def threshold(asked: Sequence[Case], bias: float, weights: dict[str, float], share: float) -> float:
    """The highest confidence that this share of each corpus's own questions reaches."""
    return min(
        float(np.quantile([judged(c, bias, weights) for c in asked if c.corpus == name and c.kind == "own"], 1 - share))
        for name in {case.corpus for case in asked} - NOT_FOR_THRESHOLDS
    )


def curve(asked: Sequence[Case], bias: float, weights: dict[str, float]) -> list[list[float]]:
    """[threshold, share of own questions answered, share of foreign ones refused], for the console to draw."""
    own = np.array([judged(case, bias, weights) for case in asked if case.kind == "own"])
    foreign = np.array([judged(case, bias, weights) for case in asked if case.kind == "foreign"])
    steps = [round(0.05 * step, 2) for step in range(21)]
    return [[at, round(float((own >= at).mean()), 3), round(float((foreign < at).mean()), 3)] for at in steps]


def judged(case: Case, bias: float, weights: dict[str, float]) -> float:
    return Calibration(bias, weights).probability(case.evidence.features)


def report(language: str, asked: Sequence[Case], bias: float, weights: dict[str, float]) -> None:
    """What the answer threshold lets through on questions that nothing was fitted on."""
    for corpus in GROUPS[language]:
        line = [f"{corpus:12s}"]
        kinds = [kind for kind in SHARES[language] if any(case.kind == kind for case in asked if case.corpus == corpus)]
        for kind in kinds:
            members = [case for case in asked if case.corpus == corpus and case.kind == kind]
            answered = [case for case in members if judged(case, bias, weights) >= ANSWER]
            if kind == "own":
                right = sum(case.right for case in answered) / max(1, len(answered))
                line.append(f"own answered {len(answered) / len(members):.3f} (first hit right {right:.3f})")
            else:
                line.append(f"{kind} refused {1 - len(answered) / len(members):.3f}")
        print(" | ".join(line))


def _logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def weight(case: Case) -> float:
    """How much a case counts within its corpus and kind."""
    return MISS if case.kind == "own" and not case.near else 1.0


def fit(asked: Sequence[Case], shares: Mapping[str, float]) -> tuple[float, dict[str, float]]:
    """Bias and coefficients; corpora count alike, and within each the questions with and without an answer."""
    x = np.array([[case.evidence.features.get(name, 0.0) for name in FEATURES] for case in asked])
    y = np.array([case.kind == "own" and case.near for case in asked], float)
    w = np.array([weight(case) for case in asked])
    groups = [(case.corpus, case.kind) for case in asked]
    for group in set(groups):
        members = np.array([g == group for g in groups])
        w[members] *= shares[group[1]] * 1000 / w[members].sum()
    fitted = confidence.fit(x, y, w, RIDGE)
    return fitted.bias, dict(fitted.weights)


if __name__ == "__main__":
    main()

"""The trace of a turn: its steps with their times and findings. Masked text only."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kefu.brain.decide import Decided
from kefu.brain.mood import Mood, Person
from kefu.brain.understand import Understanding
from kefu.contracts.index import Evidence
from kefu.contracts.turn import Step
from kefu.kit.tracing import span


class Trace:
    """Collects the steps of one turn."""

    def __init__(self) -> None:
        self._steps: list[Step] = []

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a step; what is put into the dictionary becomes its detail, also when the step fails."""
        detail: dict[str, Any] = {}
        start = time.perf_counter()
        try:
            with span(f"brain.{name}"):
                yield detail
        except Exception as error:
            detail["failed"] = type(error).__name__
            raise
        finally:
            self._steps.append(Step(name, round((time.perf_counter() - start) * 1000, 3), detail))

    def add(self, name: str, ms: float, detail: Mapping[str, Any]) -> None:
        """A step that was timed elsewhere, since others stand in the middle of it."""
        self._steps.append(Step(name, round(ms, 3), detail))

    def steps(self) -> tuple[Step, ...]:
        """The steps so far, in order."""
        return tuple(self._steps)


def explain_evidence(evidence: Evidence) -> Mapping[str, Any]:
    """What was found, with scores and the features behind the confidence."""
    return {
        "question": evidence.question,
        "confidence": round(evidence.confidence, 4),
        "exact": evidence.exact.passage.id if evidence.exact else None,
        "features": _rounded(evidence.features),
        "passages": [
            {
                "id": hit.passage.id,
                "document": hit.passage.document,
                "title": hit.passage.title,
                "kind": hit.passage.kind,
                "score": round(hit.score, 4),
                "features": _rounded(hit.features),
            }
            for hit in evidence.hits
        ],
    }


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(float(figure), 4) for name, figure in figures.items()}


def explain_meaning(meaning: Understanding) -> Mapping[str, Any]:
    """What was understood; signs that were not seen are left out."""
    signs = {
        "language": meaning.language,
        "standalone": meaning.standalone,
        "small_talk": meaning.small_talk.value if meaning.small_talk else None,
        "person": meaning.person.value if meaning.person is not Person.NO else None,
        "mood": meaning.mood.value if meaning.mood is not Mood.CALM else None,
        "forbidden": meaning.forbidden,
        "rule_word": meaning.rule_word,
        "injection": meaning.injection,
        "empty": meaning.empty,
    }
    return {name: sign for name, sign in signs.items() if sign}


def explain_senses(meaning: Understanding) -> Mapping[str, Any]:
    """What models told of a question; the versions stand with the outcome's."""
    intent = meaning.intent
    told: dict[str, Any] = {}
    if intent is not None:
        told |= {
            "intent": intent.label,
            "confidence": round(intent.confidence, 4),
            "scope": round(intent.scope, 4) if intent.scope is not None else None,
            "out_of_scope": intent.out_of_scope,
            "top": {label: round(share, 4) for label, share in intent.top},
        }
    if meaning.mood_score is not None:
        told |= {"mood": round(meaning.mood_score, 4), "upset": meaning.is_upset}
    return told


def explain_decision(decided: Decided) -> Mapping[str, Any]:
    """The decision, its reason, and the passages it stands on."""
    return {
        "decision": decided.decision.value,
        "reason": decided.reason,
        "confidence": round(decided.confidence, 4),
        "passages": [hit.passage.id for hit in decided.hits],
    }

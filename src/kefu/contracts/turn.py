"""The work of answering one customer message: what goes in, what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kefu.contracts.engine import Said


class Decision(StrEnum):
    """How a turn was answered."""

    APPROVED = "approved"
    EXTRACTED = "extracted"
    GENERATED = "generated"
    CLARIFY = "clarify"
    REFUSE = "refuse"
    HAND_OVER = "hand_over"


# A person takes over; what was found answers even where search is in doubt; the topic is refused.
INTENT_RULES = ("hand_over", "answer", "refuse")


@dataclass(frozen=True)
class Policy:
    """How an assistant answers: kinds of answer allowed, thresholds, words. Stored with the workspace.

    Thresholds are calibrated confidences from 0 to 1. Texts are by language code, `en` being the last resort.
    `intent_rules` say what follows from an intent that is told with certainty: INTENT_RULES.
    """

    name: str = "Kefu"
    kinds: frozenset[Decision] = frozenset({Decision.APPROVED, Decision.EXTRACTED})
    answer_threshold: float = 0.5
    approved_threshold: float = 0.5
    clarify_threshold: float = 0.35
    refusals_before_hand_over: int = 2
    tone: str = "friendly"
    forbidden_topics: tuple[str, ...] = ()
    hand_over_words: tuple[str, ...] = ()
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    intent_rules: Mapping[str, str] = field(default_factory=dict)
    default_language: str = "en"


@dataclass(frozen=True)
class TurnRequest:
    """One turn's question. `text` and `history` are masked; history is oldest first and ends before `text`."""

    turn_id: str
    workspace_id: str
    conversation_id: str
    text: str
    history: tuple[Said, ...] = ()
    policy: Policy = field(default_factory=Policy)
    refusals_in_a_row: int = 0
    language_hint: str | None = None


@dataclass(frozen=True)
class Citation:
    """Where an answer stands: `text` is the document's parsed text from `start` to `end`, at most 800 characters."""

    passage_id: str
    document: str
    title: str
    text: str
    start: int
    end: int
    url: str | None = None
    score: float = 0.0


@dataclass(frozen=True)
class Step:
    """One step of a turn in its trace: milliseconds and what it found or decided."""

    name: str
    ms: float
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TurnOutcome:
    """A turn's answer and its explanation."""

    text: str
    decision: Decision
    confidence: float
    language: str
    reason: str
    citations: tuple[Citation, ...] = ()
    steps: tuple[Step, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    quick_replies: tuple[str, ...] = ()

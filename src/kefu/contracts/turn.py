"""The work of answering one customer message: what goes in, what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from kefu.contracts.engine import Said


class Decision(StrEnum):
    """How a turn was answered."""

    APPROVED = "approved"
    EXTRACTED = "extracted"
    GENERATED = "generated"
    FLOW = "flow"  # a step of the company's own business logic
    CLARIFY = "clarify"
    REFUSE = "refuse"
    HAND_OVER = "hand_over"


# A person takes over; what was found answers even where search is in doubt; the topic is refused.
INTENT_RULES = ("hand_over", "answer", "refuse")


@dataclass(frozen=True)
class Escalation:
    """When a person takes over: everything that is given must hold; a rule that says nothing never does.

    `moods` are "complaint" and "angry"; `contact` the attributes that the contact must have, such as `{"vip": true}`;
    `refusals` how many refusals in a row the next one would make.
    """

    moods: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    contact: Mapping[str, Any] = field(default_factory=dict)
    refusals: int = 0


@dataclass(frozen=True)
class Disclaimer:
    """Words that are added to an answer once a conversation, where it is on one of these topics or intents.

    Neither: to the first answer. `texts` are by language code.
    """

    key: str
    texts: Mapping[str, str]
    topics: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """How an assistant answers: kinds of answer allowed, thresholds, words. Stored with the workspace.

    Thresholds are calibrated confidences from 0 to 1. Texts are by language code, `en` being the last resort.
    `intent_rules` say what follows from an intent that is told with certainty: INTENT_RULES. No reply holds one of the
    `forbidden_words`. In `quiet_hours` no person is offered: `closed` is outside of the company's business hours, else
    times of the day there, such as `22:00-08:00, 12:00-13:00`; empty for never. `test_knowledge_changes`: knowledge
    answers customers only once the workspace's tests pass with it.
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
    forbidden_words: tuple[str, ...] = ()
    disclaimers: tuple[Disclaimer, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    quiet_hours: str = ""
    test_knowledge_changes: bool = True
    default_language: str = "en"


@dataclass(frozen=True)
class TurnRequest:
    """One turn's question. `text` and `history` are masked; history is oldest first and ends before `text`.

    `state` is what the assistant was in the middle of (`Kept.state` of an earlier turn), `remembered` what it keeps of
    the conversation, `contact` what is known of the customer, masked. `now` has the company's time zone; `is_open`:
    its people are at work. `pressed` is the value of a button that was pressed, where the channel tells.
    """

    turn_id: str
    workspace_id: str
    conversation_id: str
    text: str
    history: tuple[Said, ...] = ()
    policy: Policy = field(default_factory=Policy)
    refusals_in_a_row: int = 0
    language_hint: str | None = None
    state: Mapping[str, Any] | None = None
    remembered: Mapping[str, Any] = field(default_factory=dict)
    contact: Mapping[str, Any] = field(default_factory=dict)
    now: datetime | None = None
    is_open: bool = True
    pressed: str | None = None


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
class ContactValue:
    """What is to be known of a contact; None forgets it, `days` after so many days."""

    value: Any
    days: int | None = None


@dataclass(frozen=True)
class Kept:
    """What a turn leaves behind beside its reply, stored with it. All of it is masked.

    `state` comes back with the next turn, until somebody else takes the conversation. `remembered` changes what is kept
    of the conversation, `contact` what is known of the customer; None forgets. `note` is for the member who takes over,
    `team` whose business it is; `rating` a score and the best there is, `rating_asked` that it was asked for.
    """

    state: Mapping[str, Any] | None = None
    remembered: Mapping[str, Any] = field(default_factory=dict)
    contact: Mapping[str, ContactValue] = field(default_factory=dict)
    note: str = ""
    team: str | None = None
    rating: tuple[int, int] | None = None
    rating_asked: bool = False


@dataclass(frozen=True)
class TurnOutcome:
    """A turn's answer and its explanation. Without `kept` the assistant is in the middle of what it was before.

    `quick_reply_values` are what the quick replies mean when they are pressed, one each: `TurnRequest.pressed` then.
    `promise` is the part of a hand-over's text that says that a person answers: whoever stores it and knows that nobody
    is at work says in its place when people are back.
    """

    text: str
    decision: Decision
    confidence: float
    language: str
    reason: str
    citations: tuple[Citation, ...] = ()
    steps: tuple[Step, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    quick_replies: tuple[str, ...] = ()
    kept: Kept | None = None
    quick_reply_values: tuple[str, ...] = ()
    promise: str = ""

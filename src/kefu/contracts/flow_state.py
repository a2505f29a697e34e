"""A run of a flow: what it holds between turns, what it is told, and what it wants done. See `contracts.flow`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from kefu.contracts.flow import Flow, Json

# Where a value came from: said by the customer, an attribute of the contact, kept from earlier in the conversation,
# a tool's result, a `set` step, the flow that called this one; "skipped": asked for in vain, and the flow went on.
Source = Literal["customer", "contact", "conversation", "tool", "set", "caller", "skipped"]
# What a flow waits for. "confirm": yes or no to all slots of an ask; "confirm_slot": to one; "change": which of them
# is wrong; "switch": whether to leave for another flow.
Awaited = Literal["slot", "choice", "confirm", "confirm_slot", "change", "rate", "tool", "switch"]


@dataclass(frozen=True)
class Value:
    """A slot's or variable's value, and where it came from.

    `text` is the customer's own words, masked. `at` is how many steps the flow had gone through by then.
    """

    value: Json
    source: Source = "set"
    turn: str = ""
    text: str = ""
    confirmed: bool = False
    at: int = 0


@dataclass(frozen=True)
class Frame:
    """One flow under way: `step` is the step to run or waited at.

    `rounds` counts the rounds of each repeat, `retries` the times that each slot or choice was asked again. `result` is
    the last tool's or called flow's. `trail` are the last steps it went through, of `gone_through` in all.
    """

    flow: str
    version: int
    step: str | None
    values: Mapping[str, Value] = field(default_factory=dict)
    rounds: Mapping[str, int] = field(default_factory=dict)
    retries: Mapping[str, int] = field(default_factory=dict)
    result: Json = None
    error: Json = None
    trail: tuple[str, ...] = ()
    gone_through: int = 0


@dataclass(frozen=True)
class Waiting:
    """What is waited for: the step, the slot if it is one, the tool's call.

    `flow` is the one that would be switched to, `text` the message that wanted it; `then` what was waited for before.
    """

    kind: Awaited
    step: str
    slot: str | None = None
    call_id: str | None = None
    flow: str | None = None
    text: str = ""
    then: Awaited | None = None


@dataclass(frozen=True)
class FlowState:
    """A run between turns. The last frame runs; those before it wait for it to end. No frames: the run is over.

    `visits` counts how often each `flow/step` was entered. `spent` are the steps that the turn `turn` has used.
    """

    frames: tuple[Frame, ...] = ()
    waiting: Waiting | None = None
    outcome: str | None = None
    visits: Mapping[str, int] = field(default_factory=dict)
    turn: str = ""
    spent: int = 0

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        return not self.frames

    def as_json(self) -> dict[str, Any]:
        """A value for a JSON column; `from_json` reads it back equal."""
        return asdict(self)

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> "FlowState":
        """Read what `as_json` wrote. Raises TypeError or KeyError for anything else."""
        frames = []
        for frame in table["frames"]:
            values = {name: Value(**value) for name, value in frame["values"].items()}
            frames.append(Frame(**{**frame, "values": values, "trail": tuple(frame["trail"])}))
        waiting = table["waiting"]
        return cls(**{**table, "frames": tuple(frames), "waiting": Waiting(**waiting) if waiting else None})


@dataclass(frozen=True)
class ToolResult:
    """What came of a CallTool: `value` if `ok`, else `code` (timeout, refused, not_found, ...) and a sentence."""

    call_id: str
    ok: bool = True
    value: Json = None
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class Candidate:
    """A value that a trained tagger found in the text for a slot; `score` from 0 to 1."""

    slot: str
    text: str
    score: float = 1.0


@dataclass(frozen=True)
class Understood:
    """What a flow is told: one customer message, or one tool's result.

    `text` is masked. `now` is aware, in the company's time zone; it is the only clock. `turn_id` must be the same when
    a turn is tried again. `contact` and `conversation` are attributes kept with them. `pressed` is the value of the
    quick reply or option that was pressed, where the channel tells.
    """

    conversation_id: str
    turn_id: str
    now: datetime
    text: str = ""
    language: str = "en"
    intent: str | None = None
    intent_confidence: float = 0.0
    is_question: bool = False
    mood: str = ""
    pressed: str | None = None
    candidates: tuple[Candidate, ...] = ()
    contact: Mapping[str, Json] = field(default_factory=dict)
    conversation: Mapping[str, Json] = field(default_factory=dict)
    tool_result: ToolResult | None = None


@dataclass(frozen=True)
class Effect:
    """Something that a flow wants done; `flow` and `step` tell where it stands."""

    flow: str
    step: str


@dataclass(frozen=True)
class Say(Effect):
    """Send a text, with quick replies below it."""

    text: str
    quick_replies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ask(Effect):
    """Send a question. The flow now waits for an answer: for `slot`, if it is for one.

    `values` are what the quick replies mean when they are pressed, one each; empty where each means its own words.
    """

    text: str
    slot: str | None = None
    quick_replies: tuple[str, ...] = ()
    again: int = 0
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class CallTool(Effect):
    """Call a tool once for each `call_id`, then tell the flow by `Understood.tool_result`, in the same turn.

    `call_id` is made of conversation, turn, step and visit: a turn that is tried again asks for the same call.
    """

    call_id: str
    tool: str
    arguments: Mapping[str, Json]


@dataclass(frozen=True)
class HandOver(Effect):
    """Give the conversation to a person."""

    reason: str
    team: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Rate(Effect):
    """Ask for a rating from 1 to `scale`."""

    text: str
    scale: int = 5
    quick_replies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rated(Effect):
    """The customer has rated."""

    score: int
    scale: int


@dataclass(frozen=True)
class SetAttribute(Effect):
    """Keep a value with the contact or the conversation; `days` None: until it is changed. A null value forgets it."""

    scope: Literal["contact", "conversation"]
    name: str
    value: Json
    days: int | None = None


@dataclass(frozen=True)
class AnswerFromKnowledge(Effect):
    """Answer this question as if no flow were running, then go on with the effects that follow."""

    question: str


@dataclass(frozen=True)
class Start(Effect):
    """The customer leaves for another flow: begin it with `text`. `flow` is the one left, `to` the other."""

    to: str
    text: str


@dataclass(frozen=True)
class End(Effect):
    """The run is over: solved, unsolved, cancelled, handed_over, failed, switched or a word of the company's own."""

    outcome: str


@dataclass(frozen=True)
class Stepped:
    """What a flow did in one go: its new state, what it wants done in order, and the steps it went through.

    `path` holds `flow/step` for coverage and traces. `filled` names the slots that this message filled or changed.
    `grounds` are the names that its texts were filled in from: what their figures may come from.
    """

    state: FlowState
    effects: tuple[Effect, ...] = ()
    path: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    grounds: tuple[Mapping[str, Json], ...] = ()


class FlowShelf(Protocol):
    """Where flows are found."""

    def get(self, flow_id: str, version: int | None = None) -> Flow | None:
        """A flow in that version, or the one that is live; None where there is none."""

    def live(self) -> Sequence[Flow]:
        """The flows that a message may start, in the order in which they are tried."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with a flow's YAML, where (lines and columns from 1; 0 if nowhere), and what mends it."""

    code: str
    sentence: str
    fix: str
    line: int = 0
    column: int = 0
    severity: Literal["error", "warning"] = "error"
    step: str | None = None

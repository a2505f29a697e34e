"""What a file of tests holds, and what a runner is handed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kefu.contracts.engine import Said
from kefu.contracts.flow import Json
from kefu.contracts.flow_state import Understood

SCHEMA = "kefu.flow-test/v1"


@dataclass(frozen=True)
class ToolSample:
    """What a tool answers in a test: `value`, or a failure where `code` is set.

    `arguments` None is for any call; else the call must have these, whatever else it has.
    """

    arguments: Mapping[str, Json] | None = None
    value: Json = None
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class ExpectedCall:
    """A tool's call that is expected; arguments that are not named may be anything."""

    tool: str
    arguments: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Expect:
    """What must be so after a turn; None is not looked at.

    `step` is where the flow waits. `slots` are as last known, null for one that is empty. `calls` are all of the turn
    in their order. `contains` and the like are of the turn's whole answer. `sources` are parts of titles or names of
    documents, each of which must have been cited. `hand_over` may say the team. `outcome` is that of the run.
    """

    flow: str | None = None
    step: str | None = None
    slots: Mapping[str, Json] = field(default_factory=dict)
    calls: tuple[ExpectedCall, ...] | None = None
    exact: str | None = None
    contains: tuple[str, ...] = ()
    not_contains: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    decision: str | None = None
    hand_over: bool | None = None
    team: str | None = None
    outcome: str | None = None
    quick_replies: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Turn:
    """One message and what is expected. `intent`, `mood` and `candidates` stand in for what models would tell."""

    say: str
    line: int
    expect: Expect = field(default_factory=Expect)
    press: str | None = None
    intent: str | None = None
    mood: str = ""
    candidates: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One conversation. `flow` begins with the first message, whatever it says; empty: the message decides."""

    name: str
    line: int
    turns: tuple[Turn, ...]
    language: str = "en"
    flow: str = ""
    now: datetime | None = None
    contact: Mapping[str, Json] = field(default_factory=dict)
    conversation: Mapping[str, Json] = field(default_factory=dict)
    samples: Mapping[str, tuple[ToolSample, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class TestFile:
    """A file's tests in its order."""

    name: str
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Answered:
    """What knowledge answers: `decision` as a turn's, `sources` the names and titles of what was cited."""

    text: str
    decision: str
    sources: tuple[str, ...] = ()
    quick_replies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Heard:
    """A message before it is understood: `base` holds all that the runner knows; give it back with what was told."""

    text: str
    language: str
    base: Understood


Answer = Callable[[str, str, Sequence[Said]], Answered]
Understand = Callable[[Heard], Understood]


def sample_for(samples: Sequence[ToolSample], arguments: Mapping[str, Json]) -> ToolSample | None:
    """The first sample that is for a call with these arguments."""
    return next((each for each in samples if each.arguments is None or _has(arguments, each.arguments)), None)


def _has(given: Mapping[str, Json], wanted: Mapping[str, Json]) -> bool:
    return all(name in given and given[name] == value for name, value in wanted.items())

"""Requests and responses about flows, their versions, their simulator and their tests."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import Field

from kefu.contracts.flow import Flow as FlowTree
from kefu.contracts.flow_state import Problem as ProblemData
from kefu.contracts.suite import SuiteReport as ReportData
from kefu.desk.assistants.queries import FlowDetail as DetailData
from kefu.desk.assistants.queries import FlowDiff as DiffData
from kefu.desk.assistants.queries import FlowInfo, FlowVersionInfo
from kefu.desk.assistants.schemas.assistants import Request, Said
from kefu.desk.inbox.due import answer_of, trace_of
from kefu.desk.inbox.schemas import Citation
from kefu.desk.simulation import Simulated as SimulatedData

_LONGEST = 300_000


class FlowText(Request):
    text: str = Field(max_length=_LONGEST)


class FlowDraft(FlowText):
    """A draft, and the one that it was made from: another that was stored meanwhile is then not overwritten."""

    base: str | None = Field(default=None, max_length=_LONGEST)


class FlowCheck(Request):
    """A flow as YAML, or as the JSON of the picture's editor."""

    text: str | None = Field(default=None, max_length=_LONGEST)
    table: dict[str, Any] | None = None


class Publishing(Request):
    note: str = Field(default="", max_length=500)
    run_tests: bool = True


class RollingBack(Publishing):
    number: int = Field(ge=1)


class Resuming(Request):
    """`override`, with a reason, goes past tests that fail."""

    override: bool = False
    reason: str = Field(default="", max_length=1000)


class SuiteFileChange(Request):
    name: str = Field(min_length=1, max_length=200)
    text: str = Field(max_length=_LONGEST)


class SuiteRun(Request):
    """`drafts`: with every flow's draft in place of its live version."""

    drafts: bool = False


class HandAnswer(Request):
    """One tool call answered by hand: its outputs by name, a sample's place, or a problem such as timeout."""

    outputs: dict[str, Any] | None = None
    sample: int | None = Field(default=None, ge=0)
    problem: str = Field(default="", max_length=40)
    message: str = Field(default="", max_length=500)


class Simulation(Request):
    """A message to simulate. Send back state, remembered, contact and history of the answer with the next one.

    With `answers`, tools are answered by hand: where the reply has `asked`, send the message again with one more.
    """

    answers: list[HandAnswer] | None = Field(default=None, max_length=20)

    text: str = Field(min_length=1, max_length=8000)
    pressed: str | None = Field(default=None, max_length=500)
    drafts: list[str] = Field(default_factory=list, max_length=50)
    state: dict[str, Any] | None = None
    remembered: dict[str, Any] = Field(default_factory=dict)
    contact: dict[str, Any] = Field(default_factory=dict)
    history: list[Said] = Field(default_factory=list, max_length=50)
    now: datetime | None = None


class FlowProblem(Schema):
    code: str
    sentence: str
    fix: str
    line: int
    column: int
    severity: Literal["error", "warning"]
    step: str | None


class Flow(Schema):
    id: str
    key: str
    name: str
    names: dict[str, str]
    state: Literal["draft", "live", "paused"]
    live_number: int | None
    has_draft_changes: bool
    problems: int
    updated_at: datetime


class Flows(Schema):
    flows: list[Flow]


class FlowShown(Schema):
    """A flow's text, what it means, and its picture; both null where that cannot be told."""

    text: str
    table: dict[str, Any] | None
    picture: dict[str, Any] | None
    problems: list[FlowProblem]


class StepTraffic(Schema):
    reached: int
    dropped: int
    cancelled: int
    handed_over: int


class FlowTraffic(Schema):
    key: str
    name: str
    started: int
    finished: int
    cancelled: int
    handed_over: int
    dropped: int
    under_way: int
    outcomes: dict[str, int]
    steps: dict[str, StepTraffic]


class Traffic(Schema):
    from_: str = Field(alias="from")
    to: str
    time_zone: str
    flows: list[FlowTraffic]


class FlowDetail(FlowShown):
    id: str
    key: str
    name: str
    names: dict[str, str]
    state: Literal["draft", "live", "paused"]
    live_number: int | None
    has_draft_changes: bool
    updated_at: datetime
    live_text: str | None


class FlowVersion(Schema):
    number: int
    note: str
    author: str | None
    created_at: datetime
    is_live: bool


class FlowVersions(Schema):
    versions: list[FlowVersion]


class FlowVersionDetail(FlowVersion):
    text: str
    table: dict[str, Any]
    picture: dict[str, Any] | None


class DiffLine(Schema):
    kind: Literal["same", "added", "removed"]
    text: str
    from_line: int | None
    to_line: int | None


class FlowDiff(Schema):
    diff: str
    lines: list[DiffLine]


class AskedByHand(Schema):
    tool: str
    arguments: dict[str, Any]
    outputs: list[str]
    samples: list[dict[str, Any]]


class Simulated(Schema):
    """What the assistant answered. `flow` is the trace of a flow's step, if one ran; `trace` the whole turn's.

    `asked` is a tool's call that a person is to answer; there is no reply yet.
    """

    text: str
    decision: str
    reason: str
    confidence: float
    language: str
    quick_replies: list[str]
    citations: list[Citation]
    state: dict[str, Any] | None
    remembered: dict[str, Any]
    contact: dict[str, Any]
    flow: dict[str, Any] | None
    trace: dict[str, Any]
    asked: AskedByHand | None = None


class SuiteFile(Schema):
    id: str
    name: str
    text: str
    updated_at: datetime


class SuiteFiles(Schema):
    files: list[SuiteFile]


class SuiteFailure(Schema):
    file: str
    test: str
    line: int
    said: str
    wanted: str
    got: str


class SuiteReport(Schema):
    passed: bool
    total: int
    failed: int
    seconds: float
    failures: list[SuiteFailure]
    coverage: dict[str, int]


def flow(info: FlowInfo) -> dict[str, Any]:
    return dict(vars(info))


def detail(found: DetailData) -> dict[str, Any]:
    info = {name: value for name, value in vars(found.info).items() if name != "problems"}
    return {**info, "live_text": found.live_text, **shown(found.text, found.tree, found.problems)}


def shown(text: str, tree: FlowTree | None, problems: tuple[ProblemData, ...]) -> dict[str, Any]:
    from kefu.brain.flow import flow_table  # templates need a library that only flows do

    return {
        "text": text,
        "table": flow_table(tree) if tree is not None else None,
        "picture": _picture(tree),
        "problems": [asdict(each) for each in problems],
    }


def version(info: FlowVersionInfo) -> dict[str, Any]:
    return {**vars(info), "author": info.author or None}


def version_detail(info: FlowVersionInfo) -> dict[str, Any]:
    from kefu.brain.flow import check_flow

    return {**version(info), "picture": _picture(check_flow(info.text).flow)}


def diff(found: DiffData) -> dict[str, Any]:
    return {"diff": found.unified, "lines": [vars(line) for line in found.lines]}


def simulated(found: SimulatedData) -> dict[str, Any]:
    outcome = found.outcome
    told = answer_of(outcome)
    return {
        **{name: told[name] for name in ("decision", "confidence", "language", "citations", "quick_replies")},
        "text": found.text,
        "reason": outcome.reason,
        "state": found.state,
        "remembered": dict(found.remembered),
        "contact": dict(found.contact),
        "flow": found.flow,
        "trace": trace_of(outcome),
        "asked": asdict(found.asked) if found.asked is not None else None,
    }


def report(found: ReportData) -> dict[str, Any]:
    return asdict(found)


def _picture(tree: FlowTree | None) -> dict[str, Any] | None:
    if tree is None:
        return None
    from kefu.brain.flow import picture

    return asdict(picture(tree))

"""A workspace's tests, run with its whole assistant: flows, knowledge, models and policy. Nothing is kept or called."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kefu.brain.flow_tests import Case, CaseResult, Seen, TestFile, ToolSample, Turn, read_tests, sample_for
from kefu.brain.flow_tests import SuiteReport as Report
from kefu.brain.flow_tests import run_suite as run_tests
from kefu.contracts.flow import Flow
from kefu.contracts.index import KnowledgeIndex
from kefu.contracts.suite import SuiteFailure, SuiteReport
from kefu.contracts.tool import ToolCall, ToolOutcome, ToolRunner, ToolState
from kefu.desk.actor import Actor
from kefu.desk.assistants.queries import SuiteFileInfo
from kefu.desk.simulation import Simulated, Simulation, loaded
from kefu.desk.wiring import wiring
from kefu.knowledge.masking import unmask_value


def run_suite(
    actor: Actor,
    *,
    files: Sequence[SuiteFileInfo],
    drafts: Sequence[str] = (),
    models: Mapping[str, Any] | None = None,
    index: KnowledgeIndex | None = None,
) -> SuiteReport:
    """Run stored files of tests, with these flows in place of the live ones of their ids, and models by their roles.

    `index` is knowledge in place of the workspace's.

    Raises BadTests for a file that cannot be read, BadFlow for a draft that is not sound.
    """
    tests = [read_tests(each.text, each.name) for each in files]
    report = report_of(actor, tests=tests, drafts=drafts, models=models, index=index)
    failures = [
        SuiteFailure(case.file, case.name, each.line, each.said, each.wanted, each.got)
        for case in report.cases
        for each in case.failures
    ]
    return SuiteReport(
        passed=report.passed,
        total=len(report.cases),
        failed=len(report.failed),
        seconds=round(sum(each.seconds for each in report.cases), 3),
        failures=tuple(failures),
        coverage=dict(report.entered),
    )


def report_of(
    actor: Actor,
    *,
    tests: Sequence[TestFile],
    drafts: Sequence[str] = (),
    samples: Mapping[str, Sequence[ToolSample]] | None = None,
    models: Mapping[str, Any] | None = None,
    index: KnowledgeIndex | None = None,
    told: Callable[[CaseResult], None] | None = None,
) -> Report:
    """Run tests; `samples` answer tools before the workspace's own, and a test's own before those."""

    def opened(case: Case) -> SimulatedTalk:
        return SimulatedTalk(actor, case, drafts, samples or {}, models=models or {}, index=index)

    return run_tests(tests, opened, flows=_flows(actor, drafts), told=told)


def _flows(actor: Actor, drafts: Sequence[str]) -> list[Flow]:
    """The flows whose steps are counted."""
    live = {flow.id: flow for flow in wiring().mind(actor.workspace_id).flows.live()}
    named = {**live, **{flow.id: flow for flow in loaded(drafts)}}
    return [named[name] for name in sorted(named)]


class SimulatedTalk:
    """`brain.flow_tests.Conversation` with a workspace's assistant."""

    def __init__(
        self,
        actor: Actor,
        case: Case,
        drafts: Sequence[str],
        samples: Mapping[str, Sequence[ToolSample]],
        *,
        models: Mapping[str, Any],
        index: KnowledgeIndex | None = None,
    ) -> None:
        self._simulation = Simulation(
            actor,
            drafts=drafts,
            contact=dict(case.contact),
            now=case.now or datetime.now(UTC),
            remembered=dict(case.conversation),
            models=models,
            index=index,
        )
        self._runner = _Sampled(self._simulation, case, samples)
        self._simulation.stand_before(self._runner.before)
        self._slots: dict[str, Any] = {}

    def say(self, turn: Turn, number: int) -> Seen:
        self._runner.unanswered.clear()
        simulated = self._simulation.say(turn.say, pressed=turn.press)
        seen = self._seen(simulated)
        seen.problems += self._runner.unanswered
        return seen

    def _seen(self, simulated: Simulated) -> Seen:
        outcome, trace = simulated.outcome, simulated.flow or {}
        self._slots |= trace.get("slots") or {}
        is_waiting = bool(trace.get("waiting"))
        sources = [f"{each.title} {each.document}" for each in outcome.citations]
        return Seen(
            texts=[simulated.text],
            path=list(trace.get("path") or ()),
            quick_replies=outcome.quick_replies,
            calls=[(each["tool"], dict(each["arguments"])) for each in trace.get("tool_calls") or ()],
            sources=sources,
            slots=dict(self._slots),
            flow=trace.get("flow") if is_waiting else None,
            step=trace.get("step") if is_waiting else None,
            decision=outcome.decision.value,
            hand_over=outcome.decision == "hand_over",
            team=outcome.kept.team if outcome.kept is not None else None,
            reason=outcome.reason,
            outcome=trace.get("outcome"),
        )


@dataclass
class _Sampled:
    """Answers tools by the test's samples, then by others; what none answers is a problem of the test."""

    simulation: Simulation
    case: Case
    samples: Mapping[str, Sequence[ToolSample]]
    unanswered: list[str] = field(default_factory=list)
    after: ToolRunner | None = None

    def before(self, runner: ToolRunner) -> ToolRunner:
        """This runner, which asks that one for what it has no sample for."""
        self.after = runner
        return self

    async def call(self, call: ToolCall, *, conversation_id: str, turn_id: str) -> ToolOutcome:
        """What came of the call."""
        known = (*self.case.samples.get(call.tool, ()), *self.samples.get(call.tool, ()))
        plain = unmask_value(dict(call.arguments), self.simulation.originals())
        sample = sample_for(known, call.arguments) or sample_for(known, plain)
        if sample is not None:
            outputs = sample.value if isinstance(sample.value, dict) else {}
            state = ToolState.FAILED if sample.code else ToolState.DONE
            return ToolOutcome(state, outputs, problem=sample.code, message=sample.message)
        assert self.after is not None
        outcome = await self.after.call(call, conversation_id=conversation_id, turn_id=turn_id)
        if outcome.problem in {"no_sample", "no_tool"}:
            self.unanswered.append(f"no sample answers the call of {call.tool} with {dict(call.arguments)}")
        return outcome

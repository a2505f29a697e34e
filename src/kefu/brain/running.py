"""A flow within a turn: what a message starts or goes on with becomes a reply, with tools and knowledge on the way.

The engine (`brain.flow`) is pure; here is what it does not do: call, answer, and put the pieces together.
"""

import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

from kefu.brain.decide import Decided
from kefu.brain.facts import Held, Kind, find
from kefu.brain.reply import Draft
from kefu.brain.texts import say
from kefu.brain.tools import Tools
from kefu.brain.understand import Understanding
from kefu.contracts.flow import Flow, Json
from kefu.contracts.flow_state import (
    AnswerFromKnowledge,
    Ask,
    CallTool,
    Candidate,
    Effect,
    End,
    FlowState,
    HandOver,
    Rate,
    Rated,
    Say,
    SetAttribute,
    Start,
    Stepped,
    ToolResult,
    Understood,
)
from kefu.contracts.tool import ToolCall, ToolOutcome, ToolState
from kefu.contracts.turn import ContactValue, Decision, Kept, TurnRequest
from kefu.kit.log import Log

# Rounds of tool calls, and of flows that lead to flows, in one turn: a flow that wants more is broken.
_MOST_ROUNDS = 8
_PLACEHOLDER = re.compile(r"<[A-Z][A-Z_]*_\d+>")

log = Log(__name__)
Answer = Callable[[str], Awaitable[Draft]]
Tagging = Callable[[str], Awaitable[tuple[Candidate, ...]]]


@dataclass
class Run:
    """A flow's part in one turn, as it goes on. `answer` answers a question from knowledge, `tagged` finds slots."""

    request: TurnRequest
    tools: Tools
    heard: Understood
    language: str
    answer: Answer
    tagged: Tagging
    state: FlowState = field(default_factory=FlowState)
    last: FlowState = field(default_factory=FlowState)  # the state before the run was over, if it is
    texts: list[str] = field(default_factory=list)
    grounds: list[Mapping[str, Any]] = field(default_factory=list)
    quick_replies: tuple[str, ...] = ()
    values: tuple[str, ...] = ()  # what they mean when they are pressed
    answered: Draft | None = None
    hand_over: HandOver | None = None
    rating: tuple[int, int] | None = None
    rating_asked: bool = False
    remembered: dict[str, Any] = field(default_factory=dict)
    contact: dict[str, ContactValue] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    filled: list[str] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    results: list[Json] = field(default_factory=list)
    engine_ms: float = 0.0
    tools_ms: float = 0.0


def under_way(request: TurnRequest) -> FlowState | None:
    """The run that this conversation is in the middle of, if there is one."""
    if not request.state:
        return None
    try:
        state = FlowState.from_json(request.state)
    except (TypeError, KeyError, AttributeError) as error:  # of another version of Kefu, which none can read
        log.warning("flow_state_unreadable", conversation=request.conversation_id, exception=error)
        return None
    return None if state.over else state


def starting(heard: Understood, tools: Tools) -> Flow | None:
    """The flow that a message starts, if any does."""
    if tools.flows is None or not tools.flows.live():
        return None
    from kefu.brain.flow import which_starts  # templates need a library that only flows do

    found = which_starts(tools.flows.live(), heard)
    return found.flow if found is not None else None


def told(request: TurnRequest, meaning: Understanding) -> Understood:
    """What a flow is told of a message."""
    intent = meaning.intent
    is_known = intent is not None and not intent.out_of_scope
    return Understood(
        conversation_id=request.conversation_id,
        turn_id=request.turn_id,
        now=request.now or datetime.now(UTC),
        text=meaning.text,
        language=meaning.language,
        intent=intent.label if intent is not None and is_known else None,
        intent_confidence=intent.confidence if intent is not None and is_known else 0.0,
        is_question=meaning.asks,
        mood=meaning.mood.value,
        pressed=request.pressed,
        contact=request.contact,
        conversation=request.remembered,
    )


async def go_through(run: Run, first: FlowState | Flow) -> None:
    """Go on with a run, or begin one, until it waits for the customer, hands over or is over."""
    run.last = first if isinstance(first, FlowState) else run.last
    stepped = _stepped(run, first)
    for _ in range(_MOST_ROUNDS):
        run.state = stepped.state
        run.last = run.state if run.state.frames else run.last
        run.path += stepped.path
        run.filled += stepped.filled
        run.grounds += stepped.grounds
        following = await _done(run, stepped)
        if following is None:
            return
        stepped = following
    log.error("flow_without_end", workspace=run.request.workspace_id, flow=_flow_of(run))
    run.hand_over = HandOver(_flow_of(run), "", "flow_failed")


def draft(run: Run) -> Draft:
    """The reply that came of it; what knowledge said stands first."""
    answered, policy = run.answered, run.request.policy
    if answered is not None and answered.decided.decision is Decision.HAND_OVER:
        return answered  # knowledge has called for a person: the flow has nothing to add
    decided = Decided(Decision.FLOW, "flow", 1.0)
    silence = "acknowledgement"
    if run.hand_over is not None:
        has_failed = run.hand_over.reason == "flow_failed"
        decided = Decided(Decision.HAND_OVER, "flow_failed" if has_failed else "flow_hand_over", 1.0)
        silence = "hand_over_failure" if has_failed else "hand_over"
    texts = run.texts or (
        [] if answered is not None and run.hand_over is None else [say(silence, run.language, policy)]
    )
    if answered is None:
        return Draft("\n\n".join(texts), decided, quick_replies=run.quick_replies, values=run.values)
    whole = "\n\n".join([answered.text, *texts])
    return replace(answered, text=whole, decided=decided, quick_replies=run.quick_replies, values=run.values)


def facts(state: FlowState | Flow, found: Sequence[Json] = ()) -> tuple[str, ...]:
    """What the company's systems said in this run, as texts that an answer may stand on."""
    held = [frame.result for frame in state.frames] if isinstance(state, FlowState) else []
    return tuple(json.dumps(each, ensure_ascii=False) for each in (*held, *found) if each)


def unsupported(run: Run) -> tuple[str, ...]:
    """Figures that the flow said and no tool, slot, variable, customer or text of its own did: a formula made them.

    Such a reply does not leave. Names and words are the company's own and are not judged.
    """
    said = "\n".join(run.texts)
    if not find(said):
        return ()
    missing = _unknown(said, _known(run))
    if not missing or run.tools.flows is None:
        return missing
    written = {each.partition("/")[0] for each in run.path} | {frame.flow for frame in run.last.frames}
    return _unknown(said, [*_known(run), *(repr(run.tools.flows.get(name)) for name in written)])


def _known(run: Run) -> list[str]:
    """What the figures of a reply may come from, besides the flow's own texts."""
    values: list[Any] = [*run.grounds, *run.results, run.heard.now.strftime("%H:%M")]
    texts = [run.heard.text, *((run.answered.text,) if run.answered is not None else ())]
    return [*texts, *_written(values), *map(str, _counts(run.grounds))]


def _counts(value: Any) -> set[int]:
    """How many items lists have: "You have 3 orders:" counts what a tool has listed."""
    if isinstance(value, Mapping):
        return {count for each in value.values() for count in _counts(each)}
    if isinstance(value, list | tuple):
        return {*range(len(value) + 1), *(count for each in value for count in _counts(each))}
    return set()


def _written(value: Any) -> set[str]:
    """The texts in a value, and its numbers in the ways that templates' filters round them: 99.333 is 99.33."""
    if isinstance(value, bool):
        return set()
    if isinstance(value, int | float):
        return {f"{value}", f"{value:.2f}", f"{value:.1f}", f"{value:.0f}"}
    if isinstance(value, str):
        return {value}
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return {each for one in inside for each in _written(one)}


def _unknown(text: str, known: Sequence[str]) -> tuple[str, ...]:
    held = Held(known)
    # A date's day of the week is said with it and stands nowhere.
    judged = [fact for fact in find(_PLACEHOLDER.sub(" ", text)) if fact.kind is not Kind.WEEKDAY]
    return tuple(dict.fromkeys(fact.text for fact in judged if not held.holds(fact)))


def kept(run: Run) -> Kept:
    """What is stored of the run with the reply."""
    wants_state = not run.state.over and run.hand_over is None
    return Kept(
        state=run.state.as_json() if wants_state else None,
        remembered=run.remembered,
        contact=run.contact,
        note=run.hand_over.note if run.hand_over is not None else "",
        team=run.hand_over.team if run.hand_over is not None else None,
        rating=run.rating,
        rating_asked=run.rating_asked,
    )


def explained(run: Run) -> Mapping[str, Any]:
    """The run for the trace: where it stands, and how it came there."""
    frame = run.last.frames[-1] if run.last.frames else None
    waiting = run.state.waiting
    return {
        "flow": frame.flow if frame is not None else _flow_of(run),
        "version": frame.version if frame is not None else _version_of(run),
        "step": waiting.step if waiting is not None else None,
        "path": run.path,
        "filled": run.filled,
        "slots": {name: value.value for name, value in frame.values.items()} if frame is not None else {},
        "waiting": (
            {"kind": waiting.kind, "step": waiting.step, "slot": waiting.slot} if waiting is not None else None
        ),
        "outcome": run.state.outcome,
        "unsupported": list(unsupported(run)),
        "tool_calls": run.calls,
        "tools_ms": round(run.tools_ms, 3),
        "events": run.events,
    }


async def _done(run: Run, stepped: Stepped) -> Stepped | None:
    """Do what a flow wants, in order; what it did next, if it goes on in this turn."""
    for effect in stepped.effects:
        if isinstance(effect, CallTool):
            result = await _called(run, effect)
            return _stepped(run, stepped.state, replace(run.heard, tool_result=result))
        if isinstance(effect, Start):
            flow = run.tools.flows.get(effect.to) if run.tools.flows is not None else None
            if flow is None:
                continue
            run.events.append({"kind": "switched", "flow": effect.flow, "to": effect.to})
            run.heard = replace(run.heard, text=effect.text, candidates=await run.tagged(effect.text))
            return _stepped(run, flow)
        await _take(run, effect)
    return None


async def _take(run: Run, effect: Effect) -> None:
    """Take note of one effect that needs nothing further."""
    if isinstance(effect, Say | Ask | Rate):
        run.texts.append(effect.text)
        run.quick_replies = effect.quick_replies
        run.values = effect.values if isinstance(effect, Ask) else ()
        run.rating_asked = run.rating_asked or isinstance(effect, Rate)
    elif isinstance(effect, AnswerFromKnowledge):
        run.events.append({"kind": "interrupted", "flow": effect.flow, "step": effect.step})
        run.answered = await run.answer(effect.question)
    elif isinstance(effect, HandOver):
        run.hand_over = effect
        run.events.append({"kind": "handed_over", "flow": effect.flow, "step": effect.step, "reason": effect.reason})
        if effect.reason == "flow_failed":
            log.error("flow_failed", workspace=run.request.workspace_id, flow=effect.flow, step=effect.step)
    elif isinstance(effect, Rated):
        run.rating = (effect.score, effect.scale)
    elif isinstance(effect, SetAttribute) and effect.scope == "contact":
        run.contact[effect.name] = ContactValue(effect.value, effect.days)
    elif isinstance(effect, SetAttribute):
        run.remembered[effect.name] = effect.value
    elif isinstance(effect, End):
        run.events.append({"kind": "ended", "flow": effect.flow, "step": effect.step, "outcome": effect.outcome})


async def _called(run: Run, effect: CallTool) -> ToolResult:
    call = ToolCall(effect.call_id, effect.tool, effect.arguments)
    runner = run.tools.runner
    if runner is None:
        outcome = ToolOutcome(ToolState.FAILED, problem="no_tool")
    else:
        begun = time.perf_counter()
        outcome = await runner.call(call, conversation_id=run.request.conversation_id, turn_id=run.request.turn_id)
        run.tools_ms += (time.perf_counter() - begun) * 1000
    run.calls.append(
        {
            "tool": effect.tool,
            "step": effect.step,
            "arguments": dict(effect.arguments),
            "state": outcome.state.value,
            "status": outcome.status,
            "outputs": dict(outcome.outputs),
            "problem": outcome.problem,
            "repeated": outcome.repeated,
            "ms": outcome.ms,
        }
    )
    run.results.append(cast(Json, dict(outcome.outputs)))
    is_done = outcome.state is ToolState.DONE
    value = cast(Json, dict(outcome.outputs)) if is_done else None
    return ToolResult(effect.call_id, is_done, value, outcome.problem, outcome.message)


def _stepped(run: Run, first: FlowState | Flow, heard: Understood | None = None) -> Stepped:
    """One go of the engine, timed."""
    from kefu.brain.flow import begin, go_on

    heard, shelf = heard or run.heard, run.tools.flows
    assert shelf is not None
    begun = time.perf_counter()
    if isinstance(first, Flow):
        run.events.append({"kind": "started", "flow": first.id, "version": first.version})
        stepped = begin(first, heard, shelf)
    else:
        stepped = go_on(first, heard, shelf)
    run.engine_ms += (time.perf_counter() - begun) * 1000
    return stepped


def _flow_of(run: Run) -> str:
    return next((str(event["flow"]) for event in reversed(run.events)), "")


def _version_of(run: Run) -> int | None:
    return next((event["version"] for event in reversed(run.events) if "version" in event), None)

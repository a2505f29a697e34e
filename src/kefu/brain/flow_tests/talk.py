"""A test's conversation with the pure engine: tools answered by samples, knowledge by whoever is handed in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from kefu.brain.flow import begin, go_on, which_starts
from kefu.brain.flow_tests.judge import Seen
from kefu.brain.flow_tests.shapes import Answer, Case, Heard, ToolSample, Turn, Understand, sample_for
from kefu.brain.hear import hear
from kefu.brain.mask import verify
from kefu.contracts.engine import Said
from kefu.contracts.flow import Json
from kefu.contracts.flow_state import (
    AnswerFromKnowledge,
    Ask,
    CallTool,
    Candidate,
    FlowShelf,
    FlowState,
    HandOver,
    Rate,
    Say,
    SetAttribute,
    Start,
    Stepped,
    ToolResult,
    Understood,
)

# As in a conversation: a flow that calls tools without end is broken.
_MOST_ROUNDS = 8
_NO_ANSWER = "knowledge was asked, but none is there; run the tests of a workspace"


def on_shelf(
    shelf: FlowShelf,
    *,
    samples: Mapping[str, Sequence[ToolSample]] | None = None,
    answer: Answer | None = None,
    understand: Understand | None = None,
    now: datetime | None = None,
) -> "Callable[[Case], FlowTalk]":
    """Conversations with the flows of a shelf. No host is called: `samples` are the tools' own, a test's come first.

    `answer` answers from knowledge as the assistant would; `understand` tells what models would.
    """
    clock = now or datetime.now(UTC)
    return lambda case: FlowTalk(case, shelf, samples or {}, answer, understand or plainly, case.now or clock)


@dataclass
class FlowTalk:
    """`run.Conversation` with the pure engine."""

    case: Case
    shelf: FlowShelf
    samples: Mapping[str, Sequence[ToolSample]]
    answer: Answer | None
    understand: Understand
    now: datetime
    state: FlowState | None = None
    said: list[Said] = field(default_factory=list)
    contact: dict[str, Json] = field(default_factory=dict)
    conversation: dict[str, Json] = field(default_factory=dict)
    slots: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.contact |= self.case.contact
        self.conversation |= self.case.conversation

    def say(self, turn: Turn, number: int) -> Seen:
        heard, seen = self._heard(turn, number), Seen()
        stepped = self._first(heard, number)
        if stepped is None:
            self._knowledge(turn.say, seen)
        rounds = 0
        while stepped is not None:
            stepped = self._effects(heard, stepped, seen)
            rounds += 1
            if rounds > _MOST_ROUNDS:
                seen.problems.append(f"the flow called tools more than {_MOST_ROUNDS} times in one turn")
                break
        seen.slots = dict(self.slots)
        self._where(seen)
        self.said += [Said("contact", turn.say), Said("assistant", seen.text)]
        return seen

    def _first(self, heard: Understood, number: int) -> Stepped | None:
        if self.state is not None and not self.state.over:
            return go_on(self.state, heard, self.shelf)
        wanted = self.case.flow if number == 1 else ""
        flow = self.shelf.get(wanted) if wanted else None
        if flow is None:
            starting = which_starts(self.shelf.live(), heard)
            flow = starting.flow if starting is not None else None
        self.state, self.slots = None, {}
        return begin(flow, heard, self.shelf) if flow is not None else None

    def _effects(self, heard: Understood, stepped: Stepped, seen: Seen) -> Stepped | None:
        """Do what a flow wants; what it did next if it goes on in this turn."""
        self.state = stepped.state
        seen.path += stepped.path
        seen.decision = "flow"
        for frame in stepped.state.frames:
            self.slots |= {name: value.value for name, value in frame.values.items()}
        for effect in stepped.effects:
            if isinstance(effect, Say | Ask | Rate):
                seen.texts.append(effect.text)
                seen.quick_replies = effect.quick_replies
            elif isinstance(effect, AnswerFromKnowledge):
                self._knowledge(effect.question, seen)
            elif isinstance(effect, HandOver):
                seen.hand_over, seen.team, seen.reason = True, effect.team, effect.reason
                seen.decision = "hand_over"
            elif isinstance(effect, SetAttribute):
                place = self.contact if effect.scope == "contact" else self.conversation
                place[effect.name] = effect.value
            elif isinstance(effect, CallTool):
                result = self._called(effect, seen)
                return go_on(stepped.state, replace(heard, tool_result=result), self.shelf)
            elif isinstance(effect, Start) and (flow := self.shelf.get(effect.to)) is not None:
                return begin(flow, replace(heard, text=effect.text), self.shelf)
        return None

    def _called(self, call: CallTool, seen: Seen) -> ToolResult:
        seen.calls.append((call.tool, dict(call.arguments)))
        known = (*self.case.samples.get(call.tool, ()), *self.samples.get(call.tool, ()))
        sample = sample_for(known, call.arguments)
        if sample is None:
            seen.problems.append(f"no sample answers the call of {call.tool} with {dict(call.arguments)}")
            return ToolResult(call.call_id, False, None, "no_sample", "no sample answers this call")
        return ToolResult(call.call_id, not sample.code, sample.value, sample.code, sample.message)

    def _knowledge(self, question: str, seen: Seen) -> None:
        if self.answer is None:
            seen.missing_answer = _NO_ANSWER
            seen.decision = seen.decision or "none"
            return
        answered = self.answer(question, self.case.language, tuple(self.said))
        seen.texts.append(answered.text)
        seen.sources += answered.sources
        seen.quick_replies = answered.quick_replies
        seen.decision = seen.decision or answered.decision
        seen.hand_over = seen.hand_over or answered.decision == "hand_over"

    def _heard(self, turn: Turn, number: int) -> Understood:
        base = Understood(
            conversation_id=f"test-{self.case.line}",
            turn_id=f"turn-{number}",
            now=self.now,
            text=turn.say,
            language=self.case.language,
            pressed=turn.press,
            contact=dict(self.contact),
            conversation=dict(self.conversation),
        )
        heard = self.understand(Heard(turn.say, self.case.language, base))
        if turn.intent is not None:
            heard = replace(heard, intent=turn.intent, intent_confidence=1.0)
        if turn.mood:
            heard = replace(heard, mood=turn.mood)
        if turn.candidates:
            heard = replace(heard, candidates=tuple(Candidate(slot, text) for slot, text in turn.candidates.items()))
        return heard

    def _where(self, seen: Seen) -> None:
        if self.state is None:
            return
        seen.outcome = self.state.outcome
        if self.state.frames:
            seen.flow = self.state.frames[-1].flow
            seen.step = self.state.waiting.step if self.state.waiting is not None else self.state.frames[-1].step


def plainly(heard: Heard) -> Understood:
    """A message as it is understood without any model: normalised and masked."""
    known = hear(heard.text, heard.language, heard.language)
    masked = verify(known.text, heard.language)
    return replace(heard.base, text=masked.text)

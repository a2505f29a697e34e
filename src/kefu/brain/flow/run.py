"""A run of a flow under way within one turn: what it holds, and the few things that steps and answers do to it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kefu.brain.flow.built_in import BUILT_IN
from kefu.brain.flow.program import Program, program_of
from kefu.brain.flow.spoken import Labelled
from kefu.brain.flow.templates import evaluate, fill, plain, render
from kefu.brain.slots.gather import Filled
from kefu.brain.slots.readings import LONGEST, Heard, refusal
from kefu.contracts.flow import Choice, Flow, Json, Slot, SlotType, Step, Texts, Words
from kefu.contracts.flow_state import (
    Ask,
    Effect,
    End,
    FlowShelf,
    FlowState,
    Frame,
    HandOver,
    Say,
    SetAttribute,
    Stepped,
    Understood,
    Value,
    Waiting,
)
from kefu.kit.errors import KefuError

# A turn that takes more steps than this runs in a circle; the longest ABCD guideline has 20.
MOST_STEPS = 200
# Flows that call flows that call flows: deeper than this is a circle too.
DEEPEST = 8
# The way back that is kept for corrections; a conversation of a hundred steps is over or lost.
_TRAIL = 100
# Longer answers than this are pasted texts; what a flow asks for stands at their beginning.
LONGEST_MESSAGE = LONGEST


class FlowFailed(KefuError):
    """A flow cannot go on: its steps run in a circle, a template fails, a version is gone."""

    code = "flow_failed"


@dataclass
class Working:
    """A frame being run; see `flow_state.Frame`."""

    program: Program
    step: str | None
    values: dict[str, Value] = field(default_factory=dict)
    rounds: dict[str, int] = field(default_factory=dict)
    retries: dict[str, int] = field(default_factory=dict)
    result: Json = None
    error: Json = None
    trail: list[str] = field(default_factory=list)
    gone_through: int = 0

    @property
    def flow(self) -> Flow:
        return self.program.flow

    @classmethod
    def of(cls, frame: Frame, flow: Flow) -> "Working":
        return cls(
            program_of(flow), frame.step, dict(frame.values), dict(frame.rounds), dict(frame.retries),
            frame.result, frame.error, list(frame.trail), frame.gone_through,
        )  # fmt: skip

    def frozen(self) -> Frame:
        return Frame(
            self.flow.id, self.flow.version, self.step, self.values, self.rounds, self.retries, self.result, self.error,
            tuple(self.trail[-_TRAIL:]), self.gone_through,
        )  # fmt: skip

    def current(self) -> Step:
        """The step to run or waited at. Raises FlowFailed if this version has none of that id."""
        step = self.program.steps.get(self.step or "")
        if step is None:
            raise FlowFailed(f"The flow {self.flow.id!r} has no step {self.step!r}.", flow=self.flow.id)
        return step

    def go(self, target: str | None) -> None:
        """Go on at a step; repeats that it is outside of begin anew when they are next come to."""
        around = self.program.repeats.get(target or "", ())
        for repeat in [each for each in self.rounds if each not in around]:
            del self.rounds[repeat]
        self.step = target

    def done(self) -> None:
        """Go on at the step that follows."""
        self.step = self.program.following[self.current().id]


class Run:
    """A run within one turn. Steps and answers change it; `stepped` freezes what came of it."""

    def __init__(self, state: FlowState, heard: Understood, shelf: FlowShelf) -> None:
        self.heard = heard
        self.shelf = shelf
        self.frames: list[Working] = []
        self.waiting: Waiting | None = state.waiting
        self.outcome: str | None = state.outcome
        self.visits: dict[str, int] = dict(state.visits)
        self.spent = state.spent if state.turn == heard.turn_id else 0
        self.effects: list[Effect] = []
        self.path: list[str] = []
        self.changed: list[str] = []
        self.grounds: list[dict[str, Any]] = []
        self.refused: dict[str, tuple[Json, str]] = {}
        self.contact: dict[str, Json] = dict(heard.contact)
        self.conversation: dict[str, Json] = dict(heard.conversation)
        for frame in state.frames:
            flow = shelf.get(frame.flow, frame.version)
            if flow is None:
                raise FlowFailed(f"Version {frame.version} of the flow {frame.flow!r} is gone.", flow=frame.flow)
            self.frames.append(Working.of(frame, flow))

    @property
    def top(self) -> Working:
        """The frame that runs."""
        return self.frames[-1]

    @property
    def text(self) -> str:
        """What the customer wrote, or the value of what was pressed, no longer than any answer need be."""
        return (self.heard.pressed or self.heard.text)[:LONGEST_MESSAGE].strip()

    def read(self, text: str) -> Heard:
        """A text as slots hear it."""
        return Heard(text, self.heard.language, self.heard.now)

    def stepped(self) -> Stepped:
        state = FlowState(
            tuple(frame.frozen() for frame in self.frames),
            self.waiting, self.outcome, self.visits, self.heard.turn_id, self.spent,
        )  # fmt: skip
        changed = tuple(dict.fromkeys(self.changed))
        return Stepped(state, tuple(self.effects), tuple(self.path), changed, tuple(self.grounds))

    # What steps do

    def enter(self, step: Step) -> None:
        """Count a step. Raises FlowFailed past the turn's budget."""
        self.spent += 1
        if self.spent > MOST_STEPS:
            raise FlowFailed(f"The flow took more than {MOST_STEPS} steps in one turn.", step=step.id)
        frame = self.top
        name = f"{frame.flow.id}/{step.id}"
        self.path.append(name)
        self.visits[name] = self.visits.get(name, 0) + 1
        frame.trail.append(step.id)
        frame.gone_through += 1

    def call_id(self, step: Step) -> str:
        """The same for the same conversation, turn, step and visit; no two calls share one."""
        name = f"{self.top.flow.id}/{step.id}"
        parts = (self.heard.conversation_id, self.heard.turn_id, name, str(self.visits.get(name, 0)))
        return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:32]

    def names(self, **more: Json) -> dict[str, Any]:
        """What templates may name."""
        frame, heard = self.top, self.heard
        repeats = frame.program.repeats.get(frame.step or "", ())
        return {
            **{name: value.value for name, value in frame.values.items()},
            "contact": self.contact,
            "conversation": self.conversation,
            "result": frame.result,
            "error": frame.error,
            "today": heard.now.date().isoformat(),
            "now": heard.now.isoformat(timespec="minutes"),
            "language": self.language(),
            "intent": heard.intent,
            "mood": heard.mood,
            "message": heard.text[:LONGEST_MESSAGE],
            "round": frame.rounds.get(repeats[-1], 0) if repeats else 0,
            **more,
        }

    def language(self) -> str:
        """The customer's language if the flow has it, else the flow's first."""
        languages = self.top.flow.languages
        heard = self.heard.language
        return heard if heard in languages else languages[0] if languages else "en"

    def words(self, texts: Texts, **more: Json) -> str:
        """A text in the customer's language, filled in with values as people say them. Raises FlowFailed."""
        template = texts.get(self.language()) or texts.get(self.heard.language) or next(iter(texts.values()), "")
        if "{" not in template:
            return template
        names = self.names(**more)
        self.grounds.append(names)
        try:
            return render(template, {**names, **self._labelled(names)}, said=self.language())
        except KefuError as error:
            raise FlowFailed(error.sentence, step=self.top.step) from error

    def _labelled(self, names: Mapping[str, Any]) -> dict[str, Json]:
        """The choices among these names, each with its label."""
        choices = self.top.program.choices
        return {name: self._shown(choices[name], names[name]) for name in choices if isinstance(names.get(name), str)}

    def shown(self, slot: Slot, value: Json) -> Json:
        """A value of a slot as a text may name it: a choice with its label."""
        return self._shown(slot.choices, value)

    def _shown(self, choices: Sequence[Choice], value: Json) -> Json:
        choice = next((each for each in choices if each.value == value), None)
        label = choice.label.get(self.language(), "") if choice is not None else ""
        # A label that is a template could name the very choice that it is of.
        return Labelled.of(choice.value, label) if choice is not None and label and "{" not in label else value

    def label(self, choice: Choice) -> str:
        """What people call a choice."""
        return self.words(choice.label) or choice.value

    def own_words(self, name: str, **more: Json) -> str:
        """One of the texts that all flows have, or the flow's reply in its place."""
        texts = self.top.flow.replies.get(name) or BUILT_IN[name]
        if self.heard.language in texts and self.heard.language not in self.top.flow.languages:
            texts = {self.language(): texts[self.heard.language]}
        if self.language() not in texts:
            texts = {self.language(): texts.get("en") or next(iter(texts.values()))}
        return self.words(texts, **more)

    def quick(self, words: Words) -> tuple[str, ...]:
        """Quick replies in the customer's language, filled in."""
        listed = words.get(self.language()) or words.get("*") or ()
        return tuple(filter(None, (self.words({self.language(): each}) for each in listed)))

    def value(self, expression: str) -> Json:
        """The value of a condition. Raises FlowFailed."""
        try:
            return evaluate(expression, self.names())
        except KefuError as error:
            raise FlowFailed(error.sentence, step=self.top.step) from error

    def filled_in(self, values: Mapping[str, Json]) -> dict[str, Json]:
        """Arguments and values with their templates filled in. Raises FlowFailed."""
        names = self.names()
        try:
            return {name: plain(fill(value, names)) for name, value in values.items()}
        except KefuError as error:
            raise FlowFailed(error.sentence, step=self.top.step) from error

    def say(self, text: str, quick_replies: tuple[str, ...] = ()) -> None:
        """Send a text; an empty one is nothing to send."""
        if text:
            self.effects.append(Say(self.top.flow.id, self.top.step or "", text, quick_replies))

    def ask(
        self,
        text: str,
        *,
        slot: str | None = None,
        quick: tuple[str, ...] = (),
        again: int = 0,
        values: tuple[str, ...] = (),
    ) -> None:
        """Send a question."""
        self.effects.append(Ask(self.top.flow.id, self.top.step or "", text, slot, quick, again, values))

    def wait(self, kind: Any, slot: str | None = None, **more: Any) -> None:
        """Wait at this step for the customer or a tool."""
        self.waiting = Waiting(kind, self.top.current().id, slot, **more)

    def keep(self, scope: Any, name: str, value: Json, days: int | None = None) -> None:
        """Keep an attribute, and know it at once."""
        (self.contact if scope == "contact" else self.conversation)[name] = value
        self.effects.append(SetAttribute(self.top.flow.id, self.top.step or "", scope, name, value, days))

    def hand_over(self, reason: str, team: str | None = None, note: str = "") -> None:
        """Give the conversation to a person; the run is over."""
        self.effects.append(HandOver(self.top.flow.id, self.top.step or "", reason, team, note))
        self.end("handed_over")

    def end(self, outcome: str) -> None:
        """End the whole run."""
        first = self.frames[0]
        self.effects.append(End(first.flow.id, self.top.step or "", outcome))
        self.frames, self.waiting, self.outcome = [], None, outcome

    # What slots hold

    def known(self, slot: Slot) -> bool:
        """Whether a slot needs no question: it has a value, was skipped, or is known of the contact."""
        held = self.top.values.get(slot.name)
        if held is not None:
            return held.value is not None or held.source == "skipped"
        return self._recalled(slot)

    def _recalled(self, slot: Slot) -> bool:
        """Take a slot's value from what was kept with the conversation or the contact, if it is still allowed."""
        kept: list[tuple[Any, Mapping[str, Json]]] = []
        if slot.remember.scope == "conversation":
            kept.append(("conversation", self.conversation))
        if slot.attribute or slot.remember.scope == "contact":
            kept.append(("contact", self.contact))
        for source, attributes in kept:
            value = attributes.get(slot.attribute or slot.name)
            if value not in (None, "") and refusal(slot, value, self.heard.now.date()) is None:
                self.top.values[slot.name] = Value(value, source, self.heard.turn_id, at=self.top.gone_through)
                return True
        return False

    def fill(self, slot: Slot, filled: Filled) -> None:
        """Take what the customer said for a slot."""
        frame = self.top
        frame.values[slot.name] = Value(
            filled.value, "customer", self.heard.turn_id, filled.text[:LONGEST_MESSAGE], at=frame.gone_through
        )
        frame.retries.pop(slot.name, None)
        self.changed.append(slot.name)
        if not slot.confirm:
            self.remember(slot)

    def remember(self, slot: Slot) -> None:
        """Keep a slot's value for as long as the slot says."""
        scope = slot.remember.scope
        if scope != "flow":
            self.keep(scope, slot.attribute or slot.name, self.top.values[slot.name].value, slot.remember.days)

    def empty(self, name: str) -> None:
        """Forget a value, so that it is asked for even where the contact's attribute is known."""
        self.top.values[name] = Value(None, "set", self.heard.turn_id, at=self.top.gone_through)
        self.top.retries.pop(name, None)

    def skip(self, name: str) -> None:
        """Go on without a value."""
        self.top.values[name] = Value(None, "skipped", self.heard.turn_id, at=self.top.gone_through)
        self.top.retries.pop(name, None)

    def ask_for(self, slot: Slot, *, failed: bool = False, refused: bool = False) -> None:
        """Ask for a slot and wait; `failed`: the answer was not understood, `refused`: it is not allowed."""
        again = self.top.retries.get(slot.name, 0)
        held = self.refused.pop(slot.name, None)
        question = self.words(slot.question)
        if refused or held is not None:
            value = self.shown(slot, held[0]) if held else None
            lead = self.words(slot.invalid, value=value) or self.own_words("_invalid")
            text = joined(lead, question) if not slot.invalid or not _asks(lead) else lead
        elif failed:
            text = self.words(slot.again) or joined(self.own_words("_not_understood"), question)
        else:
            text = question
        self.wait("slot", slot.name)
        values = () if slot.type is SlotType.YES_NO else tuple(choice.value for choice in slot.choices)
        self.ask(text.strip(), slot=slot.name, quick=self.offered(slot), again=again, values=values)

    def offered(self, slot: Slot) -> tuple[str, ...]:
        """Quick replies for a slot: its choices, or yes and no."""
        if slot.type is SlotType.YES_NO:
            return (self.own_words("_yes"), self.own_words("_no"))
        return tuple(map(self.label, slot.choices))


def joined(first: str, second: str) -> str:
    """Two sentences, with a blank between them where the script has blanks."""
    return first + ("" if first.endswith(("。", "！", "？", "，")) else " ") + second


def _asks(text: str) -> bool:
    """Whether a text ends in a question of its own."""
    return text.rstrip().endswith(("?", "？"))

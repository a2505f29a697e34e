"""A conversation that nobody has: the assistant answers as a customer's would be answered, and nothing is kept.

Its flows may be drafts; its tools answer by their samples, systems within this process by a copy of their own.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from kefu.brain.turn import answer
from kefu.contracts.engine import Said
from kefu.contracts.flow import Flow
from kefu.contracts.index import KnowledgeIndex
from kefu.contracts.tool import ToolCall, ToolOutcome, ToolRunner
from kefu.contracts.turn import ContactValue, TurnOutcome, TurnRequest
from kefu.desk.actor import Actor, Role
from kefu.desk.assistants.queries import tool_specs
from kefu.desk.assistants.tools.sending import Sender
from kefu.desk.assistants.tools.spec import ToolSpec
from kefu.desk.by_hand import AskedByHand, ByHand, HandAnswer
from kefu.desk.facts import facts
from kefu.desk.flow_book import FlowBook
from kefu.desk.toolbox import Samples
from kefu.desk.wiring import INTERNAL_SYSTEMS, wiring
from kefu.kit.errors import BadInput, Unavailable
from kefu.kit.ids import new_id
from kefu.kit.runtime import run
from kefu.knowledge.masking import mask, mask_value, unmask, unmask_value

_SECONDS = 60.0  # a generated answer on a slow machine; who simulates waits no longer
_DRAFT = 0  # the version of flows that were never published


@dataclass(frozen=True)
class Simulated:
    """What the assistant answered; `flow` is the trace of a flow's step, if one ran. `state` and the like go on.

    `text` is what a customer would read, `outcome` is masked. `asked` is a tool's call that a person is to answer:
    nothing was said yet, and the same message goes on with the answers so far and the new one.
    """

    text: str
    outcome: TurnOutcome
    flow: Mapping[str, Any] | None
    state: Mapping[str, Any] | None
    remembered: Mapping[str, Any]
    contact: Mapping[str, Any]
    asked: AskedByHand | None = None


@dataclass
class Simulation:
    """A conversation with a workspace's assistant, from its first word; `say` goes on with it.

    `drafts` are flows' YAML, in place of the live ones of their ids. `contact` is what is known of the customer.
    `models` are loaded, by role, in place of those that are live; `index` is knowledge instead of the workspace's.
    Raises BadFlow for a draft that is not sound, NotAllowed for less than an agent.
    """

    actor: Actor
    drafts: Sequence[str] = ()
    contact: Mapping[str, Any] = field(default_factory=dict)
    now: datetime | None = None
    runner: ToolRunner | None = None
    state: Mapping[str, Any] | None = None
    remembered: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Said] = ()
    models: Mapping[str, Any] = field(default_factory=dict)
    index: KnowledgeIndex | None = None

    def __post_init__(self) -> None:
        self.actor.require_role(Role.AGENT)
        workspace_id = self.actor.workspace_id
        self._id = new_id("sim")
        self._turns = 0
        self._refusals = 0
        self._language: str | None = None
        self._known: Mapping[str, str] = {}
        self._said: list[Said] = []
        for each in self.history:
            self._note(each.author, each.text)
        self._mind = wiring().mind(workspace_id)
        self._book = FlowBook(self._mind.flows.live(), drafts=loaded(self.drafts))
        self._runner = self.runner or self._samples(workspace_id)

    def say(self, text: str, *, pressed: str | None = None, answers: Sequence[HandAnswer] | None = None) -> Simulated:
        """The assistant's answer to the next message. Raises Unavailable when none comes within a minute.

        With `answers` tools are answered by hand, in their order within this message; [] asks for the first.
        """
        if not text.strip():
            raise BadInput("Say something.", field="text")
        self._turns += 1
        said = tuple(self._said)
        masked = self._note("contact", text)
        hour = facts(self.actor.workspace_id)
        contact, self._known = mask_value(dict(self.contact), self._known)
        request = TurnRequest(
            turn_id=f"{self._id}_{self._turns}",
            workspace_id=self.actor.workspace_id,
            conversation_id=self._id,
            text=masked,
            history=said,
            policy=self._mind.policy,
            refusals_in_a_row=self._refusals,
            language_hint=self._language,
            state=self.state,
            remembered=self.remembered,
            contact=contact,
            now=self.now or hour.now,
            is_open=hour.is_open,
            pressed=pressed,
        )
        by_hand = ByHand(tool_specs(self.actor.workspace_id), answers) if answers is not None else None
        runner = self._private(by_hand) if by_hand is not None else self._runner
        tools = replace(self._mind.tools, flows=self._book, runner=runner, **self._senses())
        try:
            outcome = run(answer(request, tools), timeout=_SECONDS)
        except TimeoutError:
            raise Unavailable("No answer came within a minute; is the generator's server busy?") from None
        if by_hand is not None and by_hand.asked is not None:
            self._said.pop()
            return Simulated("", outcome, None, self.state, self.remembered, self.contact, by_hand.asked)
        return self._kept(outcome)

    def stand_before(self, before: Callable[[ToolRunner], ToolRunner]) -> None:
        """Have tools answered by what `before` makes of the runner that answered them so far."""
        self._runner = before(self._runner)

    def _senses(self) -> dict[str, Any]:
        """The models and the knowledge that stand in for the live ones, as a turn's tools have them."""
        found: dict[str, Any] = {"index": self.index} if self.index is not None else {}
        if "intent" in self.models:
            found["intents"] = self.models["intent"]
        if "mood" in self.models:
            found["mood"] = {"*": self.models["mood"]}
        if "slots" in self.models:
            found["slots"] = self.models["slots"]
        return found

    def _private(self, runner: ByHand) -> ToolRunner:
        return _Private(self, runner.specs, runner)

    def _samples(self, workspace_id: str) -> ToolRunner:
        specs = tool_specs(workspace_id)
        return _Private(self, specs, Samples(specs, Sender(INTERNAL_SYSTEMS)))

    def originals(self) -> Mapping[str, str]:
        """What this conversation's placeholders stand for."""
        return self._known

    def masked(self, spec: ToolSpec, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """A tool's outputs with this conversation's placeholders."""
        found = {}
        for name, value in outputs.items():
            personal = spec.outputs[name].personal if name in spec.outputs else "auto"
            if personal == "no":
                found[name] = value
                continue
            family = None if personal == "auto" else personal.upper()
            found[name], self._known = mask_value(value, self._known, family=family)
        return found

    def _kept(self, outcome: TurnOutcome) -> Simulated:
        """The conversation after this answer."""
        self._said.append(Said("assistant", outcome.text))
        self._refusals = self._refusals + 1 if outcome.decision == "refuse" else 0
        self._language = outcome.language
        if outcome.kept is not None:
            self.state = outcome.kept.state
            self.remembered = _changed(self.remembered, outcome.kept.remembered)
            learnt = {name: _plain(each, self._known) for name, each in outcome.kept.contact.items()}
            self.contact = _changed(self.contact, learnt)
        if outcome.decision == "hand_over":
            self.state = None
        flow = next((step.detail for step in outcome.steps if step.name == "flow"), None)
        return Simulated(unmask(outcome.text, self._known), outcome, flow, self.state, self.remembered, self.contact)

    def _note(self, author: str, text: str) -> str:
        """A text masked with this conversation's placeholders, and remembered as said."""
        masked = mask(text, known=self._known)
        self._known = masked.placeholders
        self._said.append(Said(author, masked.text))
        return masked.text


class _Private:
    """Tools that get originals and give masked outputs, as the ledger's do."""

    def __init__(self, simulation: Simulation, specs: Mapping[str, ToolSpec], runner: ToolRunner) -> None:
        self._simulation = simulation
        self._specs = specs
        self._runner = runner

    async def call(self, call: ToolCall, *, conversation_id: str, turn_id: str) -> ToolOutcome:
        given = unmask_value(dict(call.arguments), self._simulation.originals())
        plain = replace(call, arguments=given)
        outcome = await self._runner.call(plain, conversation_id=conversation_id, turn_id=turn_id)
        spec = self._specs.get(call.tool)
        return replace(outcome, outputs=self._simulation.masked(spec, outcome.outputs)) if spec else outcome


def loaded(drafts: Iterable[str]) -> list[Flow]:
    """Flows from their YAML, as a simulation runs them. Raises BadFlow."""
    from kefu.brain.flow import load_flow  # templates need a library that only flows do

    return [replace(load_flow(text), version=_DRAFT) for text in drafts]


def _plain(kept: ContactValue, known: Mapping[str, str]) -> Any:
    return unmask(kept.value, known) if isinstance(kept.value, str) else kept.value


def _changed(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**before, **changes}.items() if value is not None}

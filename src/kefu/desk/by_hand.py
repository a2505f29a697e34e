"""Tools that a person answers while a conversation is simulated: by a sample, by values, by an error or a time-out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kefu.contracts.tool import ToolCall, ToolOutcome, ToolState
from kefu.desk.assistants.tools.answer import read_answer
from kefu.desk.assistants.tools.spec import ToolSpec

# Answers that say that a call may have had its effect all the same; every other problem says that it had none.
_UNKNOWN = ("timeout", "unknown", "broken_off")


@dataclass(frozen=True)
class HandAnswer:
    """What a person answers to one call: `outputs` as the flow sees them, the tool's `sample` of that place, or a
    `problem` such as timeout or not_found with a `message`."""

    outputs: Mapping[str, Any] | None = None
    sample: int | None = None
    problem: str = ""
    message: str = ""


@dataclass(frozen=True)
class AskedByHand:
    """A call that waits for a person: what the flow asks, what the tool gives, and its samples to choose from."""

    tool: str
    arguments: Mapping[str, Any]
    outputs: tuple[str, ...] = ()
    samples: tuple[Mapping[str, Any], ...] = ()


@dataclass
class ByHand:
    """A ToolRunner that takes one answer after the other; `asked` is the first call that none was given for."""

    specs: Mapping[str, ToolSpec]
    answers: Sequence[HandAnswer] = ()
    asked: AskedByHand | None = None
    _used: int = field(default=0, repr=False)

    async def call(self, call: ToolCall, *, conversation_id: str, turn_id: str) -> ToolOutcome:
        """The next answer; a failure that nobody sees, where a person is still to be asked."""
        spec = self.specs.get(call.tool)
        if self._used < len(self.answers):
            self._used += 1
            return _outcome(spec, self.answers[self._used - 1])
        if self.asked is None:
            samples = tuple({"status": each.status, "body": each.body} for each in spec.samples) if spec else ()
            self.asked = AskedByHand(call.tool, dict(call.arguments), tuple(spec.outputs) if spec else (), samples)
        return ToolOutcome(ToolState.FAILED, problem="no_sample")


def _outcome(spec: ToolSpec | None, given: HandAnswer) -> ToolOutcome:
    if given.problem:
        state = ToolState.UNKNOWN if given.problem in _UNKNOWN else ToolState.FAILED
        return ToolOutcome(state, problem=given.problem, message=given.message)
    if given.sample is not None:
        if spec is None or not 0 <= given.sample < len(spec.samples):
            return ToolOutcome(ToolState.FAILED, problem="no_sample")
        sample = spec.samples[given.sample]
        found = read_answer(spec, sample.status, sample.body)
        return ToolOutcome(found.state, found.outputs, found.status, found.problem, found.message)
    return ToolOutcome(ToolState.DONE, dict(given.outputs or {}), 200)

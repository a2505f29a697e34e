"""A flow laid out for running: which step follows which, and what each one mentions."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from kefu.brain.flow.templates import names_in
from kefu.contracts.flow import (
    AskStep,
    CallFlowStep,
    CallStep,
    Choice,
    ChooseStep,
    Flow,
    GotoStep,
    HandOverStep,
    IfStep,
    RateStep,
    RepeatStep,
    SayStep,
    SetStep,
    Slot,
    Step,
)
from kefu.kit.errors import BadInput

# Flows laid out before, by identity: a flow is frozen, and laying it out again each turn would cost more than a turn.
_KEPT = 512
_programs: dict[int, tuple[Flow, "Program"]] = {}


@dataclass(frozen=True)
class Program:
    """A flow's steps by id; `following` is where a step goes on when it is done, None at the flow's end."""

    flow: Flow
    steps: dict[str, Step] = field(default_factory=dict)
    following: dict[str, str | None] = field(default_factory=dict)
    repeats: dict[str, tuple[str, ...]] = field(default_factory=dict)  # the repeats around each step, innermost last

    @property
    def first(self) -> str | None:
        """The first step's id."""
        return self.flow.steps[0].id if self.flow.steps else None

    @cached_property
    def slots(self) -> dict[str, Slot]:
        """The slots by name."""
        return {slot.name: slot for slot in self.flow.slots}

    @cached_property
    def choices(self) -> dict[str, tuple[Choice, ...]]:
        """What slots and variables may hold that people know by a label, by their names."""
        found = {slot.name: slot.choices for slot in self.flow.slots if slot.choices}
        for step in self.steps.values():
            if isinstance(step, ChooseStep) and step.into and step.options:
                found[step.into] = tuple(option.choice for option in step.options)
        return found

    def entry(self, step: Step, branch: tuple[Step, ...]) -> str | None:
        """Where a branch of a step begins; an empty one is over at once."""
        return branch[0].id if branch else self.following[step.id]

    def mentions(self, step_id: str, name: str) -> bool:
        """Whether a step asks for, uses or shows a slot or variable."""
        return name in self._mentioned(step_id)

    def _mentioned(self, step_id: str) -> frozenset[str]:
        known = self._names.get(step_id)
        if known is None:
            known = self._names[step_id] = mentioned(self.flow, self.steps[step_id])
        return known

    @cached_property
    def _names(self) -> dict[str, frozenset[str]]:
        return {}


def program_of(flow: Flow) -> Program:
    """The flow, laid out."""
    kept = _programs.get(id(flow))
    if kept is not None and kept[0] is flow:
        return kept[1]
    program = Program(flow)
    _lay(program, flow.steps, None, ())
    if len(_programs) >= _KEPT:
        _programs.clear()
    _programs[id(flow)] = (flow, program)
    return program


def _lay(program: Program, steps: tuple[Step, ...], after: str | None, repeats: tuple[str, ...]) -> None:
    for at, step in enumerate(steps):
        program.steps[step.id] = step
        program.repeats[step.id] = repeats
        program.following[step.id] = steps[at + 1].id if at + 1 < len(steps) else after
        for name, inside in step.branches():
            back = isinstance(step, RepeatStep) and name == "steps"
            around = (*repeats, step.id) if back else repeats
            _lay(program, inside, step.id if back else program.following[step.id], around)


def mentioned(flow: Flow, step: Step) -> frozenset[str]:
    """The names of slots and variables that a step asks for or uses; templates that cannot be read mention nothing."""
    names: set[str] = set()
    if isinstance(step, AskStep):
        names.update(step.slots)
    for template in templates_of(flow, step):
        try:
            names |= names_in(template)
        except BadInput:
            continue
    return frozenset(names)


def templates_of(flow: Flow, step: Step) -> Iterator[str]:
    """All templates of a step, expressions in braces; those of its branches are their own steps'."""
    if isinstance(step, SayStep):
        yield from (step.texts or flow.replies.get(step.say, {})).values()
    elif isinstance(step, AskStep):
        yield from step.confirm.values()
    elif isinstance(step, ChooseStep | RateStep):
        yield from step.texts.values()
        if isinstance(step, ChooseStep) and step.source:
            yield from ("{{ " + step.source + " }}", *step.label.values())
    elif isinstance(step, CallStep | CallFlowStep):
        yield from _texts_in(list(step.arguments.values()))
        yield from _texts_in(list(step.save.values()))
    elif isinstance(step, SetStep):
        yield from _texts_in(list(step.values.values()))
    elif isinstance(step, IfStep | RepeatStep):
        if step.condition:
            yield "{{ " + step.condition + " }}"
    elif isinstance(step, HandOverStep):
        yield from (step.note, *step.texts.values())


def _texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts_in(item)
    elif isinstance(value, dict):
        yield from _texts_in(list(value.values()))


def targets(step: Step) -> tuple[str, ...]:
    """The steps that a step names."""
    return (step.to,) if isinstance(step, GotoStep) else ()

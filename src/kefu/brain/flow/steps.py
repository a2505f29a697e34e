"""What each kind of step does to a run."""

from collections.abc import Callable, Mapping
from typing import Any

from kefu.brain.flow.listed import offered
from kefu.brain.flow.program import program_of
from kefu.brain.flow.run import DEEPEST, FlowFailed, Run, Working, joined
from kefu.brain.flow.templates import plain
from kefu.contracts.flow import (
    AskStep,
    CallFlowStep,
    CallStep,
    ChooseStep,
    EndStep,
    GotoStep,
    HandOverStep,
    IfStep,
    Json,
    RateStep,
    RepeatStep,
    SayStep,
    SetStep,
    Slot,
    Step,
)
from kefu.contracts.flow_state import CallTool, Rate, ToolResult, Value


def run_on(run: Run) -> None:
    """Run steps until the flow waits or is over. Raises FlowFailed."""
    while run.frames and run.waiting is None:
        if run.top.step is None:
            leave(run, "solved")
            continue
        step = run.top.current()
        run.enter(step)
        _DO[type(step)](run, step)


def ask_on(run: Run, step: AskStep) -> None:
    """Ask for what is still empty, then whether all is right, then go on."""
    for slot in slots_of(run, step):
        if not run.known(slot):
            run.ask_for(slot, refused=slot.name in run.refused)
            return
        value = run.top.values[slot.name]
        if slot.confirm and not value.confirmed and value.source in ("customer", "contact", "conversation"):
            ask_whether(run, slot)
            return
    if step.confirm:
        ask_whether_all(run, step)
    else:
        run.top.done()


def slots_of(run: Run, step: AskStep) -> list[Slot]:
    """The slots that a step asks for."""
    slots = run.top.program.slots
    return [slots[name] for name in step.slots if name in slots]


def ask_whether(run: Run, slot: Slot) -> None:
    """Ask whether one value is right."""
    value = run.shown(slot, run.top.values[slot.name].value)
    text = (
        run.words(slot.confirm_text, value=value) if slot.confirm_text else run.own_words("_confirm_slot", value=value)
    )
    run.wait("confirm_slot", slot.name)
    run.ask(text, slot=slot.name, quick=(run.own_words("_yes"), run.own_words("_no")))


def ask_whether_all(run: Run, step: AskStep) -> None:
    """Show all values and ask whether they are right."""
    run.wait("confirm")
    run.ask(run.words(step.confirm), quick=(run.own_words("_yes"), run.own_words("_no")))


def offer(run: Run, step: ChooseStep, *, failed: bool = False) -> None:
    """Offer a step's options."""
    question = run.words(step.texts)
    if step.source:
        items = [each.choice for each in offered(run, step)]
        if not items:
            pass_over(run, step, "nothing_found")
            return
        labels = tuple(next(iter(each.label.values())) for each in items)
        values = tuple(each.value for each in items)
        question = "\n".join([question, *(f"{value}. {label}" for value, label in zip(values, labels, strict=True))])
    else:
        labels = tuple(run.label(option.choice) for option in step.options)
        values = tuple(option.choice.value for option in step.options)
    text = joined(run.own_words("_not_understood"), question).strip() if failed else question
    run.wait("choice")
    run.ask(text, quick=labels, again=run.top.retries.get(step.id, 0), values=values)


def pass_over(run: Run, step: ChooseStep, reason: str) -> None:
    """Go on where nothing was chosen: a person helps, if the step does not say otherwise."""
    if step.otherwise:
        run.top.step = step.otherwise[0].id
    else:
        run.hand_over(reason)


def call(run: Run, step: CallStep, *, call_id: str | None = None) -> None:
    """Call the step's tool, under the id that this visit has, or the one it had before."""
    call_id = call_id or run.call_id(step)
    arguments = run.filled_in(step.arguments)
    run.wait("tool", call_id=call_id)
    run.effects.append(CallTool(run.top.flow.id, step.id, call_id, step.tool, arguments))


def take_result(run: Run, result: ToolResult) -> None:
    """Go on with what a tool came to."""
    step, frame = run.top.current(), run.top
    run.waiting = None
    if not isinstance(step, CallStep):
        raise FlowFailed(f"The step {step.id!r} calls no tool.", step=step.id)
    if result.ok:
        frame.result, frame.error = plain(result.value), None
        save(run, step.save, "tool")
        frame.done()
        return
    frame.result, frame.error = None, {"code": result.code or "failed", "message": result.message}
    if step.on_error:
        frame.go(step.on_error[0].id)
    else:
        run.hand_over("tool_failed", note=f"{step.tool}: {result.code} {result.message}".strip())


def save(run: Run, values: Mapping[str, Json], source: Any, *, back: int = 0) -> None:
    """Set variables and slots, and attributes of contact and conversation; null empties.

    `back` is how many steps ago the values came to be: a correction goes back so far.
    """
    for name, value in run.filled_in(values).items():
        scope, dot, attribute = name.partition(".")
        if dot and scope in ("contact", "conversation"):
            run.keep(scope, attribute, value)
        elif value is None:
            run.empty(name)
        else:
            run.top.values[name] = Value(value, source, run.heard.turn_id, at=run.top.gone_through - back)
            run.top.retries.pop(name, None)


def leave(run: Run, outcome: str) -> None:
    """End the flow that runs; the one that called it goes on."""
    if len(run.frames) == 1:
        run.end(outcome)
        return
    ended = run.frames.pop()
    frame, step = run.top, run.top.current()
    frame.result = {**{name: value.value for name, value in ended.values.items()}, "outcome": outcome}
    frame.error = None
    # A slot that the called flow asked for is corrected by calling it again.
    save(run, step.save if isinstance(step, CallFlowStep) else {}, "tool", back=1)
    frame.done()


def _say(run: Run, step: SayStep) -> None:
    run.say(run.words(step.texts or run.top.flow.replies.get(step.say, {})), run.quick(step.quick_replies))
    run.top.done()


def _ask(run: Run, step: AskStep) -> None:
    if step.afresh:
        for name in step.slots:
            if name not in run.changed:  # said in this very message: the customer need not say it twice
                run.empty(name)
    ask_on(run, step)


def _choose(run: Run, step: ChooseStep) -> None:
    run.top.retries.pop(step.id, None)
    offer(run, step)


def _set(run: Run, step: SetStep) -> None:
    save(run, step.values, "set")
    run.top.done()


def _if(run: Run, step: IfStep) -> None:
    branch = step.then if run.value(step.condition) else step.otherwise
    run.top.step = run.top.program.entry(step, branch)


def _repeat(run: Run, step: RepeatStep) -> None:
    frame = run.top
    rounds = frame.rounds.get(step.id, 0)
    goes_on = not step.condition or bool(run.value(step.condition))
    if goes_on and rounds < step.times and step.steps:
        frame.rounds[step.id] = rounds + 1
        frame.step = step.steps[0].id
        return
    frame.rounds.pop(step.id, None)
    frame.step = frame.program.entry(step, step.otherwise if goes_on else ())


def _goto(run: Run, step: GotoStep) -> None:
    run.top.go(step.to)


def _call_flow(run: Run, step: CallFlowStep) -> None:
    flow = run.shelf.get(step.flow)
    if flow is None or len(run.frames) >= DEEPEST:
        raise FlowFailed(f"The flow {step.flow!r} is not live, or flows call each other too deep.", step=step.id)
    arguments = run.filled_in(step.arguments)
    program = program_of(flow)
    values = {name: Value(value, "caller", run.heard.turn_id) for name, value in arguments.items() if value is not None}
    run.frames.append(Working(program, program.first, values))


def _hand_over(run: Run, step: HandOverStep) -> None:
    run.say(run.words(step.texts))
    run.hand_over(step.reason, step.team, run.words({run.language(): step.note}) if step.note else "")


def _rate(run: Run, step: RateStep) -> None:
    run.wait("rate")
    quick = tuple(str(score) for score in range(1, step.scale + 1))
    run.effects.append(Rate(run.top.flow.id, step.id, run.words(step.texts), step.scale, quick))


def _end(run: Run, step: EndStep) -> None:
    leave(run, step.outcome)


_DO: dict[type[Step], Callable[[Run, Any], None]] = {
    SayStep: _say,
    AskStep: _ask,
    ChooseStep: _choose,
    CallStep: call,
    SetStep: _set,
    IfStep: _if,
    RepeatStep: _repeat,
    GotoStep: _goto,
    CallFlowStep: _call_flow,
    HandOverStep: _hand_over,
    RateStep: _rate,
    EndStep: _end,
}

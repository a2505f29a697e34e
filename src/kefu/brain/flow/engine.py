"""Flows run here: (flow, state, what was understood) -> (state, effects). Pure: no I/O, no clock but the one given."""

from kefu.brain.flow.listening import listen, take_all
from kefu.brain.flow.program import program_of
from kefu.brain.flow.run import FlowFailed, Run, Working
from kefu.brain.flow.steps import call, run_on, take_result
from kefu.contracts.flow import CallStep, Flow
from kefu.contracts.flow_state import End, FlowShelf, FlowState, HandOver, Stepped, Understood


def begin(flow: Flow, heard: Understood, shelf: FlowShelf) -> Stepped:
    """Start a flow with the message that wants it; what the message already says is not asked for.

    Never raises: a flow that cannot run ends with a hand-over to a person, reason "flow_failed".
    """
    run = Run(FlowState(), heard, shelf)
    program = program_of(flow)
    run.frames.append(Working(program, program.first))
    try:
        take_all(run)
        run_on(run)
    except FlowFailed as error:
        return _failed(run, flow.id, error)
    return run.stepped()


def go_on(state: FlowState, heard: Understood, shelf: FlowShelf) -> Stepped:
    """Go on with a message, or with the result of the tool that was called.

    Never raises: a flow that cannot run ends with a hand-over to a person, reason "flow_failed". A result that nobody
    waits for, and anything after the end, changes nothing. A message while a tool is waited for asks for the same call.
    """
    if state.over or state.waiting is None:
        return Stepped(state)
    result = heard.tool_result
    if result is not None and (state.waiting.kind != "tool" or state.waiting.call_id != result.call_id):
        return Stepped(state)
    try:
        run = Run(state, heard, shelf)
    except FlowFailed as error:
        return _failed(Run(FlowState(), heard, shelf), state.frames[-1].flow, error)
    flow_id = run.top.flow.id
    try:
        if result is not None:
            take_result(run, result)
        elif state.waiting.kind == "tool":
            return _call_again(run, state)
        else:
            listen(run, state.waiting)
        run_on(run)
    except FlowFailed as error:
        return _failed(run, flow_id, error)
    return run.stepped()


def _call_again(run: Run, state: FlowState) -> Stepped:
    """Ask for the call that is waited for, under the id that it had."""
    step = run.top.current()
    if not isinstance(step, CallStep):
        raise FlowFailed(f"The step {step.id!r} calls no tool.", step=step.id)
    call(run, step, call_id=state.waiting.call_id if state.waiting else None)
    return Stepped(state, tuple(run.effects))


def _failed(run: Run, flow_id: str, error: FlowFailed) -> Stepped:
    """A person takes over from a flow that cannot go on; what it had said stays said."""
    step = str(error.fields.get("step") or "")
    effects = (*run.effects, HandOver(flow_id, step, "flow_failed", None, error.sentence), End(flow_id, step, "failed"))
    state = FlowState((), None, "failed", run.visits, run.heard.turn_id, run.spent)
    return Stepped(state, effects, tuple(run.path), tuple(dict.fromkeys(run.changed)), tuple(run.grounds))

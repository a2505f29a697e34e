"""The ways through a flow: which step may come after which. For checks, and for the picture in the console."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kefu.brain.flow.program import Program, program_of
from kefu.contracts.flow import (
    AskStep,
    CallStep,
    ChooseStep,
    EndStep,
    Flow,
    GotoStep,
    HandOverStep,
    IfStep,
    RepeatStep,
    Step,
)

# Where a flow is over: its end is fallen off, an end or a hand-over is come to.
OVER = ""
_ON_MISSING = ("hand_over", "skip", "end")


@dataclass(frozen=True)
class Edge:
    """A way from one step to the next (OVER: the flow's end), with what it depends on."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True)
class Node:
    """A step in the picture; `parent` is the step whose branch it stands in."""

    id: str
    kind: str
    title: str
    parent: str | None = None
    branch: str = ""


@dataclass(frozen=True)
class Picture:
    """A flow to be drawn."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    first: str | None = None


def picture(flow: Flow) -> Picture:
    """The flow as nodes and edges, in the order of the file."""
    program = program_of(flow)
    parents: dict[str, tuple[str, str]] = {}
    for step in flow.all_steps():
        for branch, inside in step.branches():
            parents.update({inner.id: (step.id, branch) for inner in inside})
    nodes = []
    for step in flow.all_steps():
        parent, branch = parents.get(step.id, (None, ""))
        nodes.append(Node(step.id, step.kind, title(flow, step), parent, branch))
    return Picture(tuple(nodes), tuple(edges(program)), program.first)


def title(flow: Flow, step: Step) -> str:
    """A few words for a step, in the flow's first language."""
    texts: Mapping[str, str] = getattr(step, "texts", {}) or flow.replies.get(getattr(step, "say", ""), {})
    for name in ("tool", "condition", "to", "flow", "outcome", "reason"):
        if getattr(step, name, ""):
            return str(getattr(step, name))
    if isinstance(step, AskStep):
        return ", ".join(step.slots)
    if isinstance(step, RepeatStep):
        return f"{step.times} times"
    first = texts.get(flow.languages[0], "") if flow.languages else ""
    return first or ", ".join(getattr(step, "values", {}))


def edges(program: Program) -> Iterator[Edge]:
    """Every way from every step."""
    for step in program.steps.values():
        for target, label in _ways(program, step):
            yield Edge(step.id, target or OVER, label)


def _ways(program: Program, step: Step) -> Iterator[tuple[str | None, str]]:
    if isinstance(step, HandOverStep | EndStep):
        yield None, ""
    elif isinstance(step, GotoStep):
        yield step.to, ""
    elif isinstance(step, IfStep):
        yield program.entry(step, step.then), "then"
        yield program.entry(step, step.otherwise), "else"
    elif isinstance(step, ChooseStep):
        yield from ((program.entry(step, option.steps), option.choice.value) for option in step.options)
        if step.source:
            yield program.following[step.id], "chosen"
        yield from ((inner.id, "otherwise") for inner in step.otherwise[:1])
    elif isinstance(step, RepeatStep):
        yield from _rounds(program, step)
    else:
        yield program.following[step.id], ""
        yield from _when_it_fails(program, step)


def _rounds(program: Program, step: RepeatStep) -> Iterator[tuple[str | None, str]]:
    yield from ((inner.id, "again") for inner in step.steps[:1])
    if step.condition or not step.otherwise:
        yield program.following[step.id], "done"
    yield from ((inner.id, "otherwise") for inner in step.otherwise[:1])


def _when_it_fails(program: Program, step: Step) -> Iterator[tuple[str | None, str]]:
    if isinstance(step, CallStep):
        yield from ((inner.id, "on_error") for inner in step.on_error[:1])
    if isinstance(step, AskStep):
        yield from _when_asked_in_vain(program, step)


def _when_asked_in_vain(program: Program, step: AskStep) -> Iterator[tuple[str | None, str]]:
    if step.unknown:
        yield step.unknown[0].id, "unknown"
    for name in step.slots:
        slot = program.slots.get(name)
        if slot is None:
            continue
        if slot.if_missing == "end":
            yield None, "if_missing"
        elif slot.if_missing not in _ON_MISSING:
            yield slot.if_missing, "if_missing"


def reached(ways: Iterable[Edge], start: Iterable[str]) -> set[str]:
    """Everything that can be come to from `start`, itself included."""
    after: dict[str, list[str]] = {}
    for edge in ways:
        after.setdefault(edge.source, []).append(edge.target)
    found = set(start)
    waiting = list(found)
    while waiting:
        for target in after.get(waiting.pop(), []):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def reversed_edges(ways: Iterable[Edge]) -> list[Edge]:
    """The same ways backwards."""
    return [Edge(edge.target, edge.source) for edge in ways]


def circle(ways: Iterable[Edge]) -> list[str]:
    """The steps of one circle, in order; empty if there is none."""
    after: dict[str, list[str]] = {}
    for edge in ways:
        after.setdefault(edge.source, []).append(edge.target)
    done: set[str] = set()
    for start in list(after):
        path: list[str] = []
        pending = [(start, 0)]
        while pending:
            here, at = pending.pop()
            if at == 0:
                if here in path:
                    return path[path.index(here) :]
                if here in done:
                    continue
                path.append(here)
            targets = after.get(here, [])
            if at < len(targets):
                pending += [(here, at + 1), (targets[at], 0)]
            else:
                path.pop()
                done.add(here)
    return []

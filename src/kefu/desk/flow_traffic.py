"""How often flows are started, finished, left, and at which step: counted from what was kept when it happened."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from kefu.desk.actor import Actor
from kefu.desk.assistants.queries import flows
from kefu.desk.inbox.queries.flow_runs import FlowHappening, flow_happenings
from kefu.desk.insights.queries.period import Period, period_of

# How a run can come to its end, besides the words of the company's own at `end:`, which count as finished.
_NOT_FINISHED = {"cancelled", "handed_over", "dropped", "failed", "switched"}


@dataclass
class StepTraffic:
    """Runs that came to a step, and those that ended while it waited there."""

    reached: int = 0
    dropped: int = 0
    cancelled: int = 0
    handed_over: int = 0


@dataclass
class FlowTraffic:
    """The runs of one flow that began within a period; `finished` of them by their end, `outcomes` how.

    `dropped`: the customer said no more, or a person took over from outside. `steps` by id, of every flow whose steps
    were run, also within others.
    """

    key: str
    name: str = ""
    started: int = 0
    finished: int = 0
    cancelled: int = 0
    handed_over: int = 0
    dropped: int = 0
    under_way: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    steps: dict[str, StepTraffic] = field(default_factory=dict)

    def step(self, name: str) -> StepTraffic:
        return self.steps.setdefault(name, StepTraffic())


@dataclass
class _Run:
    """A run that has begun and is not over; `at` is the step that it waits at, with its flow."""

    flow: str
    at: tuple[str, str] = ("", "")
    reached: set[tuple[str, str]] = field(default_factory=set)


def flow_traffic(
    actor: Actor, *, first: str = "", last: str = "", time_zone: str = ""
) -> tuple[Period, list[FlowTraffic]]:
    """The traffic of each flow, the most started first; the last seven days if no dates are given.

    Raises BadInput for a period that is none, NotAllowed.
    """
    period = period_of(actor, first=first, last=last, time_zone=time_zone)
    counts = _Counts(period.end, {each.key: each.name for each in flows(actor)})
    for _, happened in groupby(flow_happenings(actor, period.start), key=lambda each: each.conversation_id):
        counts.conversation(happened)
    return period, sorted(counts.flows.values(), key=lambda each: (-each.started, each.key))


class _Counts:
    def __init__(self, end: datetime, names: Mapping[str, str]) -> None:
        self._end = end
        self._names = names
        self.flows: dict[str, FlowTraffic] = {key: FlowTraffic(key, name) for key, name in names.items()}

    def of(self, key: str) -> FlowTraffic:
        return self.flows.setdefault(key, FlowTraffic(key, self._names.get(key, key)))

    def conversation(self, happened: Iterable[FlowHappening]) -> None:
        """Count what happened in one conversation, in its order."""
        run: _Run | None = None
        for each in happened:
            if each.kind == "flowed":
                run = self._flowed(run, each)
            elif run is not None:
                self._over(run, "dropped")
                run = None
        if run is not None:
            self.of(run.flow).under_way += 1

    def _flowed(self, run: _Run | None, happened: FlowHappening) -> _Run | None:
        detail = happened.detail
        paths = list(map(str, detail.get("path", ())))
        for event in detail.get("events", ()):
            kind, flow = event.get("kind"), str(event.get("flow", ""))
            if kind == "started":
                run = self._started(run, flow, happened.at)
            elif kind == "handed_over" and run is not None:
                self._reach(run, paths)
                self._over(run, "handed_over", (flow, str(event.get("step", ""))))
                run = None
            elif kind == "ended" and run is not None:
                self._reach(run, paths)
                self._over(run, str(event.get("outcome") or "solved"))
                run = None
        if run is not None:
            self._reach(run, paths)
            run.at = (str(detail.get("flow") or run.flow), str(detail.get("step") or ""))
        return run

    def _started(self, run: _Run | None, flow: str, at: datetime) -> _Run | None:
        if run is not None:
            self._over(run, "dropped")
        if at >= self._end:
            return None
        self.of(flow).started += 1
        return _Run(flow)

    def _reach(self, run: _Run, paths: Iterable[str]) -> None:
        """Each step once a run; a loop does not make a step busier."""
        for path in paths:
            flow, _, step = path.partition("/")
            if (flow, step) not in run.reached:
                run.reached.add((flow, step))
                self.of(flow).step(step).reached += 1

    def _over(self, run: _Run, outcome: str, at: tuple[str, str] | None = None) -> None:
        found = self.of(run.flow)
        found.outcomes[outcome] += 1
        kind = "handed_over" if outcome == "failed" else outcome
        if kind in ("cancelled", "handed_over", "dropped"):
            setattr(found, kind, getattr(found, kind) + 1)
            flow, step = at or run.at
            if step:
                spot = self.of(flow or run.flow).step(step)
                setattr(spot, kind, getattr(spot, kind) + 1)
        elif outcome not in _NOT_FINISHED:
            found.finished += 1


def traffic_json(period: Period, found: Iterable[FlowTraffic]) -> dict[str, Any]:
    """The traffic as the API and the command line give it."""
    return {
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "time_zone": period.time_zone,
        "flows": [
            {
                **{name: value for name, value in vars(each).items() if name not in ("steps", "outcomes")},
                "outcomes": dict(each.outcomes),
                "steps": {name: vars(step) for name, step in each.steps.items()},
            }
            for each in found
        ],
    }

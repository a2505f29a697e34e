"""What this process counts for `/metrics`: turns, their steps, refusals, errors. No personal data."""

import logging
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram

from kefu.contracts.turn import TurnOutcome

# From a remembered answer (5 ms) to a generator on a slow machine.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_MILLISECOND = 0.001


class Figures:
    """What this process counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self._turns = Counter("kefu_turns", "Turns answered, by decision.", ["decision"], registry=self.registry)
        self._seconds = Histogram(
            "kefu_turn_seconds", "Work on a turn, by decision.", ["decision"], buckets=_SECONDS, registry=self.registry
        )
        self._steps = Histogram(
            "kefu_step_seconds", "Work of a turn's steps.", ["step"], buckets=_SECONDS, registry=self.registry
        )
        self._refusals = Counter("kefu_refusals", "Turns refused, by reason.", ["reason"], registry=self.registry)
        # A turn has eight steps, and prometheus looks each one's series up under a lock.
        self._step = cache(self._steps.labels)
        self.errors = Counter("kefu_errors", "Errors logged, by part of Kefu.", ["logger"], registry=self.registry)

    def answered(self, outcome: TurnOutcome) -> None:
        """A turn was answered."""
        decision = outcome.decision.value
        self._turns.labels(decision).inc()
        self._seconds.labels(decision).observe(sum(step.ms for step in outcome.steps) * _MILLISECOND)
        for step in outcome.steps:
            self._step(step.name).observe(step.ms * _MILLISECOND)
        if decision == "refuse":
            self._refusals.labels(outcome.reason).inc()


class CountedErrors(logging.Handler):
    """Counts what is logged as an error."""

    def __init__(self, counted: Counter) -> None:
        super().__init__(logging.ERROR)
        self._counted = counted

    def emit(self, record: logging.LogRecord) -> None:
        self._counted.labels(record.name).inc()


@cache
def figures() -> Figures:
    """This process's figures; from now on its errors are counted."""
    made = Figures()
    logging.getLogger("kefu").addHandler(CountedErrors(made.errors))
    return made

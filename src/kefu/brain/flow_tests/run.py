"""Running tests: each turn as a conversation would have it, and what is not as expected."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from kefu.brain.flow_tests.judge import Seen, failures_of
from kefu.brain.flow_tests.report import CaseResult, Coverage, Failure, SuiteReport
from kefu.brain.flow_tests.shapes import Case, TestFile, Turn
from kefu.contracts.flow import Flow


class Conversation(Protocol):
    """A conversation under way: with the pure engine (`talk.on_shelf`), or with a whole assistant."""

    def say(self, turn: Turn, number: int) -> Seen:
        """Say a turn's message, the first being 1, and tell what came of it."""


def run_suite(
    tests: Sequence[TestFile],
    opened: Callable[[Case], Conversation],
    *,
    flows: Sequence[Flow] = (),
    told: Callable[[CaseResult], None] | None = None,
) -> SuiteReport:
    """Run every test, each in a conversation that `opened` gives, and say what failed.

    Of `flows` the report tells which steps no test went through; `told` hears each result as it comes.
    """
    results: list[CaseResult] = []
    entered: Counter[str] = Counter()
    for file in tests:
        for case in file.cases:
            results.append(_ran(file.name, case, opened(case), entered))
            if told is not None:
                told(results[-1])
    return SuiteReport(tuple(results), tuple(_covered(flow, entered) for flow in flows), dict(entered))


def _ran(file: str, case: Case, conversation: Conversation, entered: Counter[str]) -> CaseResult:
    began = time.perf_counter()
    failures: list[Failure] = []
    for number, turn in enumerate(case.turns, start=1):
        seen = conversation.say(turn, number)
        entered.update(seen.path)
        failures += [Failure(turn.line, turn.say, *each) for each in failures_of(turn.expect, seen)]
    return CaseResult(file, case.name, tuple(failures), time.perf_counter() - began)


def _covered(flow: Flow, entered: Counter[str]) -> Coverage:
    steps = [step.id for step in flow.all_steps()]
    missing = tuple(each for each in steps if f"{flow.id}/{each}" not in entered)
    return Coverage(flow.id, len(steps) - len(missing), len(steps), missing)

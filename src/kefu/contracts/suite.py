"""What came of a workspace's tests of its assistant."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SuiteFailure:
    """An expectation that was not met: in which file and test, after what the customer said, what came instead."""

    file: str
    test: str
    line: int
    said: str
    wanted: str
    got: str


@dataclass(frozen=True)
class SuiteReport:
    """The tests that were run, `failed` of `total`. `coverage` counts how often each `flow/step` was reached."""

    passed: bool
    total: int
    failed: int = 0
    seconds: float = 0.0
    failures: tuple[SuiteFailure, ...] = ()
    coverage: Mapping[str, int] = field(default_factory=dict)

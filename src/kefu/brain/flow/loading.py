"""YAML to a flow: read, checked, and every problem with its line and what mends it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from kefu.brain.flow.checking import FlowChecker, check_names
from kefu.brain.flow.reading import Reader
from kefu.brain.flow.reading_flow import FlowReader
from kefu.brain.flow.yaml_text import compose
from kefu.contracts.flow import Flow
from kefu.contracts.flow_state import Problem
from kefu.kit.errors import BadInput


class BadFlow(BadInput):
    """A flow's YAML that cannot be used; `problems` say why, `fields["problems"]` the same as plain data."""

    code = "bad_flow"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        errors = [problem for problem in problems if problem.severity == "error"]
        first = errors[0]
        more = f" And {len(errors) - 1} more." if len(errors) > 1 else ""
        super().__init__(
            f"Line {first.line}: {first.sentence} {first.fix}{more}", problems=[_plain(problem) for problem in problems]
        )
        self.problems = problems


@dataclass(frozen=True)
class Checked:
    """A flow, None if it has errors; problems are in the order of lines."""

    flow: Flow | None
    problems: tuple[Problem, ...] = ()


def check_flow(text: str, tools: Collection[str] | None = None, flows: Collection[str] | None = None) -> Checked:
    """Read and check a flow; `tools` and `flows` are the names that exist, None: not checked. Never raises."""
    root, problem = compose(text)
    if root is None:
        return Checked(None, (problem,) if problem is not None else ())
    reader = Reader()
    flow = FlowReader(reader).flow(root)
    check_names(flow, reader)
    FlowChecker(flow, reader, tools, flows).check()
    problems = tuple(sorted(reader.problems, key=lambda each: (each.line, each.column)))
    broken = any(each.severity == "error" for each in problems)
    return Checked(None if broken else flow, problems)


def load_flow(text: str, tools: Collection[str] | None = None, flows: Collection[str] | None = None) -> Flow:
    """The flow that a YAML text holds. Raises BadFlow."""
    checked = check_flow(text, tools, flows)
    if checked.flow is None:
        raise BadFlow(checked.problems)
    return checked.flow


def _plain(problem: Problem) -> dict[str, Any]:
    return dict(problem.__dict__)

"""A conversation with a flow: say something, answer its tools, look at what it wants done."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kefu.brain.flow import Shelf, begin, go_on, load_flow
from kefu.contracts.flow import Flow
from kefu.contracts.flow_state import (
    AnswerFromKnowledge,
    Ask,
    CallTool,
    Effect,
    End,
    FlowState,
    HandOver,
    Rate,
    Say,
    Stepped,
    ToolResult,
    Understood,
)

# A Sunday.
NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
HERE = Path(__file__).parent


class Talk:
    """One conversation. Each message is one turn; state goes through JSON between turns, as in the database."""

    def __init__(self, flow: Flow, others: tuple[Flow, ...] = (), **known: Any) -> None:
        self.flow = flow
        self.shelf = Shelf([flow, *others])
        self.known = known
        self.tools: dict[str, Callable[[Mapping[str, Any]], ToolResult | Any]] = {}
        self.state: FlowState | None = None
        self.turn = 0
        self.effects: list[Effect] = []
        self.calls: list[CallTool] = []
        self.path: list[str] = []

    def heard(self, text: str, **more: Any) -> Understood:
        return Understood("conversation", f"turn-{self.turn}", NOW, text=text, **{**self.known, **more})

    def say(self, text: str, **more: Any) -> "Talk":
        self.turn += 1
        heard = self.heard(text, **more)
        if self.state is None or self.state.over:
            stepped = begin(self.flow, heard, self.shelf)
        else:
            stepped = go_on(self.state, heard, self.shelf)
        self.effects = []
        self._take(stepped)
        while isinstance(call := stepped.effects[-1] if stepped.effects else None, CallTool):
            self.calls.append(call)
            answer = self.tools.get(call.tool, lambda _: {})(call.arguments)
            result = answer if isinstance(answer, ToolResult) else ToolResult("", value=answer)
            stepped = go_on(
                stepped.state, replace(heard, tool_result=replace(result, call_id=call.call_id)), self.shelf
            )
            self._take(stepped)
        return self

    def _take(self, stepped: Stepped) -> None:
        self.state = FlowState.from_json(json.loads(json.dumps(stepped.state.as_json())))
        assert self.state == stepped.state
        self.effects += stepped.effects
        self.path += stepped.path

    @property
    def said(self) -> list[str]:
        """What the customer reads, in order."""
        return [
            f"[{effect.question}]" if isinstance(effect, AnswerFromKnowledge) else effect.text
            for effect in self.effects
            if isinstance(effect, Say | Ask | Rate | AnswerFromKnowledge)
        ]

    @property
    def last(self) -> str:
        return self.said[-1]

    @property
    def outcome(self) -> str | None:
        return next((effect.outcome for effect in self.effects if isinstance(effect, End)), None)

    @property
    def handed_over(self) -> HandOver | None:
        return next((effect for effect in self.effects if isinstance(effect, HandOver)), None)

    def value(self, name: str) -> Any:
        assert self.state is not None
        held = self.state.frames[-1].values.get(name)
        return held.value if held is not None else None


def flow_of(body: str, head: str = "schema: kefu.flow/v1\nid: tested\nlanguages: [en]\nwhen: {called: true}\n") -> Flow:
    """A flow in English from its slots and steps."""
    return load_flow(head + body)


@pytest.fixture(scope="session")
def new_talk() -> type[Talk]:
    """For property tests, which begin many conversations in one test."""
    return Talk


@pytest.fixture(scope="session")
def table_yaml() -> str:
    return (HERE / "book_table.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def table_flow(table_yaml: str) -> Flow:
    return load_flow(table_yaml, tools={"tables.find", "tables.book"})


@pytest.fixture
def table(table_flow: Flow) -> Talk:
    """A conversation about a table; there are two free ones."""
    talk = Talk(table_flow)
    talk.tools["tables.find"] = lambda _: {"tables": 2}
    talk.tools["tables.book"] = lambda _: {"number": "T-17"}
    return talk


@pytest.fixture
def talk() -> Callable[..., Talk]:
    """Begin a conversation with a flow written in the test."""

    def start(body: str, *others: str, **known: Any) -> Talk:
        return Talk(flow_of(body), tuple(map(load_flow, others)), **known)

    return start

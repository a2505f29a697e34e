"""A call to a company's own systems: what is asked, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class ToolState(StrEnum):
    """What came of a call. `unknown`: it may or may not have had its effect, and is never repeated by itself."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class ToolCall:
    """One call. The same `call_id` in a conversation is the same call: it happens once, however often it is asked.

    `arguments` are masked; placeholders in them are replaced by what they stand for only inside the call.
    """

    call_id: str
    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ToolOutcome:
    """What came of a call: `outputs` by the names that the tool declares, masked; `status` is HTTP's, if any came.

    `problem` is a short code such as `timeout`, empty where the state is `done`; `message` what the system said of it,
    masked. `repeated`: found in the ledger.
    """

    state: ToolState
    outputs: Mapping[str, Any] = field(default_factory=dict)
    status: int | None = None
    problem: str = ""
    message: str = ""
    ms: float = 0.0
    repeated: bool = False


class ToolRunner(Protocol):
    """Calls a workspace's tools, each call once."""

    async def call(self, call: ToolCall, *, conversation_id: str, turn_id: str) -> ToolOutcome:
        """What came of the call. Raises nothing: whatever goes wrong is a result."""

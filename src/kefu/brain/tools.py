"""What a turn works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kefu.contracts.engine import Classifier, Generator, Scorer, Tagger
from kefu.contracts.flow_state import FlowShelf
from kefu.contracts.index import KnowledgeIndex
from kefu.contracts.tool import ToolRunner


@dataclass(frozen=True)
class Tools:
    """A workspace's index, and a generator and models of its own if the company has them.

    `intents` tells what a customer wants; `mood`, by language, "*" for any, how they feel from -1 to 1;
    `slots` finds what flows ask for.
    `flows` are the company's own business logic, `runner` calls its systems.
    `versions` names what else had a part in an answer (encoders, calibration) and goes into the trace as it is.
    """

    index: KnowledgeIndex
    generator: Generator | None = None
    intents: Classifier | None = None
    mood: Mapping[str, Scorer] = field(default_factory=dict)
    slots: Tagger | None = None
    flows: FlowShelf | None = None
    runner: ToolRunner | None = None
    generation_seconds: float = 30.0
    versions: Mapping[str, str] = field(default_factory=dict)

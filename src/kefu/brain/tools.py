"""What a turn works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kefu.contracts.engine import Generator
from kefu.contracts.index import KnowledgeIndex


@dataclass(frozen=True)
class Tools:
    """A workspace's index, and a generator if the company has one.

    `versions` names what else had a part in an answer (encoders, calibration) and goes into the trace as it is.
    """

    index: KnowledgeIndex
    generator: Generator | None = None
    generation_seconds: float = 30.0
    versions: Mapping[str, str] = field(default_factory=dict)

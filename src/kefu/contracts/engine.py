"""What an engine can do, whoever runs it: embed, generate, classify, transcribe, speak.

Engines are plug-ins of the kind `engines`.

An engine is constructed with its plain options and does nothing heavy until `load`. All calls are coroutines on the
process's one loop; an engine that computes does so in its own threads or process.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
TextKind = Literal["query", "passage"]


@dataclass(frozen=True)
class EngineCard:
    """What runs: `version` is the weights' SHA-256 or the server's own word; `dimension` 0 where it has none."""

    name: str
    version: str
    languages: tuple[str, ...] = ()
    dimension: int = 0
    max_tokens: int = 0


@dataclass(frozen=True)
class Said:
    """One thing said in a conversation; `author` is contact, assistant, member or system. `text` is masked."""

    author: str
    text: str


@dataclass(frozen=True)
class Prompt:
    """What a generator is asked: instructions, the conversation so far, and limits."""

    instructions: str
    messages: tuple[Said, ...]
    max_tokens: int = 400
    temperature: float = 0.0
    stop: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Engine(Protocol):
    """Common to all engines. `__init__` takes `(reference: str, options: Mapping[str, Any])`."""

    def __init__(self, reference: str, options: Mapping[str, Any]) -> None: ...

    def card(self) -> EngineCard:
        """What runs. Raises Unavailable before `load`."""

    async def load(self) -> None:
        """Make ready: read and check files, or ask the server. Raises BadInstallation, Unavailable, MissingExtra."""

    async def close(self) -> None:
        """Free what `load` took; safe to call twice."""


@runtime_checkable
class Encoder(Engine, Protocol):
    """Text to vectors."""

    async def embed(self, texts: Sequence[str], kind: TextKind) -> Matrix:
        """float32 [len(texts), dimension], each row of unit length. Texts past `max_tokens` are cut."""


@runtime_checkable
class Generator(Engine, Protocol):
    """A prompt to text, piece by piece."""

    def generate(self, prompt: Prompt) -> AsyncIterator[str]:
        """Yield text as it is made. Closing the iterator stops the work. Raises Unavailable, Busy."""


@runtime_checkable
class FoundGenerator(Generator, Protocol):
    """A generator whose files can be looked for before they are loaded."""

    def find(self) -> None:
        """Find the files, and check each one's SHA-256. Blocks.

        Raises BadInput for a model that generates nothing, MissingExtra, Unavailable, BadInstallation for a missing or
        altered file.
        """


@dataclass(frozen=True)
class Classified:
    """What a text was taken for.

    `confidence` is the calibrated probability of `label`. `scope` is the share of texts known to be in scope that look
    less so than this one; `out_of_scope` whether that is below the model's threshold. `scores` hold every label's
    probability, best first.
    """

    label: str
    confidence: float
    out_of_scope: bool
    scope: float
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RawScores:
    """A classifier's output before temperature and threshold.

    logits [n, labels]; vectors [n, dimension], what the labels are told from; scope [n] from 0 to 1, all NaN for a
    model that has no statistics of its scope yet; `detectors` [n] each are what the scope was told from.
    """

    logits: Matrix
    vectors: Matrix
    scope: npt.NDArray[np.float32]
    detectors: Mapping[str, npt.NDArray[np.float32]] = field(default_factory=dict)


@runtime_checkable
class Classifier(Engine, Protocol):
    """Text to a label. Its reference is `path:DIR`, a folder with a model card."""

    async def classify(self, texts: Sequence[str]) -> list[Classified]:
        """One answer a text, in order."""

    async def raw(self, texts: Sequence[str]) -> RawScores:
        """What calibration is fitted on."""


@dataclass(frozen=True)
class TaggedSpan:
    """A slot's value found in a text: `text` is the characters from `start` to before `end`."""

    slot: str
    start: int
    end: int
    text: str
    confidence: float


@runtime_checkable
class Tagger(Engine, Protocol):
    """Text to the slots in it. Its reference is `path:DIR`, a folder with a model card of the task `tag`."""

    async def tag(self, text: str, requested: Sequence[str] = ()) -> tuple[TaggedSpan, ...]:
        """Spans in order, none over another; `requested` are the slots that the customer was just asked for."""


@runtime_checkable
class Reranker(Engine, Protocol):
    """Reads a question with passages. Its reference is `path:DIR`, a folder with a model card of the task `rerank`."""

    def reads(self) -> int:
        """How many of the passages that search found it is meant to read. Raises Unavailable before `load`."""

    async def relevance(self, question: str, passages: Sequence[str]) -> npt.NDArray[np.float32]:
        """float32 [len(passages)]: the better one answers the question, the more. Raises Busy, Unavailable."""

    async def gains(self, question: str, passages: Sequence[str]) -> npt.NDArray[np.float32]:
        """float32 [len(passages)]: what to add to the scores that search gave them. Raises Busy, Unavailable."""


@runtime_checkable
class Scorer(Engine, Protocol):
    """Text to a number, such as the mood from -1 to 1."""

    async def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """float32 [len(texts)]."""


@dataclass(frozen=True, eq=False)
class Sound:
    """Recorded or made sound: `samples` float32 [n] from -1 to 1, one channel, `rate` samples a second."""

    samples: npt.NDArray[np.float32]
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


@dataclass(frozen=True)
class Segment:
    """A stretch of speech, in seconds from the beginning of the sound, and its words."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class Transcript:
    """What was said. `text` is empty and `language` is "" where nobody speaks; `speech` are seconds of speech."""

    text: str
    language: str
    segments: tuple[Segment, ...] = ()
    speech: float = 0.0


@runtime_checkable
class Transcriber(Engine, Protocol):
    """Sound to text."""

    async def transcribe(self, sound: Sound, language: str | None = None, *, hurried: bool = False) -> Transcript:
        """What is said, in `language` (ISO 639-1) or the one that is told from it.

        `hurried`: somebody waits on the line, so that an answer sooner is worth a word misheard now and then. Raises
        Unavailable, Busy.
        """


@runtime_checkable
class Speaker(Engine, Protocol):
    """Text to sound, sentence by sentence."""

    def speak(self, text: str, language: str) -> AsyncIterator[Sound]:
        """Yield sound as it is made. Raises BadInput for a language it has no voice for, Unavailable, Busy."""

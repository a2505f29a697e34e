"""The workspaces' own models in this process: loaded once, checked, changed over under way.

A version stays loaded as long as anybody holds it: the mind that answers now, and turns that began with an earlier one.
When the last of them lets go of it, it is closed.
"""

import asyncio
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kefu.contracts.engine import (
    Classified,
    Classifier,
    Encoder,
    Engine,
    EngineCard,
    RawScores,
    Reranker,
    Scorer,
    TaggedSpan,
    Tagger,
)
from kefu.desk.modelhub import folders
from kefu.desk.modelhub.actions.registry import ROLES
from kefu.desk.modelhub.queries import Served, serving
from kefu.kit import registry
from kefu.kit.errors import KefuError
from kefu.kit.log import Log
from kefu.kit.runtime import loop, run

_log = Log(__name__)


@dataclass(frozen=True)
class Serving:
    """What answers in a role: a version, or the sentence why its champion does not."""

    version_id: str | None
    number: int | None
    problem: str | None


class _Held:
    """A loaded version. Nobody closes it: it is closed when nobody holds it."""

    def __init__(self, served: Served, engine: Engine) -> None:
        self.served = served
        self._engine = engine
        self._closing = weakref.finalize(self, _close, engine)
        self._closing.atexit = False  # the process ends, and there may be no loop any more

    @property
    def name(self) -> str:
        """For a trace: the model, its number, and the beginning of its card's hash."""
        return f"{self.served.model} v{self.served.number} {self.served.sha256[:12]}"

    def card(self) -> EngineCard:
        return self._engine.card()

    async def load(self) -> None:
        """It is loaded."""

    async def close(self) -> None:
        """Not while others hold it."""


class HeldClassifier(_Held):
    """`contracts.engine.Classifier`."""

    _engine: Classifier

    async def classify(self, texts: Sequence[str]) -> list[Classified]:
        return await self._engine.classify(texts)

    async def raw(self, texts: Sequence[str]) -> RawScores:
        return await self._engine.raw(texts)


class HeldScorer(_Held):
    """`contracts.engine.Scorer`."""

    _engine: Scorer

    async def score(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return await self._engine.score(texts)


class HeldTagger(_Held):
    """`contracts.engine.Tagger`."""

    _engine: Tagger

    async def tag(self, text: str, requested: Sequence[str] = ()) -> tuple[TaggedSpan, ...]:
        return await self._engine.tag(text, requested)


class HeldReranker(_Held):
    """`contracts.engine.Reranker`."""

    _engine: Reranker

    def reads(self) -> int:
        return self._engine.reads()

    async def relevance(self, question: str, passages: Sequence[str]) -> npt.NDArray[np.float32]:
        return await self._engine.relevance(question, passages)

    async def gains(self, question: str, passages: Sequence[str]) -> npt.NDArray[np.float32]:
        return await self._engine.gains(question, passages)


# What runs a model of a task: the engine plug-in, its protocol, and how a version of it is held.
_ENGINES: Mapping[str, tuple[str, type[Engine], type[_Held]]] = {
    "classify": ("classifier", Classifier, HeldClassifier),
    "score": ("classifier", Scorer, HeldScorer),
    "tag": ("tagger", Tagger, HeldTagger),
    "rerank": ("reranker", Reranker, HeldReranker),
}


class LiveModels:
    """Versions of this process. `encoders` gives those that are loaded, which a head may share."""

    def __init__(self, encoders: Callable[[], Iterable[Encoder]]) -> None:
        self._encoders = encoders
        self._loading = threading.RLock()
        self._held: weakref.WeakValueDictionary[str, _Held] = weakref.WeakValueDictionary()
        self._live: dict[tuple[str, str], _Held | None] = {}
        self._problems: dict[tuple[str, str], str] = {}
        self._tried: _Held | None = None

    def classifier(self, workspace_id: str, role: str) -> HeldClassifier | None:
        """What tells a text's label in a role. Blocks while it is loaded for the first time."""
        found = self._in_role(workspace_id, role)
        return found if isinstance(found, HeldClassifier) else None

    def scorer(self, workspace_id: str, role: str) -> HeldScorer | None:
        """What tells a number in a role."""
        found = self._in_role(workspace_id, role)
        return found if isinstance(found, HeldScorer) else None

    def tagger(self, workspace_id: str, role: str) -> HeldTagger | None:
        """What finds slots in a role."""
        found = self._in_role(workspace_id, role)
        return found if isinstance(found, HeldTagger) else None

    def reranker(self, workspace_id: str) -> HeldReranker | None:
        """What puts search's passages in order."""
        found = self._in_role(workspace_id, "rerank")
        return found if isinstance(found, HeldReranker) else None

    def refresh(self, workspace_id: str) -> bool:
        """Load what the rows say is live, and only then let it answer; whether anything changed.

        A version that cannot be loaded, or whose files were altered, is refused: what answered before still does.
        """
        with self._loading:
            changed = [self._refresh((workspace_id, role)) for role in ROLES]  # each of them, whatever the first gives
        return any(changed)

    def version(self, served: Served) -> Any:
        """A version, whether it is live or not. Raises BadInstallation, Unavailable."""
        with self._loading:
            self._tried = self._loaded(served)  # kept until another is tried: one text often follows another
            return self._tried

    def serving(self, workspace_id: str, role: str) -> Serving | None:
        """What answers in a role; None before anybody asked for it."""
        place = (workspace_id, role)
        if place not in self._live:
            return None
        held = self._live[place]
        served = held.served if held is not None else None
        return Serving(
            served.version_id if served else None, served.number if served else None, self._problems.get(place)
        )

    def close(self) -> None:
        """Close everything, at the process's end."""
        with self._loading:
            held = list(self._held.values())
            self._live, self._problems, self._tried = {}, {}, None
        for each in held:
            each._closing.detach()
            run(each._engine.close())

    def _in_role(self, workspace_id: str, role: str) -> _Held | None:
        place = (workspace_id, role)
        if place not in self._live:
            with self._loading:
                if place not in self._live:
                    self._refresh(place)
        return self._live.get(place)

    def _refresh(self, place: tuple[str, str]) -> bool:
        before = self._live.get(place)
        wanted = serving(*place)
        self._problems.pop(place, None)
        found = None if not wanted else before
        for served in wanted:
            try:
                found = self._loaded(served)
                break
            except KefuError as error:
                _log.error("model_refused", workspace=place[0], version=served.version_id, reason=error.sentence)
                self._problems.setdefault(place, error.sentence)
                if before is not None:
                    break
        self._live[place] = found
        return found is not before

    def _loaded(self, served: Served) -> _Held:
        known = self._held.get(served.version_id)
        if known is not None:
            return known
        folder = folders.local(served.place, served.files)
        folders.verified(folder, served.sha256)
        plugin, protocol, holder = _ENGINES[served.task]
        # A head shares the encoders that it was trained on, if this process has them.
        options = {"encoders": tuple(self._encoders())} if plugin == "classifier" else {}
        engine = registry.load("engines", plugin, protocol)(f"path:{folder}", options)
        run(engine.load())
        held = holder(served, engine)
        self._held[served.version_id] = held
        return held


def _close(engine: Engine) -> None:
    """Close an engine that nobody holds any more, on the loop that it lives on."""
    asyncio.run_coroutine_threadsafe(engine.close(), loop())

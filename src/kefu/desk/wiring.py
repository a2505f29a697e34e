"""Where rows meet engines: the encoders of this process, each workspace's search index and generator.

Everything here is made from rows and can be made again; nothing here is the truth.
"""

import asyncio
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kefu.brain.bounded import BoundedGenerator
from kefu.brain.tools import Tools
from kefu.contracts.engine import Classifier, Encoder, Generator, Reranker, Scorer
from kefu.contracts.index import IndexedPassage, KnowledgeIndex, PassageVectors
from kefu.contracts.turn import Policy
from kefu.desk.assistants import queries as assistants
from kefu.desk.assistants.tools.sending import Sender
from kefu.desk.changes import disconnect
from kefu.desk.encoders import ChosenEncoders
from kefu.desk.flow_book import FlowBook
from kefu.desk.generators import located
from kefu.desk.library import queries as library
from kefu.desk.library import rehearsals
from kefu.desk.modelhub.queries import Served
from kefu.desk.moods import load_moods, version_of
from kefu.desk.serving import LiveModels, Serving
from kefu.desk.speech import Speech
from kefu.kit import registry
from kefu.kit.errors import KefuError, NotFound
from kefu.kit.log import Log
from kefu.kit.runtime import run
from kefu.kit.settings import settings
from kefu.knowledge.embedding import DEFAULT_ENCODERS, embed_passages, encoder_for, encoder_key
from kefu.knowledge.remembered import RememberedClassifier, RememberedEncoder, RememberedIndex, RememberedScorer
from kefu.knowledge.rerank import RerankedIndex
from kefu.knowledge.search import WorkspaceIndex


def _demo_shop() -> Any:
    from kefu.demo.shop import shop_app

    return shop_app()


# Systems within this process that tools reach as `internal:NAME/…`.
INTERNAL_SYSTEMS = {"demo-shop": _demo_shop}

_log = Log(__name__)


@dataclass(frozen=True)
class Mind:
    """What a workspace's turns are answered with; the tools hold its knowledge and, if one is set up, a generator.

    `pictures` tells what a picture shows, in a workspace that trained such a model.
    """

    policy: Policy
    tools: Tools
    is_active: bool
    flows: FlowBook = field(default_factory=lambda: FlowBook(()))
    pictures: Classifier | None = None

    @property
    def needs_facts(self) -> bool:
        """Whether who asks, and when, could matter to an answer."""
        policy = self.policy
        return bool(self.flows.live() or policy.quiet_hours or any(rule.contact for rule in policy.escalations))

    @property
    def index(self) -> KnowledgeIndex:
        return self.tools.index


class Wiring:
    """Engines and indexes of this process; loaded when first asked for, kept true by `changed`."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._encoders: dict[str, Encoder] | None = None
        self._moods: dict[str, Scorer] | None = None
        self._sender: Sender | None = None
        self._minds: dict[str, _WorkspaceMind] = {}
        self._generators: dict[tuple[str, str], Generator] = {}
        self._generations = asyncio.Semaphore(settings().generations_at_once)
        self._chosen = ChosenEncoders(self.encoders, lambda workspace_id: self.changed(workspace_id, "assistant."))
        self.models = LiveModels(lambda: self.encoders().values())
        self.speech = Speech()

    @property
    def has_encoders(self) -> bool:
        return self._encoders is not None

    def encoders(self) -> dict[str, Encoder]:
        """The loaded encoders by language. Raises BadInstallation when a model file is missing or altered."""
        with self._lock:
            if self._encoders is None:
                self._encoders = {
                    language: RememberedEncoder(load_engine("onnx", reference, {}, Encoder))
                    for language, reference in DEFAULT_ENCODERS.items()
                }
            return self._encoders

    def moods(self) -> dict[str, Scorer]:
        """Kefu's own models of mood by language."""
        with self._lock:
            if self._moods is None:
                self._moods = load_moods(self.encoders())
            return self._moods

    def sender(self) -> Sender:
        """Sends what tools ask of other systems."""
        with self._lock:
            if self._sender is None:
                self._sender = Sender(INTERNAL_SYSTEMS)
            return self._sender

    def encoders_of(self, workspace_id: str) -> dict[str, Encoder]:
        """The encoders that serve a workspace: the defaults, but where it has chosen others."""
        return self._chosen.of(workspace_id)

    def prepare_encoders(self, workspace_id: str) -> None:
        """Go on with a workspace's change of encoders. Blocking, long."""
        self._chosen.prepare(workspace_id)

    def embed(self, passages: list[IndexedPassage], workspace_id: str | None = None) -> list[PassageVectors]:
        """Vectors of passages, in order; for reading sources."""
        encoders = self.encoders() if workspace_id is None else self.encoders_of(workspace_id)
        return run(embed_passages(passages, encoders))

    def embed_questions(self, workspace_id: str, asked: Sequence[tuple[str, str]]) -> list[tuple[str, np.ndarray]]:
        """Vectors of (question, language), in order, each with the key of its encoder. Blocking."""
        encoders = self.encoders_of(workspace_id)
        made: list[tuple[str, np.ndarray]] = []
        for text, language in asked:
            encoder = encoder_for(language, encoders)
            made.append((encoder_key(encoder), run(encoder.embed([text], "query"))[0]))
        return made

    def rehearse(self, workspace_id: str) -> None:
        """Fit a workspace's confidence to its own FAQ, if that is due. Blocking, a few seconds for a large one."""
        if rehearsals.rehearse_if_due(workspace_id, self.encoders_of(workspace_id)):
            self.changed(workspace_id, "library.changed")

    def mind(self, workspace_id: str) -> Mind:
        """What answers a workspace, up to date with its rows. Blocking: call it in a thread."""
        with self._lock:
            mine = self._minds.setdefault(workspace_id, _WorkspaceMind(workspace_id))
        return mine.ready(self)

    def index_with(
        self, workspace_id: str, *, gone: Iterable[str], came: Iterable[tuple[IndexedPassage, PassageVectors]]
    ) -> KnowledgeIndex:
        """A second index of a workspace, as it would be without some passages and with others. Blocking.

        The one that answers customers is not touched.
        """
        encoders = self.encoders_of(workspace_id)
        index = WorkspaceIndex(encoders)
        names = frozenset(encoder_key(encoder) for encoder in encoders.values())
        index.put(library.indexed(workspace_id, library.passage_ids(workspace_id) - set(gone), names))
        index.put(came)
        index.calibrate(rehearsals.calibrations(workspace_id, encoders))
        return reranked(index, self.models.reranker(workspace_id))

    def ready_mind(self, workspace_id: str) -> Mind | None:
        """The mind if it is loaded and nothing has changed since; costs nothing."""
        mine = self._minds.get(workspace_id)
        return mine.current if mine is not None else None

    def changed(self, workspace_id: str, kind: str) -> None:
        """Something of a workspace has changed in the rows; what depends on it is made again when next asked for."""
        mine = self._minds.get(workspace_id)
        if mine is None:
            return
        if kind.startswith(("library.", "assistant.", "workspace.", "flow.")):
            mine.outdated(assistant=kind.startswith("assistant."))
        elif kind == "modelhub.promoted":
            # Turns go on with the model that there is until the new one is loaded.
            threading.Thread(target=self._change_apart, args=(workspace_id,), name="kefu-models", daemon=True).start()

    def change_models(self, workspace_id: str) -> None:
        """Load what was promoted, and then let it answer. Blocking."""
        mine = self._minds.get(workspace_id)
        if self.models.refresh(workspace_id) and mine is not None:
            mine.outdated(assistant=False)

    def serving(self, workspace_id: str, role: str) -> Serving | None:
        """Which version this process answers with in a role; None before the first turn."""
        return self.models.serving(workspace_id, role)

    def version(self, served: Served) -> Any:
        """A version of a model, loaded, whether it is live or not. Blocking."""
        return self.models.version(served)

    def generator(self, workspace_id: str, reference: str) -> Generator | None:
        """The workspace's generator; None where there is none or it cannot be loaded (answers are then extracted)."""
        if not reference:
            return None
        with self._lock:
            known = self._generators.get((workspace_id, reference))
            if known is not None:
                return known
            try:
                options = assistants.generator_options(workspace_id)
                place = located(workspace_id, reference)
                engine = load_engine(engine_of(reference), place, options, Generator)
            except KefuError as error:
                _log.warning("generator_not_loaded", workspace=workspace_id, reason=error.code)
                return None
            made = self._generators[(workspace_id, reference)] = BoundedGenerator(engine, self._generations)
            return made

    def forget_generators(self, workspace_id: str) -> None:
        with self._lock:
            for key in [key for key in self._generators if key[0] == workspace_id]:
                run(self._generators.pop(key).close())

    def _change_apart(self, workspace_id: str) -> None:
        try:
            self.change_models(workspace_id)
        except Exception as error:  # the database is away; what answered before still does
            _log.error("models_not_changed", workspace=workspace_id, exception=error)
        finally:
            disconnect()

    def close(self) -> None:
        """Free every engine."""
        with self._lock:
            engines: list[Any] = [*(self._encoders or {}).values(), *self._generators.values()]
            self._encoders, self._moods, self._generators, self._minds = None, None, {}, {}
            self._generations = asyncio.Semaphore(settings().generations_at_once)  # the next loop's, if there is one
        self._chosen.close()  # first, so that a change under way knows why its encoders are gone
        self.models.close()  # before the encoders that they share
        self.speech.close()
        for engine in engines:
            run(engine.close())
        if self._sender is not None:
            run(self._sender.close())
            self._sender = None


class _WorkspaceMind:
    """One workspace's index and policy, with a count of changes that says whether they are current."""

    def __init__(self, workspace_id: str) -> None:
        self._workspace_id = workspace_id
        self._lock = threading.Lock()
        self._index: WorkspaceIndex | None = None
        self._encoders: dict[str, Encoder] = {}
        self._known: set[str] = set()
        self._changes = 1
        self._seen = 0
        self._assistant_changed = False
        self._mind: Mind | None = None

    @property
    def current(self) -> Mind | None:
        return self._mind if self._seen == self._changes else None

    def outdated(self, *, assistant: bool) -> None:
        self._changes += 1
        self._assistant_changed |= assistant

    def ready(self, wiring: Wiring) -> Mind:
        with self._lock:
            if self._mind is not None and self._seen == self._changes:
                return self._mind
            changes = self._changes
            self._refresh_index(wiring)
            assistant = assistants.for_workspace(self._workspace_id)
            assert self._index is not None
            if self._assistant_changed:
                wiring.forget_generators(self._workspace_id)
                self._assistant_changed = False
            generator = wiring.generator(self._workspace_id, assistant.generator)
            intents = wiring.models.classifier(self._workspace_id, "intent")
            own_mood = wiring.models.scorer(self._workspace_id, "mood")
            slots = wiring.models.tagger(self._workspace_id, "slots")
            mood: Mapping[str, Scorer] = wiring.moods() if own_mood is None else {"*": own_mood}
            versions = _versions(self._encoders)
            versions |= {"intent": intents.name} if intents is not None else {}
            versions |= {"mood": own_mood.name} if own_mood is not None else _mood_versions(mood)
            versions |= {"slots": slots.name} if slots is not None else {}
            reranker = wiring.models.reranker(self._workspace_id)
            versions |= {"rerank": reranker.name} if reranker is not None else {}
            flows = FlowBook(assistants.live_flows(self._workspace_id))
            # Memories of this mind alone: what changes makes another mind.
            index = RememberedIndex(reranked(self._index, reranker))
            tools = Tools(
                index,
                generator,
                intents=RememberedClassifier(intents) if intents is not None else None,
                mood={language: RememberedScorer(scorer) for language, scorer in mood.items()},
                slots=slots,
                versions=versions,
            )
            pictures = wiring.models.classifier(self._workspace_id, "picture")
            self._mind = Mind(assistant.policy, tools, assistant.is_active, flows, pictures)
            self._seen = changes
            return self._mind

    def _refresh_index(self, wiring: Wiring) -> None:
        encoders = wiring.encoders_of(self._workspace_id)
        if self._index is None or encoders != self._encoders:
            self._index, self._known, self._encoders = WorkspaceIndex(encoders), set(), encoders
        stored = library.passage_ids(self._workspace_id)
        self._index.drop(self._known - stored)
        names = frozenset(encoder_key(encoder) for encoder in encoders.values())
        self._index.put(library.indexed(self._workspace_id, stored - self._known, names))
        self._known = stored
        self._index.calibrate(rehearsals.calibrations(self._workspace_id, encoders))


def reranked(index: WorkspaceIndex, reranker: Reranker | None) -> KnowledgeIndex:
    """The index, its passages in the order of a workspace's own model where it has one."""
    return index if reranker is None else RerankedIndex(index, reranker)


def _versions(encoders: dict[str, Encoder]) -> dict[str, str]:
    """Which encoders had a part in an answer, for its trace."""
    return {f"encoder {language}": encoder_key(encoder) for language, encoder in encoders.items()}


def _mood_versions(moods: Mapping[str, Scorer]) -> dict[str, str]:
    return {f"mood {language}": version_of(scorer) for language, scorer in moods.items()}


def engine_of(reference: str) -> str:
    """The engine plug-in that runs a generator's reference.

    Raises NotFound for a reference of no known form.
    """
    scheme, _, rest = reference.partition(":")
    if scheme in {"openai", "scripted"}:
        return {"openai": "openai_compat", "scripted": "scripted"}[scheme]
    if scheme in {"package", "hub", "version"} or (scheme == "path" and (rest.endswith(".gguf") or _is_folder(rest))):
        return "llamacpp"
    raise NotFound(
        f"No engine runs {reference!r}. Use openai:MODEL, path:FILE.gguf, path:DIR of a trained generator, "
        "package:NAME, hub:OWNER/NAME, version:ID or model:NAME.",
        reference=reference,
    )


def _is_folder(place: str) -> bool:
    return Path(place).expanduser().is_dir()


def load_engine(name: str, reference: str, options: dict[str, Any], protocol: type) -> Any:
    """Construct an engine plug-in and load it."""
    engine = registry.load("engines", name, protocol)(reference, options)
    run(engine.load())
    return engine


_wiring: Wiring | None = None


def wiring() -> Wiring:
    """The process's one wiring."""
    global _wiring  # noqa: PLW0603 - engines are a process's, not a request's
    if _wiring is None:
        _wiring = Wiring()
    return _wiring

"""The encoders that workspaces choose instead of the defaults, and changing over to them behind the switch.

While a change is under way the old encoders' vectors serve; the switch is one row. What the new ones cannot do is said
on the assistant's row, and the old ones stay.
"""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from kefu.contracts.engine import Encoder
from kefu.desk.assistants import due
from kefu.desk.assistants.queries import EncoderChoice, encoder_choice
from kefu.desk.library import actions as library_actions
from kefu.desk.library import queries as library
from kefu.kit import registry
from kefu.kit.errors import BadInput, Busy, KefuError
from kefu.kit.log import Log
from kefu.kit.runtime import run
from kefu.knowledge.embedding import ANY_LANGUAGE, embed_passages, encoder_key

_RETRY_SECONDS = 60.0  # a server that was away when this process started is asked again

Encoders = dict[str, Encoder]
_log = Log(__name__)


class ChosenEncoders:
    """Encoders by workspace: the process's defaults, but for the languages that a workspace has its own for."""

    def __init__(self, defaults: Callable[[], Encoders], retry: Callable[[str], None]) -> None:
        self._defaults = defaults
        self._retry = retry
        self._lock = threading.RLock()
        self._loaded: dict[tuple[str, str, str], Encoder] = {}
        self._closings = 0

    def of(self, workspace_id: str) -> Encoders:
        """The encoders that serve a workspace.

        One that cannot be loaded is left out: its passages are found by their words, and it is tried again later.
        """
        choice = encoder_choice(workspace_id)
        found = dict(self._defaults())
        for language, reference in choice.live.items():
            try:
                found[language] = self._engine(workspace_id, reference, choice)
            except KefuError as error:
                _log.warning("encoder_not_loaded", workspace=workspace_id, reason=error.code)
                timer = threading.Timer(_RETRY_SECONDS, self._retry, [workspace_id])
                timer.daemon = True
                timer.start()
        return found

    def prepare(self, workspace_id: str) -> None:
        """Make the vectors of the encoders that are wanted, and change over once all are there. Blocking, long."""
        if not due.take_encoders(workspace_id):
            return
        choice, before = encoder_choice(workspace_id), self._closings
        try:
            if choice.wanted is None:
                self._look_through(workspace_id)
            else:
                self._change(workspace_id, choice, choice.wanted)
        except Busy:
            return  # customers come first: the lease ends, and the work goes on
        except KefuError as error:
            # A process that stops closes its encoders: the next one goes on.
            if choice.wanted is not None and self._closings == before:
                _log.warning("encoders_not_changed", workspace=workspace_id, reason=error.code)
                due.give_up_encoders(workspace_id, choice.wanted, problem=error.sentence)

    def close(self) -> None:
        with self._lock:
            loaded, self._loaded = list(self._loaded.values()), {}
            self._closings += 1
        for encoder in loaded:
            run(encoder.close())

    def _change(self, workspace_id: str, choice: EncoderChoice, wanted: dict[str, str]) -> None:
        encoders = dict(self._defaults())
        for language, reference in wanted.items():
            encoders[language] = self._engine(workspace_id, reference, choice)
        if _embed_missing(workspace_id, encoders, wanted):
            due.switch_encoders(workspace_id, wanted)

    def _look_through(self, workspace_id: str) -> None:
        encoders = self.of(workspace_id)
        if _embed_missing(workspace_id, encoders, None):
            library_actions.drop_other_vectors(workspace_id, {encoder_key(each) for each in encoders.values()})
            due.finish_encoders(workspace_id)

    def _engine(self, workspace_id: str, reference: str, choice: EncoderChoice) -> Encoder:
        options = choice.options.get(reference, {})
        place = (workspace_id, reference, json.dumps(options, sort_keys=True))
        with self._lock:
            if place not in self._loaded:
                self._loaded[place] = load_encoder(reference, options)
            return self._loaded[place]


def load_encoder(reference: str, options: Mapping[str, Any]) -> Encoder:
    """Construct and load the encoder of a reference. Raises BadInput for an unknown form, and what loading raises."""
    scheme = reference.partition(":")[0]
    engines = {"openai": "openai_compat_encoder", "scripted": "scripted_encoder"}
    if scheme not in {*engines, "package", "path", "hub"}:
        raise BadInput("An encoder is named package:NAME, path:DIR, hub:OWNER/NAME or openai:MODEL.", field="reference")
    made: Encoder = registry.load("engines", engines.get(scheme, "onnx"), Encoder)(reference, dict(options))
    run(made.load())
    return made


def _embed_missing(workspace_id: str, encoders: Encoders, wanted: dict[str, str] | None) -> bool:
    """Embed the passages that lack vectors, in batches. False when something else is wanted meanwhile."""
    own = sorted(set(encoders) - {ANY_LANGUAGE})
    done = 0
    for language, encoder in encoders.items():
        others = language == ANY_LANGUAGE
        while True:
            some, left = library.without_vectors(
                workspace_id, encoder_key(encoder), languages=own if others else [language], other_than=others
            )
            if not due.note_progress(workspace_id, wanted, done=done, total=done + left):
                return False
            if not some:
                break
            vectors = run(embed_passages(some, encoders))
            library_actions.keep_vectors(
                workspace_id, [(passage.id, each) for passage, each in zip(some, vectors, strict=True)]
            )
            done += len(some)
    return True

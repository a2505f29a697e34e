"""Kefu's own models of mood, for workspaces that have none: one a language, on the encoders that are loaded anyway."""

from collections.abc import Mapping
from pathlib import Path

import kefu.brain
from kefu.contracts.engine import Encoder, Scorer
from kefu.contracts.model_card import read_card
from kefu.kit import registry
from kefu.kit.errors import KefuError
from kefu.kit.log import Log
from kefu.kit.runtime import run

FOLDER = Path(kefu.brain.__file__).parent / "moods"

_log = Log(__name__)


def load_moods(encoders: Mapping[str, Encoder]) -> dict[str, Scorer]:
    """The models by language. One that does not fit the encoders, or is damaged, is left out: the rules go on."""
    found: dict[str, Scorer] = {}
    by_version = {encoder.card().version: encoder for encoder in encoders.values()}
    for folder in sorted(path.parent for path in FOLDER.glob("*/card.json")):
        try:
            encoder = by_version.get(str(read_card(folder).base_sha256))
            if encoder is None:  # the encoders were changed; it is not worth loading another one for
                _log.warning("mood_without_encoder", language=folder.name)
                continue
            engine = registry.load("engines", "classifier", Scorer)(f"path:{folder}", {"encoder": encoder})
            run(engine.load())
            found[folder.name] = engine
        except KefuError as error:
            _log.warning("mood_not_loaded", language=folder.name, reason=error.code)
    return found


def version_of(scorer: Scorer) -> str:
    """For a trace: the model and the beginning of its weights' hash."""
    card = scorer.card()
    return f"{card.name} {card.version[:12]}"

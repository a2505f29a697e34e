"""The recogniser and the voice of this process: loaded when somebody first speaks, or is spoken to."""

import threading
from importlib.util import find_spec
from typing import Any, TypeVar

from kefu.contracts.engine import Engine, Speaker, Transcriber
from kefu.kit import registry
from kefu.kit.errors import BadInput
from kefu.kit.runtime import run
from kefu.kit.settings import settings

E = TypeVar("E", bound=Engine)

# The engine plug-ins by what a reference begins with; a name of its own is a packaged model.
_TRANSCRIBERS = {"openai": "openai_compat_transcriber", "package": "whisper", "path": "whisper"}
_SPEAKERS = {"openai": "openai_compat_speaker", "package": "tts"}


class Speech:
    """What hears and speaks for every workspace. Calls block while an engine is loaded: make them in a thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engines: dict[str, Any] = {}

    def transcriber(self) -> Transcriber:
        """Raises MissingExtra without the extra `speech`, Unavailable, BadInstallation, BadInput for the setting."""
        return self._engine("transcriber", settings().transcriber, _TRANSCRIBERS, Transcriber)  # type: ignore[type-abstract]

    def speaker(self) -> Speaker:
        """Raises as `transcriber` does."""
        return self._engine("speaker", settings().speaker, _SPEAKERS, Speaker)  # type: ignore[type-abstract]

    def names(self) -> dict[str, str]:
        """The role of each engine that the settings name, by the model's name; loads nothing."""
        given = {settings().transcriber: "transcribe", settings().speaker: "speak"}
        return {reference.partition(":")[2]: role for reference, role in given.items()}

    def close(self) -> None:
        with self._lock:
            engines, self._engines = self._engines, {}
        for engine in engines.values():
            run(engine.close())

    def _engine(self, role: str, reference: str, plug_ins: dict[str, str], protocol: type[E]) -> E:
        with self._lock:
            if role not in self._engines:
                scheme = reference.partition(":")[0]
                if scheme not in plug_ins:
                    known = ", ".join(f"{each}:NAME" for each in plug_ins)
                    raise BadInput(f"Setting KEFU_{role.upper()}: {reference!r} is none of {known}.", setting=role)
                engine = registry.load("engines", plug_ins[scheme], protocol)(reference, _options(role, scheme))
                run(engine.load())
                self._engines[role] = engine
            found: E = self._engines[role]
            return found


def can_hear() -> bool:
    """Whether the recogniser of the settings is installed here, or runs elsewhere; loads nothing."""
    return settings().transcriber.startswith("openai:") or find_spec("faster_whisper") is not None


def can_speak() -> bool:
    """Whether the voice of the settings is installed here, or runs elsewhere; loads nothing."""
    return settings().speaker.startswith("openai:") or find_spec("hibari") is not None


def can_call() -> bool:
    """Whether calls can be held here: something hears and something speaks, or runs elsewhere; loads nothing."""
    return can_hear() and can_speak()


def _options(role: str, scheme: str) -> dict[str, Any]:
    if scheme != "openai":
        return {}
    given = settings()
    if role == "speaker" and given.speaker_url:
        url, key = given.speaker_url, given.speaker_key  # the one server's key is not the other's business
    else:
        url, key = given.speech_url, given.speech_key
    if not url:
        raise BadInput("An openai: recogniser or voice needs the setting KEFU_SPEECH_URL.", setting="speech_url")
    options = {"base_url": url, "api_key": key.get_secret_value()}
    return {**options, **({"voice": given.speaker_voice} if role == "speaker" and given.speaker_voice else {})}

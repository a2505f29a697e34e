"""An engine's options: checked once, when it is constructed."""

import os
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from kefu.kit.errors import BadInput
from kefu.kit.settings import settings

# Somebody waits for each sentence: a second thread saves a third of the time, a third one little more (MODELS.md).
_SPEECH_THREADS = 2


class EngineOptions(BaseModel):
    """The base of each engine's options. Values are not shown in errors or logs: one of them may be a key."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


O = TypeVar("O", bound=EngineOptions)  # noqa: E741


def read_options(kind: type[O], engine: str, options: Mapping[str, Any]) -> O:
    """Raises BadInput that names the option and what it is."""
    try:
        return kind(**options)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        field = kind.model_fields.get(name)
        meant = f"It is: {field.description}" if field else f"Expected one of: {', '.join(kind.model_fields)}."
        raise BadInput(f"Option {name!r} of engine {engine}: {first['msg']}. {meant}", option=name) from None


def speech_threads(option: int) -> int:
    """Threads for one sentence: what the engine's option says, else KEFU_SPEECH_THREADS, else as the cores allow."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return option or settings().speech_threads or min(_SPEECH_THREADS, allowed)

"""Before a turn is answered its recordings are listened to; what was said is kept, so that it is done once."""

import asyncio
from dataclasses import dataclass, replace
from typing import Literal

from kefu.brain.listen import listen
from kefu.contracts.engine import Transcriber, Transcript
from kefu.desk.actor import system
from kefu.desk.inbox import actions, queries
from kefu.desk.inbox.due import ClaimedTurn
from kefu.desk.inbox.queries import Recording
from kefu.desk.wiring import wiring
from kefu.gateway.rows import Rows
from kefu.kit.errors import BadInput, Busy, KefuError
from kefu.kit.log import Log
from kefu.kit.settings import settings

_log = Log(__name__)

_TRIES = 12

# Why a recording has no words: nobody speaks in it, it is damaged or too long, nothing here can listen.
Silence = Literal["", "nothing_heard", "recording_unreadable", "file_received"]


@dataclass(frozen=True)
class HeardTurn:
    """A turn with the words of its recordings. `silence` says why, where it still has none."""

    turn: ClaimedTurn
    silence: Silence = "file_received"


async def hear_recordings(rows: Rows, turn: ClaimedTurn) -> HeardTurn:
    """Listen to what nobody has listened to yet."""
    recordings = await rows.read(queries.unheard, turn.workspace_id, turn.id)
    silence: Silence = "file_received"
    said = dict(turn.said)
    for recording in recordings:
        text, why = await _words(rows, turn, recording)
        silence = why or silence
        said[recording.sequence] = text
    in_order = [text for _, text in sorted(said.items()) if text]
    return HeardTurn(replace(turn, text="\n".join(in_order)), silence)


async def _words(rows: Rows, turn: ClaimedTurn, recording: Recording) -> tuple[str, Silence]:
    try:
        transcriber = await rows.long(wiring().speech.transcriber)
        reader = system(turn.workspace_id, "hear")
        _, data = await rows.long(queries.attachment, reader, recording.attachment_id)
        heard = await _patiently(data, transcriber, turn.language or None)
    except BadInput as error:
        _log.info("recording_unreadable", turn=turn.id, reason=error.code)
        return "", "recording_unreadable"
    except KefuError as error:
        _log.warning("recording_not_heard", turn=turn.id, reason=error.code)
        return "", "file_received"
    if not heard.text:
        return "", "nothing_heard"
    return await rows.write(
        actions.add_transcript, turn.workspace_id, message_id=recording.message_id, text=heard.text
    ), ""


async def _patiently(data: bytes, transcriber: Transcriber, language: str | None) -> Transcript:
    """Listen; where others are before it, wait: the turn's claim is kept alive meanwhile."""
    for left in reversed(range(_TRIES)):
        try:
            return await listen(data, transcriber, language=language, most_seconds=settings().recording_seconds)
        except Busy as error:
            if not left:
                raise
            await asyncio.sleep(error.retry_after)
    raise AssertionError("unreachable")  # the last round returns or raises

"""Before a turn is answered its pictures are looked at, where the workspace has a model that tells what is seen.

What a picture shows is kept with it, so that members see it and it is told once. A message that is a picture alone says
that: the assistant answers "damaged parcel" as if the customer had written it.
"""

import asyncio
from dataclasses import replace

from kefu.brain.handoff import CERTAIN
from kefu.contracts.engine import Classifier
from kefu.desk.actor import system
from kefu.desk.inbox import actions, queries
from kefu.desk.inbox.due import ClaimedTurn
from kefu.desk.inbox.queries import SentPicture
from kefu.gateway.rows import Rows
from kefu.kit.errors import KefuError
from kefu.kit.log import Log
from kefu.knowledge.pictures import data_url

_log = Log(__name__)


async def see_pictures(rows: Rows, turn: ClaimedTurn, model: Classifier) -> ClaimedTurn:
    """The turn, in which messages without words say what their pictures show."""
    pictures = await rows.read(queries.pictures, turn.workspace_id, turn.id)
    if not pictures:
        return turn
    said = dict(turn.said)
    for picture in pictures:
        label = picture.label or await _label(rows, turn, picture, model)
        if label and picture.is_wordless:
            words = label.replace("_", " ")
            said[picture.sequence] = "\n".join(filter(None, (said[picture.sequence], words)))
    in_order = tuple(sorted(said.items()))
    text = "\n".join(words for _, words in in_order if words)
    return replace(turn, said=in_order, text=text, wordless=not all(said.values()))


async def _label(rows: Rows, turn: ClaimedTurn, picture: SentPicture, model: Classifier) -> str:
    """What one picture shows, kept with it; empty for what no picture can be read from, or nobody knows."""
    try:
        _, data = await rows.long(queries.attachment, system(turn.workspace_id, "hear"), picture.attachment_id)
        [found] = await model.classify([await asyncio.to_thread(data_url, data)])
    except KefuError as error:
        _log.warning("picture_not_seen", turn=turn.id, reason=error.code)
        return ""
    if found.out_of_scope or found.confidence < CERTAIN:
        return ""
    await rows.write(
        actions.note_seen,
        turn.workspace_id,
        message_id=picture.message_id,
        attachment_id=picture.attachment_id,
        label=found.label,
        confidence=found.confidence,
    )
    return found.label

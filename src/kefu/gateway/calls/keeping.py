"""What is said in a call is kept as messages, by the same ways as what is written or recorded."""

import asyncio

from kefu.desk.actor import Actor
from kefu.desk.calls.queries import CallInfo
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox.actions import Incoming
from kefu.desk.inbox.queries import MessageInfo
from kefu.gateway.calls.ear import Utterance
from kefu.gateway.state import Gateway
from kefu.kit.errors import BadInput, Busy, KefuError
from kefu.kit.log import Log
from kefu.knowledge.sound import encode

_log = Log(__name__)

# A file a third of MP3's size, which every browser in use plays.
_FORMAT = "opus"


class Keeper:
    """Keeps the utterances of one call."""

    def __init__(self, gateway: Gateway, call: CallInfo) -> None:
        self._gateway = gateway
        self._call = call

    async def keep(self, author: str, actor: Actor, utterance: Utterance, *, key: str) -> MessageInfo:
        """Store an utterance: sound and words. A customer's is answered, or left to the member who is there.

        Without words the turn listens to the sound again. Raises what storing a message raises.
        """
        sound = await self._sound(actor, utterance)
        text = (utterance.text or "")[: inbox.TEXT_LIMIT]
        attachments = [sound] if sound else []
        here, gateway = self._call.conversation_id, self._gateway
        if author == "contact":
            stored = await gateway.intake.receive(Incoming(actor, here, text, attachments, key))
            gateway.dispatch.wake()
        else:
            stored = await gateway.rows.write(
                inbox.reply, actor, conversation_id=here, text=text, attachments=attachments, idempotency_key=key
            )
        gateway.hub.wake()
        return stored.message

    async def _sound(self, actor: Actor, utterance: Utterance) -> str:
        """The id of the kept sound; empty where no more files may be kept, and the words must do."""
        data = await asyncio.to_thread(encode, utterance.sound, _FORMAT)
        try:
            kept = await self._gateway.rows.long(
                inbox.add_attachment, actor, conversation_id=self._call.conversation_id, name="call.ogg", data=data
            )
        except (BadInput, Busy) as error:
            _without(error, utterance)
            return ""
        return kept.id


def _without(error: KefuError, utterance: Utterance) -> None:
    if not utterance.text:
        raise error
    _log.info("utterance_without_sound", reason=error.code)

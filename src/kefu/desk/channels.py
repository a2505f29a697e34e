"""Channels that are plug-ins, made ready to run: their code by entry point, their form's values opened."""

import asyncio
from dataclasses import dataclass

from kefu.contracts.channel import Channel, Check, Outgoing, SendResult, Sent, Setup, manifest
from kefu.desk.actor import Actor, Role
from kefu.desk.changes import connected
from kefu.desk.inbox import actions, queries
from kefu.desk.inbox.queries import ChannelInfo
from kefu.kit import registry
from kefu.kit.errors import BadInput, KefuError
from kefu.kit.ids import new_id
from kefu.kit.log import Log
from kefu.kit.runtime import run
from kefu.kit.settings import settings

_CHECK_SECONDS = 60.0  # several calls of a provider that answers slowly

_log = Log(__name__)


@dataclass(frozen=True)
class Opened:
    """A channel's row and the plug-in that runs it. Who opens it closes it."""

    info: ChannelInfo
    plugin: Channel


def open_channel(channel_id: str) -> Opened:
    """Make a channel's plug-in, which connects to nothing yet.

    Raises NotFound for one that is switched off or whose kind is not installed, MissingExtra, BadInstallation.
    """
    info, values = queries.channel_with_values(channel_id)
    manifest(info.kind)
    plugin = registry.load("channels", info.kind, Channel)  # type: ignore[type-abstract]
    setup = Setup(
        channel_id=info.id,
        values=values,
        memory=RowMemory(info.id),
        hook=hook_address(info.id),
        allow_private=settings().allow_private_addresses,
    )
    return Opened(info, plugin(setup))


def hook_address(channel_id: str) -> str:
    """Where a provider calls a channel: a path alone where the public address is not set."""
    return f"{settings().public_url.rstrip('/')}/v1/hooks/{channel_id}"


def check_channel(actor: Actor, *, channel_id: str) -> list[Check]:
    """Try a channel's settings, live, and keep how it went. Raises NotFound, NotAllowed, MissingExtra."""
    actor.require_role(Role.ADMIN)
    queries.channel(actor, channel_id)
    opened = open_channel(channel_id)
    found = run(_checked(opened), timeout=_CHECK_SECONDS)
    failed = next(({"en": each.name, **each.sentence} for each in found if not each.passed), {})
    actions.note_check(channel_id, workspace_id=actor.workspace_id, error=failed)
    return found


def send_test(actor: Actor, *, channel_id: str, to: str, text: str) -> Check:
    """Send a message to a customer as the channel knows them, now; gives how it went.

    Raises BadInput for nobody, NotFound, NotAllowed.
    """
    actor.require_role(Role.ADMIN)
    if not to.strip():
        raise BadInput("A test message needs a customer as the channel knows them: a chat's id, an openid.", field="to")
    queries.channel(actor, channel_id)
    result = run(_tested(open_channel(channel_id), Outgoing(new_id("test"), to, text)), timeout=_CHECK_SECONDS)
    if isinstance(result, Sent):
        return Check("test", True, {"en": "The message was sent.", "zh": "消息已发送。"})
    return Check("test", False, {"en": result.reason, "zh": f"消息未能发出：{result.reason}"})


async def _tested(opened: Opened, message: Outgoing) -> SendResult:
    try:
        return await opened.plugin.send(message)
    finally:
        await opened.plugin.close()


async def _checked(opened: Opened) -> list[Check]:
    try:
        return list(await opened.plugin.check_settings())
    except KefuError as error:
        return [Check("connection", False, {"en": error.sentence, "zh": error.sentence})]
    except Exception as error:  # a plug-in's own mistake is shown, and does not take the console down
        _log.error("channel_check_crashed", channel=opened.info.id, exception=error)
        sentence = {"en": "The channel's plug-in failed; the log says where.", "zh": "渠道插件出错，详见日志。"}
        return [Check("plug-in", False, sentence)]
    finally:
        await opened.plugin.close()


class RowMemory:
    """`contracts.channel.Memory` in rows, sealed: what one process remembers, all others know."""

    def __init__(self, channel_id: str) -> None:
        self._channel_id = channel_id

    async def recall(self, name: str) -> str | None:
        return await asyncio.to_thread(connected, queries.recalled, self._channel_id, name)

    async def remember(self, name: str, value: str, *, seconds: float) -> None:
        await asyncio.to_thread(connected, actions.remember, self._channel_id, name, value, seconds=seconds)

"""The channels that are plug-ins, as this process runs them: opened when first used, anew when they are changed."""

import asyncio
from collections import Counter
from collections.abc import Callable

from kefu.desk.accounts.queries import EventInfo
from kefu.desk.channels import Opened, open_channel
from kefu.desk.inbox import actions
from kefu.gateway.hub import Hub
from kefu.gateway.rows import Rows
from kefu.kit.log import Log

_log = Log(__name__)


class Plugins:
    """One a process."""

    def __init__(self, rows: Rows, hub: Hub) -> None:
        self._rows = rows
        self._open: dict[str, asyncio.Task[Opened]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._refused: Counter[tuple[str, str, str]] = Counter()
        self._tell_refused: Callable[[], None] = lambda: None
        hub.listen(self._heard)

    async def get(self, channel_id: str) -> Opened:
        """A channel that is switched on, ready to use. Raises NotFound, MissingExtra, BadInstallation."""
        making = self._open.get(channel_id)
        if making is None:
            making = asyncio.create_task(self._rows.read(open_channel, channel_id))
            self._open[channel_id] = making
        try:
            return await asyncio.shield(making)
        except Exception:
            if self._open.get(channel_id) is making:
                del self._open[channel_id]
            raise

    def count_refusal(self, opened: Opened, reason: str) -> None:
        """A request was not taken: logged now, counted with the others soon."""
        _log.warning("channel_request_refused", channel=opened.info.id, kind=opened.info.kind, reason=reason)
        self._refused[(opened.info.workspace_id, opened.info.id, reason)] += 1
        self._tell_refused()

    def when_refused(self, tell: Callable[[], None]) -> None:
        """Tell whoever writes refusals down that there are some."""
        self._tell_refused = tell

    async def store_refusals(self) -> None:
        """Write down what was refused lately: a flood of bad requests costs one write each time, not one each."""
        if self._refused:
            counts, self._refused = self._refused, Counter()
            try:
                await self._rows.write(actions.count_refusals, counts)
            except Exception:
                self._refused.update(counts)  # the database is away: they are counted later
                raise

    async def close(self) -> None:
        await self.store_refusals()
        for channel_id in list(self._open):
            self._drop(channel_id)
        if self._closing:
            await asyncio.wait(self._closing, timeout=5)

    def _heard(self, event: EventInfo) -> None:
        if event.kind == "channel.updated":
            self._drop(event.row_id)

    def _drop(self, channel_id: str) -> None:
        making = self._open.pop(channel_id, None)
        if making is not None:
            closing = asyncio.create_task(self._closed(making))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    async def _closed(self, making: "asyncio.Task[Opened]") -> None:
        try:
            await (await making).plugin.close()
        except Exception as error:  # it is gone either way
            _log.warning("channel_close_failed", error=type(error).__name__)

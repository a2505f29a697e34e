"""What channels bring becomes messages: at once where it is text, after its files were fetched where it has some."""

import asyncio
from dataclasses import replace

from kefu.contracts.channel import Incoming, Part, RequestRefused
from kefu.desk.channels import Opened
from kefu.desk.inbox import actions, arriving
from kefu.desk.inbox.actions import Arrived, Brought
from kefu.desk.inbox.arriving import ClaimedArrival
from kefu.gateway.intake import Intake
from kefu.gateway.plugins import Plugins
from kefu.gateway.rows import Rows
from kefu.kit.errors import Busy, KefuError, NotFound, TooLarge
from kefu.kit.log import Log

_FETCH_SECONDS = 60.0  # the largest file over a slow line
_AT_ONCE = 8
_LEASE_SECONDS = 900.0  # as many files as a message may hold, each at its slowest

_log = Log(__name__)


async def take_in(rows: Rows, intake: Intake, opened: Opened, incoming: Incoming, *, held: bool = False) -> Arrived:
    """Store what came in; files that came along are kept first. Raises Busy, TooLarge: nothing is stored then."""
    incoming = actions.fit(incoming)
    arrived = await intake.arrive(Brought(opened.info, incoming, held))
    if arrived.state != "open":
        return arrived
    uploads, unfit = await _keep(rows, arrived, incoming)
    return await rows.write(
        actions.store_arrival, arrived.workspace_id, arrived.id, incoming, uploads=uploads, unfit=unfit
    )


class Fetcher:
    """Fetches the files of arrivals that wait for them. Run by dispatch."""

    def __init__(self, rows: Rows, plugins: Plugins, worker: str) -> None:
        self._rows = rows
        self._plugins = plugins
        self._worker = worker

    async def fetch_due(self) -> int:
        """Deal with arrivals that are due; gives how many."""
        claimed = await self._rows.write(
            arriving.claim_arrivals, worker=self._worker, limit=_AT_ONCE, lease_seconds=_LEASE_SECONDS
        )
        await asyncio.gather(*(self._finish(each) for each in claimed))
        return len(claimed)

    async def _finish(self, claimed: ClaimedArrival) -> None:
        try:
            opened = await self._plugins.get(claimed.channel_id)
            incoming, refused = await self._fetched(opened, claimed)
            uploads, unfit = await _keep(self._rows, _as_arrived(claimed), incoming)
            await self._store(claimed, incoming, uploads, unfit, refused)
        except (KefuError, TimeoutError, OSError) as error:
            _log.warning("arrival_put_off", arrival=claimed.id, error=type(error).__name__)
            if not await self._rows.write(arriving.put_off, claimed):
                names = [part.name or part.kind for part in claimed.incoming.parts if part.media]
                await self._store(claimed, claimed.incoming, [], names, refused=False)

    async def _store(
        self, claimed: ClaimedArrival, incoming: Incoming, uploads: list[str], unfit: list[str], refused: bool
    ) -> None:
        has_words = any(part.kind != "file" and (part.text or part.kind == "location") for part in incoming.parts)
        if refused and not uploads and not unfit and not has_words:
            await self._rows.write(actions.drop_arrival, claimed.workspace_id, claimed.id)
            return
        await self._rows.write(
            actions.store_arrival, claimed.workspace_id, claimed.id, incoming, uploads=uploads, unfit=unfit
        )

    async def _fetched(self, opened: Opened, claimed: ClaimedArrival) -> tuple[Incoming, bool]:
        """What came, with its files' bytes; whether a file was refused. Raises what may be better later."""
        parts: list[Part] = []
        refused = False
        for part in claimed.incoming.parts:
            if not part.media or part.data is not None:
                parts.append(part)
                continue
            try:
                async with asyncio.timeout(_FETCH_SECONDS):
                    media = await opened.plugin.fetch(part.media)
            except RequestRefused as error:
                self._plugins.count_refusal(opened, error.reason)
                refused = True
            except NotFound:  # the provider has thrown it away
                parts.append(replace(part, data=b""))
            else:
                parts.append(replace(part, data=media.data, name=media.name or part.name))
        return replace(claimed.incoming, parts=tuple(parts)), refused


async def _keep(rows: Rows, arrived: Arrived, incoming: Incoming) -> tuple[list[str], list[str]]:
    """The uploads that were made of a message's files, and the names of those that could not be kept."""
    uploads: list[str] = []
    unfit: list[str] = []
    for part in incoming.parts:
        if part.data is None:
            continue
        try:
            kept = await rows.long(actions.keep_part, arrived, part)
        except (TooLarge, Busy):  # past the size of one file, or what one customer may send in a day
            kept = None
        if kept is None:
            unfit.append(part.name or part.kind)
        else:
            uploads.append(kept)
    return uploads, unfit


def _as_arrived(claimed: ClaimedArrival) -> Arrived:
    return Arrived(claimed.id, claimed.workspace_id, claimed.conversation_id, "", "", "claimed", 1, False)

"""Webhooks at work: what other systems are told of events, in the public API's own shapes, and its sending."""

import asyncio
import contextlib
from typing import Any

from kefu.desk.accounts.queries import EventInfo
from kefu.desk.actor import Actor, Scope
from kefu.desk.contacts.queries import contact
from kefu.desk.inbox import queries as inbox
from kefu.desk.surveys.queries import survey_of
from kefu.desk.webhooks import due
from kefu.desk.webhooks.due import ClaimedWebhook
from kefu.desk.webhooks.events import KINDS, Notable
from kefu.desk.webhooks.sending import WebhookSender
from kefu.gateway import shapes
from kefu.gateway.hub import Hub
from kefu.gateway.rows import Rows
from kefu.gateway.surveys import survey_json
from kefu.kit.log import Log
from kefu.kit.settings import settings

_SWEEP_SECONDS = 1.0
_RETRY_SECONDS = 1.0
_STOP_SECONDS = 10.0
_FORGET_SECONDS = 3600.0

_log = Log(__name__)


class Webhooks:
    """One a process. Several processes on one PostgreSQL share the work."""

    def __init__(self, rows: Rows, hub: Hub, worker: str) -> None:
        self._rows = rows
        self._worker = worker
        self._sender = WebhookSender()
        self._looked: dict[str, set[int]] = {}
        self._happened = asyncio.Event()
        self._due = asyncio.Event()
        self._in_work: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._forget_at = 0.0
        hub.listen(self._heard)

    def loops(self) -> list[tuple[Any, str]]:
        """What dispatch runs for ever, by name."""
        return [(self._plan, "webhooks_planned"), (self._send_due, "webhooks_sent")]

    async def stop(self) -> None:
        """Claim nothing more, and let what is being sent end; the rest is sent again."""
        self._stopping = True
        if self._in_work:
            await asyncio.wait(list(self._in_work), timeout=_STOP_SECONDS)
        for task in self._in_work:
            task.cancel()
        await self._sender.close()

    def _heard(self, event: EventInfo) -> None:
        if event.kind in KINDS:
            self._happened.set()
        elif event.kind == "webhook.updated":
            self._due.set()

    async def _plan(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._happened.wait(), _SWEEP_SECONDS)
        self._happened.clear()
        while not self._stopping:
            looked_at = await self._rows.write(due.plan, shown=shown, looked=self._looked)
            if not looked_at:
                break
            self._due.set()
        if asyncio.get_running_loop().time() >= self._forget_at:
            self._forget_at = asyncio.get_running_loop().time() + _FORGET_SECONDS
            await self._rows.write(due.forget_webhooks)

    async def _send_due(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._due.wait(), _SWEEP_SECONDS)
        self._due.clear()
        free = settings().deliveries_at_once - len(self._in_work)
        if free <= 0 or self._stopping:
            return
        # A request ends within seconds, so its lease needs no sign of life.
        claimed = await self._rows.write(
            due.claim_webhooks, worker=self._worker, limit=free, lease_seconds=settings().delivery_lease_seconds
        )
        for each in claimed:
            task = asyncio.create_task(self._send(each))
            self._in_work.add(task)
            task.add_done_callback(self._in_work.discard)
        if len(claimed) == free:
            self._due.set()

    async def _send(self, claimed: ClaimedWebhook) -> None:
        answered = await self._sender.send(url=claimed.url, secret=claimed.secret, key=claimed.id, body=claimed.body)
        while True:
            try:
                await self._rows.write(
                    due.settle_webhook, claimed, status=answered.status, error=answered.error, wait=answered.wait
                )
                break
            except Exception as error:  # the database is away: it is sent again if it stays so
                _log.error("webhook_not_settled", delivery=claimed.id, exception=error)
                await asyncio.sleep(_RETRY_SECONDS)
        self._due.set()  # what follows in the same conversation had to wait for this


def shown(hook: Any, happened: Notable) -> dict[str, Any]:
    """What a system is told: what a program with a key of the scope `conversations` could read. Blocking.

    Raises NotFound for what is gone or only members see.
    """
    actor = Actor(happened.workspace_id, "key", hook.id, scopes=frozenset({Scope.CONVERSATIONS}))
    if happened.name.startswith(("contact_", "webwidget")):
        found = contact(actor, happened.row_id)
        person = {"id": found.id, "profile": found.profile, "language": found.language}
        return {"contact": person}
    thread = inbox.conversation(actor, happened.conversation_id)
    told: dict[str, Any] = {"conversation": shapes.conversation_json(thread)}
    if happened.name.startswith("message_"):
        told["message"] = shapes.message_json(inbox.message(actor, happened.conversation_id, happened.row_id))
    elif happened.name == "csat_rated":
        told["rating"] = {"score": happened.detail.get("score")}
        told["survey"] = survey_json(survey_of(actor, happened.conversation_id))
    elif happened.name == "sla_breached":
        told["sla"] = dict(happened.detail)
    return told

"""Who is at the customers' door: API keys and visitor tokens to actors, with their rates."""

import hashlib
import time
from dataclasses import dataclass, replace

from starlette.requests import HTTPConnection

from kefu.desk.accounts import actions as accounts_actions
from kefu.desk.accounts import queries as accounts
from kefu.desk.accounts.queries import EventInfo
from kefu.desk.actor import Actor
from kefu.desk.contacts import queries as contacts
from kefu.desk.crypto import sign, verify
from kefu.gateway.hub import Hub
from kefu.gateway.rows import Rows
from kefu.kit.errors import NotSignedIn
from kefu.kit.limits import RateLimit
from kefu.kit.settings import settings

VISITOR_SECONDS = 30 * 24 * 3600
_CHECK_EVERY = 60.0  # seconds: a revoked key is forgotten at once, an expired one within this time
_KNOWN_KEYS = 10_000


@dataclass(frozen=True)
class _Known:
    actor: Actor
    checked: float


class Gate:
    """Tells who calls. Keys are remembered in memory until any key changes."""

    def __init__(self, rows: Rows, hub: Hub) -> None:
        self._rows = rows
        self._keys: dict[str, _Known] = {}
        self._members: dict[str, Actor] = {}
        self._merged: dict[str, str] | None = None
        self._merges = 0
        self._per_key = RateLimit(settings().messages_per_minute_per_key, 60)
        self._per_visitor = RateLimit(settings().messages_per_minute_per_visitor, 60)
        self._per_address = RateLimit(settings().visitors_per_hour_per_address, 3600)
        self._trusted = {each.strip() for each in settings().trusted_proxies.split(",") if each.strip()}
        hub.listen(self._heard)

    async def actor(self, connection: HTTPConnection) -> Actor:
        """Whom the request's bearer token speaks for.

        Raises NotSignedIn without a valid token, Busy past a key's rate.
        """
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise NotSignedIn("Send an API key or a visitor token: Authorization: Bearer …")
        return await self.actor_of(token.strip())

    async def actor_of(self, token: str) -> Actor:
        if token.startswith("kefu_"):
            actor = await self._key(token)
            self._per_key.take(actor.id)
            return actor
        return await self.current(visitor_of(token))

    async def member_of(self, ticket: str) -> Actor:
        """Whom a one-use ticket stands for. Raises NotSignedIn."""
        return await self._rows.write(accounts_actions.redeem_ticket, ticket)

    async def still(self, actor: Actor) -> Actor:
        """A member as they are now: looked up again after any member of any workspace changed.

        Raises NotSignedIn when the membership has ended, or the session that the socket belongs to.
        """
        place = f"{actor.id} {actor.sign_in}"
        known = self._members.get(place)
        if known is None:
            remembered = self._members
            known = await self._rows.read(accounts.actor_of_member, actor.workspace_id, actor.id, sign_in=actor.sign_in)
            remembered[place] = known  # nobody's memory any more if a member changed meanwhile
        return known

    def count_message(self, actor: Actor) -> None:
        """A visitor says something. Raises Busy past their rate."""
        if actor.kind == "visitor":
            self._per_visitor.take(actor.id, what="messages")

    def count_visitor(self, connection: HTTPConnection) -> None:
        """An address asks for a visitor token. Raises Busy past its rate."""
        self._per_address.take(self.address(connection), what="new visitors from this address")

    def address(self, connection: HTTPConnection) -> str:
        """The caller's network address; a forwarded one only from a proxy that the settings trust."""
        peer = connection.client.host if connection.client else "unknown"
        if peer in self._trusted:
            forwarded = connection.headers.get("x-forwarded-for", "")
            return forwarded.rpartition(",")[2].strip() or peer
        return peer

    async def _key(self, token: str) -> Actor:
        name = hashlib.sha256(token.encode()).hexdigest()
        known = self._keys.get(name)
        if known is not None and time.monotonic() - known.checked < _CHECK_EVERY:
            return known.actor
        actor = await self._rows.read(accounts.actor_of_key, token)
        if len(self._keys) >= _KNOWN_KEYS:
            self._keys.clear()
        self._keys[name] = _Known(actor, time.monotonic())
        await self._rows.write(accounts_actions.note_key_used, actor.id, actor.workspace_id)
        return actor

    async def current(self, visitor: Actor) -> Actor:
        """A visitor as whom members know them by now: they may have merged the contact of the token into another."""
        merged = self._merged
        if merged is None:
            merges = self._merges
            merged = await self._rows.read(contacts.merged_contacts)
            self._merged = merged if merges == self._merges else None  # one more was merged meanwhile
        contact_id = merged.get(visitor.id)
        return visitor if contact_id is None else replace(visitor, id=contact_id, contact_id=contact_id)

    def _heard(self, event: EventInfo) -> None:
        if event.kind.startswith("key."):
            self._keys.clear()
        elif event.kind.startswith("member."):
            self._members = {}
        elif event.kind == "contact.merged":
            self._merged, self._merges = None, self._merges + 1


def visitor_token(*, workspace_id: str, channel_id: str, contact_id: str) -> str:
    """A browser's token: one contact on one channel, for thirty days."""
    payload = {"w": workspace_id, "ch": channel_id, "c": contact_id}
    return sign(payload, purpose="visitor", seconds=VISITOR_SECONDS)


def visitor_of(token: str) -> Actor:
    """Raises NotSignedIn for a token that is forged or expired."""
    payload = verify(token, purpose="visitor")
    return Actor(
        workspace_id=payload["w"],
        kind="visitor",
        id=payload["c"],
        contact_id=payload["c"],
        channel_id=payload["ch"],
    )

"""A workspace with people and a channel, made straight from the actions; for tests of desk without a server."""

import itertools
from dataclasses import dataclass
from typing import Any

from kefu.contracts.turn import Decision, TurnOutcome
from kefu.desk.accounts import actions as accounts
from kefu.desk.actor import Actor, Role, Scope, system
from kefu.desk.contacts import actions as contacts
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox import due

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Shop:
    """A workspace seen by Kefu itself, by an owner, and by a program that holds a key with every scope."""

    workspace_id: str
    slug: str
    channel_id: str
    kefu: Actor
    owner: Actor
    program: Actor

    def member(self, role: Role) -> Actor:
        """Somebody new with this role. Invited, since making a password takes a tenth of a second."""
        made = accounts.invite(self.kefu, email=f"{role}-{next(_numbers)}@example.com", role=role, name=role.title())
        return Actor(self.workspace_id, "member", made.member.id, role=role)

    def visitor(self) -> Actor:
        contact_id = contacts.meet(self.kefu, channel_id=self.channel_id)
        return Actor(self.workspace_id, "visitor", contact_id, contact_id=contact_id, channel_id=self.channel_id)

    def start(self, **given: Any) -> str:
        return inbox.start_conversation(self.program, **{"channel_id": self.channel_id, **given}).id

    def say(self, thread: str, text: str, key: str | None = None) -> inbox.ReceivedMessage:
        return inbox.receive_message(self.program, conversation_id=thread, text=text, idempotency_key=key)


def made_shop(**channel: Any) -> Shop:
    """`channel`: what its web channel has beyond a name."""
    info = accounts.make_workspace(slug=f"desk-{next(_numbers)}")
    kefu = system(info.id)
    invited = accounts.invite(kefu, email=f"owner-{next(_numbers)}@example.com", role=Role.OWNER, name="Owner")
    return Shop(
        workspace_id=info.id,
        slug=info.slug,
        channel_id=inbox.make_channel(kefu, kind="web", name="Website", **channel).id,
        kefu=kefu,
        owner=Actor(info.id, "member", invited.member.id, role=Role.OWNER),
        program=Actor(info.id, "key", "key_of_tests", scopes=frozenset(Scope)),
    )


def outcome(text: str = "From 9:00 to 21:00.", decision: Decision = Decision.APPROVED, **given: Any) -> TurnOutcome:
    return TurnOutcome(text, decision, 0.9, **{"language": "en", "reason": "said by a test", **given})


def claim(worker: str = "worker", *, limit: int = 100, lease_seconds: float = 60) -> list[due.ClaimedTurn]:
    return due.claim_turns(worker=worker, limit=limit, lease_seconds=lease_seconds)


def finish(turn: due.ClaimedTurn, worker: str = "worker", **given: Any) -> due.FinishedTurn | None:
    return due.finish_turns(worker=worker, outcomes=[(turn.id, outcome(**given), {"steps": []})])[0]

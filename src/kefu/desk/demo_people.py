"""What people add to a demo's conversations: promised times, thumbs, verdicts, consent, replies that members changed.

Its chance is its own: with more or less of this the conversations of a seed stay the same.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from rapidfuzz.distance import Levenshtein

from kefu.desk.accounts.hours import ALWAYS, milliseconds, moment
from kefu.desk.actor import Actor
from kefu.desk.contacts.models import Consent
from kefu.desk.copilot.models import KeptEdit
from kefu.desk.inbox.actions.promises import create_policy
from kefu.desk.inbox.models import Conversation, Message, SlaClock
from kefu.desk.inbox.queries.promises import policies
from kefu.desk.inbox.sla import FIRST_REPLY, KINDS, NEXT_REPLY, RESOLUTION, Clock
from kefu.desk.statements import new
from kefu.kit.ids import new_id

_PROMISE = "Everybody"
# Seconds that a shop's people keep nine times in ten, as the demo's people work.
_PROMISED = {FIRST_REPLY: 300, NEXT_REPLY: 90, RESOLUTION: 900}
_WARN = 60
_THUMBED, _UP = 0.08, 0.8  # of answers; of thumbs
_JUDGED, _RIGHT = 0.35, {"refuse": 0.88, "hand_over": 0.9}  # of refusals and hand-overs; of those judged
_ASKED, _AGREED, _WITHDREW = 0.5, 0.85, 0.03  # of new contacts; of those asked; of those who agreed
_SUGGESTED = 0.3  # of members' replies to contacts who agreed come from a suggestion
_WARMLY = {
    "zh": ("您好！", "如有其他问题，随时联系我们。"),
    "en": ("Hello! ", " Let me know if anything else comes up."),
}
_Happens = Callable[..., None]


def promise_of(actor: Actor) -> str:
    """The id of the demo's promise, which fits all conversations; made if it is not there."""
    for each in policies(actor):
        if each.name == _PROMISE:
            return each.id
    seconds = {f"{kind}_seconds": _PROMISED[kind] for kind in KINDS}
    return create_policy(actor, name=_PROMISE, in_business_hours=False, warn_seconds=_WARN, **seconds).id


class Promises:
    """The clocks of one conversation, moved by what happens in it as `inbox.actions.clocks` moves them."""

    def __init__(self, row: Conversation, policy_id: str, happens: _Happens) -> None:
        self._row, self._policy, self._happens = row, policy_id, happens
        self.clocks: list[SlaClock] = []

    def waits(self, at: datetime) -> None:
        """A person is wanted: a first reply and a solution are owed."""
        for kind in (FIRST_REPLY, RESOLUTION):
            self._start(kind, at)

    def asked(self, at: datetime) -> None:
        """The contact wrote to people: another reply is owed."""
        alive = {clock.kind: clock for clock in self._alive()}
        if not self._current():
            return
        if RESOLUTION in alive and alive[RESOLUTION].state == "paused":
            alive[RESOLUTION].state, alive[RESOLUTION].since = "running", at
        if FIRST_REPLY not in alive and NEXT_REPLY not in alive:
            self._start(NEXT_REPLY, at)

    def ring(self, at: datetime) -> None:
        """Whatever became due by a moment is warned of, and missed; before anything else happens then."""
        for clock in self._alive():
            ends = _running(clock).ends_at(ALWAYS)
            warns = _running(clock).warns_at(_WARN * 1000, ALWAYS)
            if warns is not None and moment(warns) < at and clock.warned_at is None:
                clock.warned_at = moment(warns)
            if ends is not None and moment(ends) < at and clock.breached_at is None:
                clock.breached_at = moment(ends + 1)
                self._tell("sla_missed", clock, clock.breached_at)

    def replied(self, at: datetime) -> None:
        """A member wrote: the reply is given, and the solution waits for the contact."""
        for clock in self._alive():
            if clock.kind == RESOLUTION:
                _stand(clock, at)
                clock.state = "paused"
            else:
                self._end(clock, at)

    def resolved(self, at: datetime) -> None:
        """The stay with people is over; replies are owed no more."""
        for clock in self._alive():
            if clock.kind == RESOLUTION:
                self._end(clock, at)
            else:
                _stand(clock, at)
                clock.state, clock.ended_at = "missed" if clock.breached_at else "dropped", at
        for clock in self.clocks:
            clock.is_current = False

    def show(self, now: datetime) -> None:
        """Write onto the conversation which clock ends first, and onto clocks when they are looked at next."""
        self.ring(now)
        running = []
        for clock in self._alive():
            warns = None if clock.warned_at else _running(clock).warns_at(_WARN * 1000, ALWAYS)
            ends = _running(clock).ends_at(ALWAYS)
            due = None if clock.breached_at else warns if warns is not None else ends
            clock.due_at = moment(due + 1) if due is not None else None
            if ends is not None:
                running.append((ends, clock))
        row, current = self._row, self._current()
        if running:
            ends, clock = min(running, key=lambda each: (each[0], each[1].kind))
            state = "breached" if clock.breached_at else "warned" if clock.warned_at else "running"
            row.sla_clock, row.sla_state, row.sla_due_at = clock.kind, state, moment(ends)
        elif current:
            alive = self._alive()
            row.sla_clock, row.sla_state = (alive or current)[-1].kind, "paused" if alive else "done"

    def _current(self) -> list[SlaClock]:
        return [clock for clock in self.clocks if clock.is_current]

    def _alive(self) -> list[SlaClock]:
        return [clock for clock in self.clocks if clock.state in {"running", "paused"}]

    def _start(self, kind: str, at: datetime) -> None:
        clock = new(
            SlaClock,
            id=new_id("clock"),
            workspace_id=self._row.workspace_id,
            conversation_id=self._row.id,
            policy_id=self._policy,
            kind=kind,
            target=_PROMISED[kind] * 1000,
            in_business_hours=False,
            since=at,
            created_at=at,
        )
        self.clocks.append(clock)

    def _end(self, clock: SlaClock, at: datetime) -> None:
        _stand(clock, at)
        clock.state, clock.ended_at = "missed" if clock.breached_at else "met", at
        if clock.state == "met":
            self._tell("sla_met", clock, at, spent=clock.spent)

    def _tell(self, kind: str, clock: SlaClock, at: datetime, **more: Any) -> None:
        self._happens(kind, "sla", at=at, clock=clock.kind, policy=self._policy, target=clock.target, **more)


class People:
    """Contacts and members who say what they think, by a chance of their own."""

    def __init__(self, workspace_id: str, seed: int, end: datetime) -> None:
        self._workspace_id, self._end = workspace_id, end
        self._chance = random.Random(f"people {seed}")  # noqa: S311 - a demo, not a secret
        self._agreed: set[str] = set()

    def met(self, contact_id: str, at: datetime) -> list[Consent]:
        """What a new contact said to training, where they were asked."""
        if self._chance.random() >= _ASKED:
            return []
        is_given = self._chance.random() < _AGREED
        said = [self._consent(contact_id, "Sign-up form", at, is_given=is_given)]
        later = at + timedelta(days=self._chance.uniform(1, 10))
        if is_given and self._chance.random() < _WITHDREW and later < self._end:
            said.append(self._consent(contact_id, "E-mail", later, is_given=False))
            is_given = False
        if is_given:
            self._agreed.add(contact_id)
        return said

    def thumb(self, said: Message, happens: _Happens) -> None:
        """Now and then an answer gets a thumb, within a second."""
        at = said.created_at + timedelta(seconds=self._chance.uniform(0.3, 0.9))
        if self._chance.random() < _THUMBED and at < self._end:
            said.thumb = "up" if self._chance.random() < _UP else "down"
            happens("thumbed", "contact", at=at, old="", new=said.thumb)

    def judge(self, said: list[Message], after: datetime, members: list[str], happens: _Happens) -> None:
        """Members look at some refusals and hand-overs of a conversation, within two days."""
        for each in said:
            after += timedelta(seconds=self._chance.uniform(60, 48 * 3600))
            if self._chance.random() >= _JUDGED or after >= self._end:
                continue
            decision = str((each.answer or {})["decision"])
            each.verdict = "right" if self._chance.random() < _RIGHT[decision] else "wrong"
            happens("judged", self._chance.choice(members), at=after, decision=decision, old="", new=each.verdict)

    def suggested(self, row: Conversation, question: str, text: str) -> tuple[str, str] | None:
        """A suggested reply and what a member makes of it, where it may be kept; None: no suggestion was used."""
        if str(row.contact_id) not in self._agreed or self._chance.random() >= _SUGGESTED:
            return None
        suggestion = text.format(question=question[:60])
        before, after = _WARMLY["zh" if row.language == "zh" else "en"]
        return suggestion, self._chance.choice(
            (suggestion, before + suggestion, suggestion + after, suggestion.partition("：")[2] or suggestion)
        )

    def kept(self, row: Conversation, asked: datetime, question: str, suggestion: str, said: Message) -> KeptEdit:
        """What is kept of a suggestion that a member used."""
        return new(
            KeptEdit,
            id=new_id("edit"),
            workspace_id=self._workspace_id,
            conversation_id=row.id,
            member_id=said.author_id,
            question=question,
            suggested=suggestion,
            decision="extracted",
            language=row.language,
            message_id=said.id,
            sent=said.text,
            distance=round(Levenshtein.normalized_distance(suggestion, said.text), 4),
            sent_at=said.created_at,
            created_at=asked,
        )

    def _consent(self, contact_id: str, source: str, at: datetime, *, is_given: bool) -> Consent:
        return new(
            Consent,
            workspace_id=self._workspace_id,
            contact_id=contact_id,
            kind="training",
            is_given=is_given,
            source=source,
            given_at=at,
            by_kind="system",
            by_id="demo",
            created_at=at,
        )


def _running(clock: SlaClock) -> Clock:
    return Clock(clock.target, clock.spent, milliseconds(clock.since) if clock.since is not None else None)


def _stand(clock: SlaClock, at: datetime) -> None:
    clock.spent, clock.since = _running(clock).spent_by(milliseconds(at), ALWAYS), None

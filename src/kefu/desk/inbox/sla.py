"""Promised times: a clock that pauses, when it warns, when it is too late. Pure; moments and times in milliseconds."""

from dataclasses import dataclass, field, replace
from typing import Any

from kefu.desk.accounts.hours import Hours
from kefu.desk.inbox.routing import Case, has

FIRST_REPLY, NEXT_REPLY, RESOLUTION = "first_reply", "next_reply", "resolution"
KINDS = (FIRST_REPLY, NEXT_REPLY, RESOLUTION)


@dataclass(frozen=True)
class Clock:
    """A time that is promised, what of it was spent, and since when it runs (None: it stands)."""

    target: int
    spent: int = 0
    since: int | None = None

    def spent_by(self, at: int, hours: Hours) -> int:
        """What is spent at a moment; outside of the hours nothing is."""
        return self.spent + (hours.between(self.since, at) if self.since is not None else 0)

    def paused(self, at: int, hours: Hours) -> "Clock":
        """The clock standing from a moment on."""
        return replace(self, spent=self.spent_by(at, hours), since=None)

    def resumed(self, at: int) -> "Clock":
        """The clock running from a moment on; one that runs goes on."""
        return self if self.since is not None else replace(self, since=at)

    def reaches(self, spent: int, hours: Hours) -> int | None:
        """When so much will be spent if nothing happens meanwhile; None when the clock stands or that never comes."""
        if self.since is None:
            return None
        return hours.end_of(self.since, spent - self.spent)

    def ends_at(self, hours: Hours) -> int | None:
        """The last moment at which the promise is kept."""
        return self.reaches(self.target, hours)

    def warns_at(self, warn: int, hours: Hours) -> int | None:
        """When to warn, `warn` before the end but not before half of the time is over; None without warnings."""
        return self.reaches(self.target - min(warn, self.target // 2), hours) if warn else None

    def is_late(self, at: int, hours: Hours) -> bool:
        """Whether more than what was promised is spent."""
        return self.spent_by(at, hours) > self.target


@dataclass(frozen=True)
class Conditions:
    """Of which conversations something is promised. What is empty fits all."""

    channels: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    contact: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, stored: dict[str, Any]) -> "Conditions":
        lists = {name: tuple(stored.get(name, ())) for name in ("channels", "teams", "labels", "priorities")}
        return cls(**lists, contact=dict(stored.get("contact", {})))

    def fits(self, case: Case) -> bool:
        return (
            (not self.channels or case.channel in self.channels)
            and (not self.teams or case.team in self.teams)
            and (not self.labels or bool(case.labels & set(self.labels)))
            and (not self.priorities or case.priority in self.priorities)
            and has(case.contact, self.contact)
        )

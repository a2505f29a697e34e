"""Timelines made by hand: what happened when, and what is measured of it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from kefu.desk.accounts.hours import milliseconds
from kefu.desk.accounts.queries import HoursBook
from kefu.desk.inbox.actions import Happened
from kefu.desk.insights.fold import Fold, Measured, standing, whole

MINUTE = 60_000
HOUR = 60 * MINUTE


class Line:
    """Writes a timeline; times are `HH:MM` or `DATE HH:MM` by the clock of a zone, each not before the last."""

    def __init__(self, zone: str = "UTC", day: str = "2026-11-18") -> None:
        self._zone, self._day = ZoneInfo(zone), day
        self._sequence = 0
        self.events: list[Happened] = []

    def at(self, when: str) -> datetime:
        day, _, clock = when.rpartition(" ")
        self._day = day or self._day
        return datetime.fromisoformat(f"{self._day}T{clock}").replace(tzinfo=self._zone).astimezone(UTC)

    def began(self, when: str) -> "Line":
        return self.happens(when, "began")

    def happens(self, when: str, kind: str, by: str = "", **detail: Any) -> "Line":
        self.events.append(Happened(kind, self.at(when), by, detail))
        return self

    def asks(self, when: str) -> "Line":
        return self._says(when, "contact")

    def member(self, when: str, member: str = "mem_a") -> "Line":
        return self._says(when, "member", by=member)

    def assistant(
        self,
        when: str,
        decision: str = "approved",
        reason: str = "faq_hit",
        intent: str = "",
        asked: str = "",
        through: int | None = None,
    ) -> "Line":
        """An answer to all that was said, or through a sequence."""
        turn = {
            "asked_at": self.at(asked or when),
            "last_sequence": self._sequence if through is None else through,
            "decision": decision,
            "reason": reason,
            "language": "en",
            "intent": intent,
        }
        return self._says(when, "assistant", turn=turn)

    def waits(self, when: str, by: str = "contact") -> "Line":
        return self.happens(when, "waits", by)

    def owned(self, when: str, member: str = "mem_a") -> "Line":
        return self.happens(when, "owned", member, member=member)

    def back(self, when: str) -> "Line":
        return self.happens(when, "assistant")

    def resolved(self, when: str, by: str = "contact") -> "Line":
        return self.happens(when, "resolved", by)

    def reopened(self, when: str) -> "Line":
        """By the contact, with the assistant on duty; their message comes next."""
        return self.happens(when, "reopened", "contact").happens(when, "assistant")

    def folded(self, book: HoursBook | None = None) -> Fold:
        return whole(tuple(self.events), book or HoursBook())

    def measured(self, metric: str, book: HoursBook | None = None) -> list[Measured]:
        """A metric's figures that were not taken back."""
        return [each for each in standing(self.folded(book).measured) if each.metric == metric]

    def values(self, metric: str, book: HoursBook | None = None, **dimensions: str) -> list[int]:
        """The values of a metric's figures with these dimensions, in order."""
        return [each.value for each in matching(self.measured(metric, book), dimensions)]

    def moment(self, when: str) -> int:
        return milliseconds(self.at(when))

    def _says(self, when: str, author: str, by: str = "", turn: Any = None) -> "Line":
        self._sequence += 1
        return self.happens(when, "message", by or author, author=author, sequence=self._sequence, turn=turn)


def matching(figures: Iterable[Measured], dimensions: dict[str, str]) -> list[Measured]:
    return [each for each in figures if all(getattr(each, name) == value for name, value in dimensions.items())]

"""Who gets a conversation that waits: which team by rules, then which of its members. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PRIORITIES = ("none", "low", "high", "urgent")
# Of the first few every place is told, of those far behind only a fifth of the way: nobody counts from 83 to 82.
_COUNTED = 5
_SHARE = 0.2


@dataclass(frozen=True)
class Case:
    """What rules look at: the channel's id, what is spoken, wanted and known of a conversation and its contact."""

    channel: str = ""
    language: str = ""
    intent: str = ""
    labels: frozenset[str] = frozenset()
    contact: Mapping[str, Any] = field(default_factory=dict)
    team: str = ""
    priority: str = "none"


@dataclass(frozen=True)
class Rule:
    """Conversations that fit go to `team`, to members who have `skills` as well. What is empty fits all."""

    team: str
    channels: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    contact: Mapping[str, Any] = field(default_factory=dict)
    skills: tuple[str, ...] = ()

    def fits(self, case: Case) -> bool:
        """Whether a conversation is this rule's."""
        return (
            _one_of(case.channel, self.channels)
            and speaks(self.languages, case.language)
            and _one_of(case.intent, self.intents)
            and (not self.labels or bool(case.labels & set(self.labels)))
            and has(case.contact, self.contact)
        )


@dataclass(frozen=True)
class Candidate:
    """A member who might be offered a conversation. `load` counts what they have and are offered; `limit` 0: none.

    `last_offer` grows with time; None: never.
    """

    member_id: str
    skills: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    load: int = 0
    limit: int = 0
    is_available: bool = True
    last_offer: float | None = None

    @property
    def has_room(self) -> bool:
        return self.limit == 0 or self.load < self.limit


def team_for(case: Case, rules: Iterable[Rule], served: Mapping[str, Collection[str]]) -> Rule | None:
    """The first rule that fits, whose team is there (`served`, by id its languages) and speaks the language."""
    for rule in rules:
        if rule.team in served and speaks(served[rule.team], case.language) and rule.fits(case):
            return rule
    return None


def choose(
    method: str,
    candidates: Sequence[Candidate],
    *,
    language: str = "",
    skills: Collection[str] = (),
    passed: Collection[str] = (),
) -> Candidate | None:
    """Who is offered a conversation; None when nobody is to be.

    A member who is there, has all skills, speaks the language and has room, and did not let it pass: round_robin the
    one whose last offer is longest ago, least_busy the one with the fewest conversations. Where nobody of the team
    speaks the language at all, it does not count: an answer through a dictionary is better than none.
    """
    if method == "manual":
        return None
    able = [each for each in candidates if set(skills) <= each.skills]
    speaking = [each for each in able if speaks(each.languages, language)]
    free = [
        each for each in speaking or able if each.is_available and each.has_room and each.member_id not in set(passed)
    ]
    by_turn = sorted(free, key=lambda each: (each.last_offer is not None, each.last_offer or 0.0, each.member_id))
    if method == "least_busy":
        by_turn.sort(key=lambda each: each.load)
    return by_turn[0] if by_turn else None


def speaks(languages: Collection[str], language: str) -> bool:
    """Whether a language is among these, or these do not matter (none), or it is not known; `zh` is also `zh-TW`."""
    if not languages or not language:
        return True
    return language.partition("-")[0] in {each.partition("-")[0] for each in languages}


def has(known: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a contact has these attributes; compared as they are written, since forms send `true` and `5` as text."""
    return all(name in known and _written(known[name]) == _written(value) for name, value in wanted.items())


def worth_telling(told: int | None, position: int) -> bool:
    """Whether a customer should hear of their new place in the queue."""
    if told is None or told == position:
        return told is None
    return position <= _COUNTED or abs(told - position) >= _SHARE * told


def _one_of(value: str, wanted: Collection[str]) -> bool:
    return not wanted or value in wanted


def _written(value: Any) -> str:
    return str(value).strip().casefold()

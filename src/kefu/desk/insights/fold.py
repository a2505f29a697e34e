"""From what happens in a conversation to what is measured. Pure: the same events give the same figures, exactly.

Live, each event is folded in its own transaction; a recount folds a conversation's whole timeline. Both are this.

What was measured is never changed. A figure that belongs elsewhere once more is known of its conversation is taken
back, by the same with a count of -1, and measured again. Labels are the exception, since all that was ever measured of
a conversation stands under the labels that it has: they are no part of a figure here, and changed in the rows.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from kefu.desk.accounts.hours import milliseconds
from kefu.desk.accounts.queries import HoursBook
from kefu.desk.inbox.actions import Happened

# Refused for other reasons than want of knowledge: the company or caution forbids an answer.
NOT_FOR_WANT = frozenset({"forbidden_topic", "injection", "intent"})
# A person got the conversation instead of one refusal more: the question had no answer either.
INSTEAD_OF_REFUSING = "refused_in_a_row"
_FAILED = frozenset({"failed", "failure"})
_ANSWERS = frozenset({"approved", "extracted", "generated", "flow"})
_PROMISES = frozenset({"first_reply", "next_reply", "resolution"})
_SATISFIED = 4  # stars of five
_SETTLING = frozenset({"owned", "resolved"})
_WAITING_KEPT = 200  # messages that wait and are told apart; who sends more is counted with the last of them

PERSON, ASSISTANT = "person", "assistant"


@dataclass(frozen=True)
class Measured:
    """One figure: value and business value (milliseconds, or a number), at a moment, with its dimensions.

    `count` is 1, or -1 of one that is taken back, whose values are then those of the one before with the other sign.
    """

    metric: str
    at: int
    value: int
    business: int
    member: str = ""
    team: str = ""
    intent: str = ""
    language: str = ""
    who: str = ""
    detail: str = ""
    number: int = 0
    count: int = 1


@dataclass
class Clock:
    """Where a conversation's figures stand. Moments in milliseconds; `None`: that clock does not run.

    `first_due`: the next reply is a first response, counted from `first`. `waits` is when the contact began to wait;
    `bot_first` and `bot_waits` are those of the assistant, kept until it has said that it hands over. `unreplied` is
    what waits: sequence, moment, and the figure it will become. `stages` of the funnel were reached. `stands`: the
    dimensions that the conversation itself counts under (None: it began before this was kept). `handover`: moment,
    detail and dimensions of the hand-over while it has come to no team or no member.
    """

    number: int = 0
    status: str = "bot"
    created: int = 0
    asked: int | None = None
    member: str = ""
    team: str = ""
    labels: str = ""
    intent: str = ""
    language: str = ""
    person_said: bool = False
    assistant_said: bool = False
    handed: bool = False
    bot_resolved: bool = False
    first_due: bool = True
    first: int | None = None
    waits: int | None = None
    bot_first: int | None = None
    bot_waits: int | None = None
    unreplied: list[list[Any]] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    stands: dict[str, str] | None = None
    handover: list[Any] | None = None

    @classmethod
    def read(cls, stored: dict[str, Any] | None) -> "Clock":
        clock = cls(**(stored or {}))
        for entry in clock.unreplied:
            entry[2].pop("labels", None)  # they were kept there before labels moved all that was measured
        return clock

    def written(self) -> dict[str, Any]:
        """What differs from a new clock, as JSON."""
        return {name: _copied(value) for name, value in vars(self).items() if value != _NEW[name]}


_NEW = dict(vars(Clock()))


def _copied(value: Any) -> Any:
    """A JSON value that nobody else holds."""
    if isinstance(value, list):
        return [_copied(each) for each in value]
    return {name: _copied(each) for name, each in value.items()} if isinstance(value, dict) else value


class Fold:
    """Folds events into a clock; `measured` are the figures of the events so far."""

    def __init__(self, clock: Clock, book: HoursBook) -> None:
        self.clock = clock
        self._book = book
        self._reached: list[tuple[str, int, str]] = []  # what the conversation itself is from this event on
        self.measured: list[Measured] = []
        self.questions: dict[int, int] = {}  # by the number of an `unanswered` figure: its last message

    def add(self, event: Happened) -> list[Measured]:
        """What an event measures; the clock has passed it."""
        before = len(self.measured)
        handler = _HANDLERS.get(event.kind)
        if handler is not None:
            handler(self, event, milliseconds(event.at))
            self._stand(is_settled=event.kind in _SETTLING)
        return self.measured[before:]

    def _count(self, metric: str, at: int, value: int = 1, **dimensions: str) -> None:
        """Something that is counted; in business hours it counts, out of them it does not."""
        self._keep(self._counted(metric, at, value, self._dimensions(dimensions)))

    def _counted(self, metric: str, at: int, value: int, dimensions: dict[str, Any]) -> Measured:
        is_open = value if self._book.at(at).is_open(at) else 0
        return Measured(metric, at, value, is_open, number=self.clock.number, **dimensions)

    def _time(self, metric: str, start: int, end: int, **dimensions: str) -> None:
        end = max(start, end)
        business = self._book.between(start, end)
        number, chosen = self.clock.number, self._dimensions(dimensions)
        self._keep(Measured(metric, end, end - start, business, number=number, **chosen))

    def _keep(self, figure: Measured) -> None:
        self.measured.append(figure)
        self.clock.number += 1

    def _move(self, figure: Measured, to: dict[str, Any]) -> None:
        """Take a figure back, and measure it under other dimensions."""
        self._keep(replace(figure, value=-figure.value, business=-figure.business, count=-1))
        self._keep(replace(figure, number=self.clock.number, **to))

    def _dimensions(self, given: dict[str, str]) -> dict[str, Any]:
        clock = self.clock
        return {
            "member": clock.member,
            "team": clock.team,
            "intent": clock.intent,
            "language": clock.language,
            **given,
        }

    def _reach(self, stage: str) -> None:
        """A stage of the funnel, once a conversation, at the moment at which it was asked: a cohort's funnel."""
        clock = self.clock
        if clock.asked is not None and stage not in clock.stages:
            clock.stages.append(stage)
            self._reached.append(("funnel", clock.asked, stage))

    def _stand(self, *, is_settled: bool) -> None:
        """The conversation, and its stages of the funnel, count under what was last known of it.

        They move when something becomes known that stays: the language, who has it, its end. Not with every turn,
        since each move is two rows for each of them.
        """
        clock, reached = self.clock, self._reached
        was, known = clock.stands, clock.stands or {}
        if was and not is_settled and (was["language"] or not clock.language):
            stands = was
        else:
            member = clock.member or known.get("member", "")
            stands = {
                "member": member,
                "team": clock.team or known.get("team", ""),
                "intent": clock.intent,
                "language": clock.language,
                "who": PERSON if member else ASSISTANT,
            }
        if was and was != stands:
            stages = [("funnel", clock.asked or 0, each) for each in clock.stages]
            for metric, at, detail in (("conversations", clock.created, ""), *stages):
                if (metric, at, detail) not in reached:
                    self._move(self._counted(metric, at, 1, {**was, "detail": detail}), stands)
        for metric, at, detail in reached:
            self._keep(self._counted(metric, at, 1, {**stands, "detail": detail}))
        if was is not None:
            clock.stands = stands
        self._reached = []

    def _passed_to(self, *known: str) -> None:
        """A hand-over counts for the team and the member that it came to first, and for what it was announced with."""
        clock = self.clock
        if clock.handover is None:
            return
        at, kind, under = clock.handover
        names = [*known, *(name for name in ("team", "member") if not under[name])]
        to = {name: found for name in names if (found := getattr(clock, name)) != under[name]}
        if to:
            self._move(self._counted("bot_handoffs", at, 1, {**under, "detail": kind}), to)
        under = {**under, **to}
        clock.handover = None if under["team"] and under["member"] else [at, kind, under]

    def _solver(self) -> str:
        return PERSON if self.clock.person_said else ASSISTANT

    def _on_duty(self) -> str:
        return ASSISTANT if self.clock.status == "bot" else PERSON

    def began(self, event: Happened, at: int) -> None:
        self.clock.created, self.clock.stands = at, {}
        self._reached.append(("conversations", at, ""))

    def message(self, event: Happened, at: int) -> None:
        author = event.detail["author"]
        if author == "contact":
            self._asked(at, int(event.detail["sequence"]))
        elif author == "member":
            self._member_said(event, at)
        else:
            self._assistant_said(event, at)

    def _asked(self, at: int, sequence: int) -> None:
        clock = self.clock
        who = self._on_duty()
        self._count("incoming_messages", at, who=who)
        if clock.asked is None:
            clock.asked = at
            self._reach("asked")
        if clock.first_due and clock.first is None:
            clock.first = at
        if clock.waits is None:
            clock.waits = at
        if len(clock.unreplied) >= _WAITING_KEPT:
            clock.unreplied[-1][3] += 1
            return
        clock.unreplied.append([sequence, at, self._dimensions({"who": who}), 1])

    def _member_said(self, event: Happened, at: int) -> None:
        clock = self.clock
        clock.person_said = True
        self._count("outgoing_messages", at, who=PERSON, member=event.by)
        self._replied(at, who=PERSON, member=event.by, through=None)

    def _assistant_said(self, event: Happened, at: int) -> None:
        clock, turn = self.clock, event.detail.get("turn")
        if turn is None:
            self._count("outgoing_messages", at, who=ASSISTANT, member="")
            return
        clock.language = str(turn["language"])[:12] or clock.language
        clock.intent = str(turn["intent"])[:64] or clock.intent
        clock.assistant_said = True
        self._understood(int(turn["last_sequence"]))
        if clock.status != "bot":
            self._passed_to("intent", "language")
        self._count("outgoing_messages", at, who=ASSISTANT, member="")
        self._turn(turn, at)
        if clock.status == "bot":
            self._replied(at, who=ASSISTANT, member="", through=int(turn["last_sequence"]))
        else:
            self._announced(at)

    def _understood(self, through: int) -> None:
        """What was asked counts for the intent and the language that its turn found."""
        found = {"intent": self.clock.intent, "language": self.clock.language}
        for entry in self.clock.unreplied:
            under = {**entry[2], **found}
            if entry[0] <= through and under != entry[2]:
                self._move(self._counted("incoming_messages", entry[1], 1, entry[2]), found)
                entry[2] = under

    def _turn(self, turn: dict[str, Any], at: int) -> None:
        decision, reason = str(turn["decision"]), str(turn["reason"])
        same: dict[str, Any] = {"who": ASSISTANT, "member": "", "intent": str(turn["intent"])[:64], "detail": decision}
        self._count("answers", at, **same)
        self._time("turns", milliseconds(turn["asked_at"]), at, **same)
        if decision in _ANSWERS:
            self._reach("answered")
        wanting = decision == "refuse" and reason not in NOT_FOR_WANT
        if wanting:
            self._count("refusals", at, **{**same, "detail": reason[:24]})
        if wanting or reason == INSTEAD_OF_REFUSING:
            self.questions[self.clock.number] = int(turn["last_sequence"])
            self._count("unanswered", at, **{**same, "detail": reason[:24]})
        if reason in _FAILED:
            self._count("failures", at, **{**same, "detail": reason})

    def _replied(self, at: int, *, who: str, member: str, through: int | None) -> None:
        """A reply to what waits, up to a message's sequence (None: to all of it)."""
        clock = self.clock
        if clock.first_due and clock.first is not None:
            self._time("first_response_time", clock.first, at, who=who, member=member)
            clock.first_due, clock.first = False, None
        if clock.waits is not None:
            self._time("reply_time", clock.waits, at, who=who, member=member)
        waiting = []
        for entry in clock.unreplied:
            if through is None or entry[0] <= through:
                self._count("replied_messages", entry[1], entry[3], **entry[2])
            else:
                waiting.append(entry)
        clock.unreplied = waiting
        clock.waits = waiting[0][1] if waiting else None

    def _announced(self, at: int) -> None:
        """The assistant has said that it hands over: its own first response and reply, not a person's."""
        clock = self.clock
        if clock.bot_first is not None:
            self._time("first_response_time", clock.bot_first, at, who=ASSISTANT, member="")
        if clock.bot_waits is not None:
            self._time("reply_time", clock.bot_waits, at, who=ASSISTANT, member="")
        clock.bot_first = clock.bot_waits = None

    def waits(self, event: Happened, at: int) -> None:
        clock, before = self.clock, self.clock.status
        if before == "resolved" and event.by == "contact":
            self._reopened(at, event.by)
        clock.status, clock.member = "waiting", ""
        if event.by == "off" or before not in {"bot", "resolved"}:
            return
        self._handed_over(at, event.by)
        clock.bot_first, clock.bot_waits = clock.first, clock.waits
        clock.first_due, clock.first, clock.waits = True, at, at

    def owned(self, event: Happened, at: int) -> None:
        clock, before = self.clock, self.clock.status
        if before == "resolved":
            self._reopened(at, "member")
        clock.status, clock.member = "open", str(event.detail["member"])
        self._count("assignments", at, who=PERSON)
        self._passed_to()
        if before == "bot":
            self._handed_over(at, "member")
            clock.first_due, clock.first = True, clock.waits  # who does not wait waits from the next message on

    def _handed_over(self, at: int, by: str) -> None:
        clock = self.clock
        if not clock.handed:
            clock.handed = True
            kind = by if by in {"assistant", "contact"} else "member"
            under = self._dimensions({"who": ASSISTANT})
            self._count("bot_handoffs", at, **under, detail=kind)
            clock.handover = None if under["team"] and under["member"] else [at, kind, under]
            self._reach("handed_over")

    def assistant(self, event: Happened, at: int) -> None:
        clock = self.clock
        is_back = clock.status in {"waiting", "open"}
        clock.status, clock.member = "bot", ""
        if is_back:  # nobody's first response is awaited any more
            clock.first_due, clock.first = False, None

    def reopened(self, event: Happened, at: int) -> None:
        self._reopened(at, event.by)

    def _reopened(self, at: int, by: str) -> None:
        clock = self.clock
        self._count("reopenings", at, who=self._solver(), detail=by[:24])
        clock.status, clock.first_due, clock.first = "reopened", by == "contact", None

    def resolved(self, event: Happened, at: int) -> None:
        clock, who = self.clock, self._solver()
        if clock.asked is not None:
            by = event.by.partition(":")[0][:24]
            self._count("resolutions", at, who=who, detail=by)
            self._time("resolution_time", clock.created, at, who=who, detail=by)
            if not clock.person_said:
                self._count("automated_resolutions", at, who=who, detail=by)
            if clock.assistant_said and not (clock.handed or clock.person_said or clock.bot_resolved):
                clock.bot_resolved = True
                self._count("bot_resolutions", at, who=ASSISTANT, member="", detail=by)
            self._reach("resolved")
        clock.status, clock.unreplied, clock.handover = "resolved", [], None
        clock.first = clock.waits = clock.bot_first = clock.bot_waits = None

    def thumbed(self, event: Happened, at: int) -> None:
        if event.detail["old"]:
            self._count("thumbs", at, -1, who=ASSISTANT, member="", detail=event.detail["old"])
        self._count("thumbs", at, who=ASSISTANT, member="", detail=event.detail["new"])

    def judged(self, event: Happened, at: int) -> None:
        name = {"refuse": "refusals", "hand_over": "handoffs"}[event.detail["decision"]]
        for verdict, change in ((event.detail["old"], -1), (event.detail["new"], 1)):
            if verdict:
                self._count(f"judged_{name}", at, change, who=ASSISTANT, member="", detail=verdict)
            if verdict == "right":
                self._count(f"right_{name}", at, change, who=ASSISTANT, member="", detail=verdict)

    def surveyed(self, event: Happened, at: int) -> None:
        self._count("csat_sent", at, who=self._solver())

    def rated(self, event: Happened, at: int) -> None:
        score = int(event.detail["score"])
        self._count("ratings", at, who=self._solver(), detail=str(score))
        self._count("csat", at, score, who=self._solver(), detail=str(score))
        if score >= _SATISFIED:
            self._count("csat_good", at, who=self._solver(), detail=str(score))
            self._reach("satisfied")

    def teamed(self, event: Happened, at: int) -> None:
        self.clock.team = str(event.detail["team"] or "")
        self._passed_to()

    def labelled(self, event: Happened, at: int) -> None:
        self.clock.labels = written_labels(event.detail["labels"])

    def sla_met(self, event: Happened, at: int) -> None:
        self._promised(event, at, met=True)

    def sla_missed(self, event: Happened, at: int) -> None:
        self._promised(event, at, met=False)

    def _promised(self, event: Happened, at: int, *, met: bool) -> None:
        """A promised time that was kept or missed: of all, and of its own kind."""
        kind = str(event.detail["clock"])[:24]
        for name in ("sla", *((f"sla_{kind}",) if kind in _PROMISES else ())):
            self._count(name, at, who=PERSON, detail=kind)
            if met:
                self._count(f"{name}_met", at, who=PERSON, detail=kind)


def standing(figures: Iterable[Measured]) -> Iterator[Measured]:
    """The figures that were not taken back, in order."""
    found: dict[Measured, int] = {}
    for each in figures:
        sign = each.count
        alike = replace(each, value=each.value * sign, business=each.business * sign, number=0, count=1)
        found[alike] = found.get(alike, 0) + sign
    for each, number in found.items():
        yield from [each] * number


def written_labels(labels: list[str]) -> str:
    """Labels as one column holds them, each between commas: `,bill,vip,`."""
    names = sorted({each.replace(",", " ").strip()[:64] for each in labels} - {""})
    while len(",".join(names)) > 398:  # the column's length less the outer commas
        names.pop()
    return f",{','.join(names)}," if names else ""


def whole(events: Iterator[Happened] | tuple[Happened, ...], book: HoursBook) -> Fold:
    """A timeline folded from its beginning."""
    folded = Fold(Clock(), book)
    for event in events:
        folded.add(event)
    return folded


_HANDLERS: dict[str, Callable[[Fold, Happened, int], None]] = {
    name: getattr(Fold, name)
    for name in (
        "began",
        "message",
        "waits",
        "owned",
        "assistant",
        "reopened",
        "resolved",
        "thumbed",
        "judged",
        "surveyed",
        "rated",
        "teamed",
        "labelled",
        "sla_met",
        "sla_missed",
    )
}

"""A history for a demo: months of conversations with people, ratings and refusals, laid down as rows.

Through the actions, a hundred thousand conversations would take an hour. Each row is as the actions would have left it;
the figures are then counted from them, by the same code as always. The same seed makes the same history.
"""

import csv
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from importlib.resources import files
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from kefu.desk.accounts import actions as accounts
from kefu.desk.accounts.queries import members
from kefu.desk.accounts.team_actions import create_team
from kefu.desk.accounts.team_queries import teams
from kefu.desk.actor import Actor, Role
from kefu.desk.contacts.models import Consent, Contact
from kefu.desk.copilot.models import KeptEdit
from kefu.desk.demo_people import People, Promises, promise_of
from kefu.desk.inbox import actions as inbox
from kefu.desk.inbox.models import Conversation, Happening, Message, SlaClock, Turn
from kefu.desk.inbox.queries import channels
from kefu.desk.inbox.queries.labels import labels, written
from kefu.desk.rows import now
from kefu.desk.statements import insert_many, new
from kefu.desk.surveys.models import Survey
from kefu.kit.errors import BadInput
from kefu.kit.ids import new_id

_MOST, _LONGEST = 1_000_000, 1_000  # conversations, days
_BATCH = 500  # conversations of a transaction
_ZONE = "Asia/Shanghai"
_AGENTS = ("Li Na", "Wang Wei", "Zhao Min", "Chen Jie", "Anna Berg", "Tom Reid")
_IN_CHINESE = 0.6
_RETURNING = 0.35  # of conversations are with somebody who has written before
# A shop's shares: how turns are answered, and what becomes of conversations.
_DECISIONS = {"approved": 0.5, "extracted": 0.24, "clarify": 0.09, "refuse": 0.13, "hand_over": 0.04}
_REFUSED = {"below_threshold": 0.5, "nothing_found": 0.3, "out_of_scope": 0.17, "forbidden_topic": 0.03}
_WANTS_PERSON = 0.05  # of messages ask for a person
_REOPENED, _SURVEYED, _RATED, _IDLE = 0.04, 0.6, 0.3, 0.55
_STARS_ASSISTANT, _STARS_PERSON = (6, 6, 12, 34, 42), (3, 4, 9, 32, 52)
_LABELS = ("invoice", "refund", "urgent", "vip", "complaint")
_TEAMS = ("Orders", "Accounts")
_TEAMED = 0.7  # of conversations that wait are given to a team
_WINDOW = timedelta(hours=72)  # for an answer to the survey
_COMMENTED = 0.25  # of ratings come with words
_LABELLED = 0.2
_ANSWER_SECONDS = (0.05, 0.08, 0.1, 0.15, 0.25, 0.6, 1.8)
_ANSWERS = {
    "zh": "您好，关于“{question}”：请在“我的”页面查看详情，一般 1 至 3 个工作日内处理完成。",
    "en": "About “{question}”: see the details under “My account”; it usually takes 1 to 3 working days.",
}
_REFUSALS = {
    "zh": "抱歉，我没有找到这方面的资料。要为您转接人工吗？",
    "en": "Sorry, I found nothing on that. Shall I get a person?",
}
_HANDING_OVER = {"zh": "正在为您转接人工客服，请稍候。", "en": "A colleague will be with you in a moment."}
_PERSON_SAYS = {
    "zh": ("您好，我来帮您看一下。", "已经为您处理好了，请稍后刷新查看。", "好的，还有其他可以帮您的吗？"),
    "en": ("Hello, let me look into it.", "That is done; please refresh in a moment.", "Is there anything else?"),
}


_COMMENTS = {
    "zh": ("等了很久也没解决。", "回答不太对。", "还行，就是有点慢。", "很快，谢谢。", "非常耐心，问题马上解决了！"),
    "en": (
        *("Waited for ages, still not solved.", "The answer did not fit.", "Fine, a little slow."),
        *("Quick, thank you.", "Very patient, solved at once!"),
    ),
}


@dataclass(frozen=True)
class Laid:
    """How many rows were laid down."""

    conversations: int
    messages: int
    turns: int
    contacts: int


def lay_history(
    actor: Actor,
    *,
    conversations: int,
    days: int,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Laid:
    """Add so many conversations of the last days to a workspace. Raises BadInput, NotAllowed."""
    actor.require_role(Role.OWNER)
    if not 1 <= conversations <= _MOST or not 1 <= days <= _LONGEST:
        raise BadInput(f"A history has 1 to {_MOST:,} conversations in 1 to {_LONGEST:,} days.")
    setting = _Setting(actor, seed)
    begins = setting.beginnings(conversations, days)
    rows = messages = turns = 0
    for start in range(0, len(begins), _BATCH):
        batch = _Batch()
        for at in begins[start : start + _BATCH]:
            _Life(setting, batch, at).live()
        with transaction.atomic():
            batch.store()
        rows += len(batch.conversations)
        messages, turns = messages + len(batch.messages), turns + len(batch.turns)
        if progress is not None:
            progress(rows, len(begins))
    return Laid(rows, messages, turns, setting.contacts_made)


@dataclass
class _Batch:
    """Rows to be stored together, contacts first."""

    contacts: list[Contact] = field(default_factory=list)
    conversations: list[Conversation] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    surveys: list[Survey] = field(default_factory=list)
    clocks: list[SlaClock] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)
    edits: list[KeptEdit] = field(default_factory=list)

    def store(self) -> None:
        for rows in (self.contacts, self.conversations, self.turns, self.messages, self.happenings, self.surveys):
            insert_many(rows)
        for rows in (self.clocks, self.consents, self.edits):
            insert_many(rows)


class _Setting:
    """What all conversations share: the workspace's channels and people, what is said, and chance."""

    def __init__(self, actor: Actor, seed: int) -> None:
        self.workspace_id = actor.workspace_id
        self.chance = random.Random(seed)  # noqa: S311 - a demo, not a secret
        self.end = now()
        self.people = People(self.workspace_id, seed, self.end)
        self.promise = promise_of(actor)
        accounts.change_workspace(actor, settings={"keep_copilot_edits": True})
        self._channels = self._with_channels(actor)
        self.agents = self._with_agents(actor)
        self.labels = self._with_labels(actor)
        self.teams = self._with_teams(actor)
        self._known: list[str] = []
        self.contacts_made = 0
        self._said = {language: _texts(language) for language in ("zh", "en")}
        self._outside = {language: _texts(f"outside_{language}") for language in ("zh", "en")}

    @cached_property
    def counted(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(files("kefu.demo").joinpath("history.json").read_text(encoding="utf-8"))
        return found

    def beginnings(self, number: int, days: int) -> list[datetime]:
        """When conversations begin, in order: by a shop's hours and weekdays, growing a little towards the end."""
        zone, first = ZoneInfo(_ZONE), self.end - timedelta(days=days)
        hours, weights = [], []
        for place in range(days * 24):
            at = first + timedelta(hours=place)
            local = at.astimezone(zone)
            growth = 0.75 + 0.5 * place / (days * 24)
            hours.append(at)
            weights.append(self.counted["hours"][local.hour] * self.counted["weekdays"][local.weekday()] * growth)
        chosen = self.chance.choices(hours, cum_weights=list(accumulate(weights)), k=number)
        latest = self.end - timedelta(minutes=1)
        return sorted(min(at + timedelta(seconds=self.chance.uniform(0, 3600)), latest) for at in chosen)

    def messages(self, language: str) -> int:
        """How many messages a customer writes, as counted in dialogues."""
        counted = self.counted["messages"][language]
        return int(self.chance.choices(list(counted), list(counted.values()))[0])

    def seconds(self, name: str) -> float:
        """A stretch of time as counted: between two neighbouring quantiles."""
        quantiles = self.counted[name]
        place = self.chance.randrange(len(quantiles) - 1)
        return max(1.0, self.chance.uniform(quantiles[place], quantiles[place + 1]))

    def question(self, language: str, *, outside: bool) -> tuple[str, str]:
        """What is asked, and its intent; what is outside has none."""
        text, label = self.chance.choice((self._outside if outside else self._said)[language])
        return text, "" if outside else label

    def channel(self) -> str:
        return self.chance.choices(self._channels, [7, 3, 2][: len(self._channels)])[0]

    def contact(self, batch: _Batch, language: str, at: datetime) -> str:
        if self._known and self.chance.random() < _RETURNING:
            return self.chance.choice(self._known)
        row = new(
            Contact,
            id=new_id("ct"),
            workspace_id=self.workspace_id,
            language=language,
            last_seen_at=at,
            created_at=at,
        )
        batch.contacts.append(row)
        batch.consents += self.people.met(str(row.id), at)
        self.contacts_made += 1
        self._known.append(str(row.id))
        return str(row.id)

    def _with_channels(self, actor: Actor) -> list[str]:
        there = {each.name: each.id for each in channels(actor)}
        for kind, name in (("web", "Website"), ("api", "App"), ("web", "Help centre")):
            if name not in there:
                there[name] = inbox.make_channel(actor, kind=kind, name=name).id
        return [there[name] for name in ("Website", "App", "Help centre")]

    def _with_agents(self, actor: Actor) -> list[str]:
        there = {each.email: each.id for each in members(actor)}
        found = []
        for place, name in enumerate(_AGENTS, start=1):
            email = f"agent-{place}@kefu.example"
            found.append(there.get(email) or accounts.invite(actor, email=email, role=Role.AGENT, name=name).member.id)
        return found

    def _with_labels(self, actor: Actor) -> list[str]:
        there = {each.title: each.id for each in labels(actor)}
        return [there.get(title) or inbox.add_label(actor, title=title).id for title in _LABELS]

    def _with_teams(self, actor: Actor) -> list[str]:
        there = {each.name: each.id for each in teams(actor)}
        return [there.get(name) or create_team(actor, name=name).id for name in _TEAMS]


class _Life:
    """One conversation from its beginning to its end, or to now."""

    def __init__(self, setting: _Setting, batch: _Batch, at: datetime) -> None:
        self._setting, self._batch, self._chance = setting, batch, setting.chance
        self._at = at
        self._language = "zh" if self._chance.random() < _IN_CHINESE else "en"
        self._refused_last = False
        self._question, self._unsure = "", list[Message]()
        self._row = new(
            Conversation,
            id=new_id("conv"),
            workspace_id=setting.workspace_id,
            channel_id=setting.channel(),
            contact_id=setting.contact(batch, self._language, at),
            language=self._language,
            created_at=at,
            last_activity_at=at,
        )
        batch.conversations.append(self._row)
        self._promises = Promises(self._row, setting.promise, self._happens)

    def live(self) -> None:
        """With the assistant until a person is wanted or it is answered; reopened now and then."""
        wanted = self._setting.messages(self._language)
        # Whoever is answered leaves: the dialogues that were counted go on to their task's end.
        self._with_assistant(max(1, round(wanted / 3)))
        if self._row.status == "waiting":
            self._with_person(max(1, wanted // 2))
        if self._row.status != "waiting" and not self._is_now():
            self._end()
            if self._chance.random() < _REOPENED and not self._is_now():
                self._again()
        self._promises.show(self._setting.end)
        self._batch.clocks += self._promises.clocks
        self._setting.people.judge(self._unsure, self._at, self._setting.agents, self._happens)
        idle = {"bot": inbox.IDLE_WITH_ASSISTANT, "open": inbox.IDLE_WITH_MEMBER}.get(str(self._row.status))
        self._row.due_at = self._row.last_activity_at + idle if idle is not None else None

    def _with_assistant(self, number: int) -> None:
        for _ in range(number):
            if self._is_now() or self._row.status != "bot":
                return
            self._ask()
            self._pause("pause_seconds")

    def _ask(self) -> None:
        decision = self._chance.choices(list(_DECISIONS), list(_DECISIONS.values()))[0]
        question, intent = self._setting.question(self._language, outside=decision == "refuse")
        self._question = question
        asked_at, reason = self._at, "faq_hit" if decision == "approved" else "passage_found"
        if decision == "refuse":
            reason = self._chance.choices(list(_REFUSED), list(_REFUSED.values()))[0]
        if decision == "hand_over" or self._chance.random() < _WANTS_PERSON:
            decision, reason = "hand_over", "asked_for_person"
        if decision == "refuse" and self._refused_last:
            decision, reason = "hand_over", "refused_in_a_row"
        self._refused_last = decision == "refuse"
        turn = self._turn(asked_at, decision, reason, intent)
        self._row.intent = intent[:64] or self._row.intent
        self._say("contact", str(self._row.contact_id), question, turn_id=turn.id)
        turn.last_sequence = self._row.last_sequence
        self._later(self._chance.choice(_ANSWER_SECONDS) * self._chance.uniform(0.8, 1.4))
        turn.finished_at = self._at
        if decision == "hand_over":
            self._happens("waits", "assistant")
            self._row.status, self._row.waiting_since = "waiting", self._at
            self._promises.waits(self._at)
            if self._chance.random() < _TEAMED:
                self._row.team_id = self._chance.choice(self._setting.teams)
                self._happens("teamed", "routing", team=self._row.team_id)
        text = {"refuse": _REFUSALS, "hand_over": _HANDING_OVER}.get(decision, _ANSWERS)[self._language]
        answer = {"decision": decision, "confidence": turn.confidence, "language": self._language, "citations": []}
        said = self._say("assistant", "", text.format(question=question[:60]), turn_id=turn.id, answer=answer)
        if decision in {"refuse", "hand_over"}:
            self._unsure.append(said)
        else:
            self._setting.people.thumb(said, self._happens)

    def _turn(self, at: datetime, decision: str, reason: str, intent: str) -> Turn:
        steps = [{"name": "sense", "intent": intent}] if intent else []
        row = new(
            Turn,
            id=new_id("turn"),
            workspace_id=self._setting.workspace_id,
            conversation_id=self._row.id,
            state="done",
            outcome="replied",
            due_at=at,
            attempts=1,
            last_sequence=0,
            decision=decision,
            confidence=round(
                self._chance.uniform(0.2, 0.5) if decision == "refuse" else self._chance.uniform(0.5, 1), 4
            ),
            trace={"reason": reason, "steps": steps},
            created_at=at,
        )
        self._batch.turns.append(row)
        return row

    def _with_person(self, number: int) -> None:
        self._later(self._chance.lognormvariate(4.5, 1.0))  # half are taken within a minute and a half
        if self._is_now():
            return
        member = self._chance.choice(self._setting.agents)
        self._happens("owned", member, member=member)
        self._row.status, self._row.assignee_id, self._row.waiting_since = "open", member, None
        if self._chance.random() < _LABELLED:
            given = self._chance.sample(self._setting.labels, self._chance.randint(1, 2))
            self._happens("labelled", member, labels=given)
            self._row.labels = written(given)
        says = _PERSON_SAYS[self._language]
        for place in range(number):
            self._pause("reply_seconds")
            if self._is_now():
                return
            self._reply(member, says[min(place, len(says) - 1)])
            self._pause("pause_seconds")
            if place + 1 < number and not self._is_now():
                self._question, asked_at = self._setting.question(self._language, outside=False)[0], self._at
                self._say("contact", str(self._row.contact_id), self._question)
                self._promises.asked(asked_at)

    def _reply(self, member: str, text: str) -> None:
        """A member answers, now and then by what copilot suggested."""
        people, template = self._setting.people, _ANSWERS[self._language]
        used = people.suggested(self._row, self._question, template) if self._question else None
        asked_at = self._row.last_activity_at
        self._promises.ring(self._at)
        said = self._say("member", member, used[1] if used else text)
        self._promises.replied(self._at)
        if used:
            self._batch.edits.append(people.kept(self._row, asked_at, self._question, used[0], said))

    def _end(self) -> None:
        row = self._row
        idles = self._chance.random() < _IDLE
        self._later(1800 if idles and row.status == "bot" else self._chance.uniform(20, 900))
        if self._is_now():
            return
        by = "idle" if idles and row.status == "bot" else "contact"
        if row.status == "open":
            by = f"member:{row.assignee_id}"
        self._promises.ring(self._at)
        self._happens("resolved", by)
        self._promises.resolved(self._at)
        row.status, row.resolved_at, row.resolved_by = "resolved", self._at, by
        if self._chance.random() < _SURVEYED:
            self._survey()

    def _survey(self) -> None:
        row = self._row
        survey = new(
            Survey,
            id=new_id("srv"),
            workspace_id=self._setting.workspace_id,
            conversation_id=row.id,
            channel_id=row.channel_id,
            member_id=row.assignee_id,
            state="asked",
            asked_at=self._at,
            until=self._at + _WINDOW,
            created_at=self._at,
        )
        self._batch.surveys.append(survey)
        self._happens("surveyed", survey=survey.id)
        if self._chance.random() < _RATED:
            self._later(self._chance.uniform(5, 600))
            weights = _STARS_PERSON if row.assignee_id else _STARS_ASSISTANT
            score = self._chance.choices((1, 2, 3, 4, 5), weights)[0]
            said = _COMMENTS[self._language][score - 1] if self._chance.random() < _COMMENTED else ""
            survey.state, survey.by, survey.rated_at = "rated", "stars", self._at
            survey.score, survey.comment = score, said
            self._happens("rated", "contact", score=score, survey=survey.id)

    def _again(self) -> None:
        self._later(self._chance.uniform(3600, 3 * 86400))
        if self._is_now():
            return
        self._happens("reopened", "contact")
        self._happens("assistant")
        self._row.status, self._row.assignee_id = "bot", ""
        self._row.resolved_at, self._row.resolved_by = None, ""
        self._with_assistant(1)
        if self._row.status == "waiting":
            self._with_person(1)
        if self._row.status != "waiting" and not self._is_now():
            self._end()

    def _say(self, author: str, author_id: str, text: str, **given: Any) -> Message:
        row = self._row
        row.last_sequence += 1
        row.last_activity_at = self._at
        said = new(
            Message,
            id=new_id("msg"),
            workspace_id=self._setting.workspace_id,
            conversation_id=row.id,
            sequence=row.last_sequence,
            author=author,
            author_id=author_id,
            text=text,
            created_at=self._at,
            **given,
        )
        self._batch.messages.append(said)
        return said

    def _happens(self, kind: str, by: str = "", *, at: datetime | None = None, **detail: Any) -> None:
        self._batch.happenings.append(
            new(
                Happening,
                workspace_id=self._setting.workspace_id,
                conversation_id=self._row.id,
                sequence=self._row.last_sequence,
                kind=kind,
                by=by,
                detail=detail,
                created_at=at or self._at,
            )
        )

    def _pause(self, name: str) -> None:
        self._later(self._setting.seconds(name))

    def _later(self, seconds: float) -> None:
        self._at += timedelta(seconds=seconds)

    def _is_now(self) -> bool:
        return self._at >= self._setting.end


def _texts(name: str) -> list[tuple[str, str]]:
    """Texts of the demo's intents with their labels."""
    text = files("kefu.demo").joinpath(f"intents/{name}.csv").read_text(encoding="utf-8")
    return [(row["text"], row["label"]) for row in csv.DictReader(text.splitlines())]

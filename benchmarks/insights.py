"""How long the inbox and each report take on a long history, and whether roll-ups equal a recount.

    python benchmarks/insights.py [--conversations 100000] [--days 90] [--repeat 20] [--only inbox] [--home FOLDER]

Makes the history in FOLDER (or in KEFU_DATABASE_URL's database) unless it is there. Prints a Markdown table: half and
95 % of the calls, each by another part of the history, and 95 % of what they took of a processor, without what a busy
machine gave to others.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

SLUG = "benchmark"
TREND = ("conversations_count", "automation_rate", "reply_time")
WORDS = ("refund", "invoice", "退货", "发票", "delivery time", "优惠券", "warranty", "password", "moon", "地址")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--only", default="", help="What is measured, by the beginning of its name.")
    parser.add_argument("--home", default="")
    parser.add_argument("--workspace", default=SLUG)
    parser.add_argument("--no-recount", action="store_true", help="Leave the proof out; it reads every message.")
    given = parser.parse_args()
    os.environ["KEFU_HOME"] = given.home or tempfile.mkdtemp(prefix="kefu-insights-")
    from kefu.desk.boot import boot, migrate

    boot()
    migrate()
    made = prepare(given.workspace, given.conversations, given.days)
    print(f"{made['conversations']:,} conversations, {made['messages']:,} messages, {made['figures']:,} figures,")
    print(f"{made['roll_ups']:,} roll-ups; {made['vendor']}.\n")
    print("| what | p50 ms | p95 ms | of a processor p95 ms |")
    print("| --- | --- | --- | --- |")
    for name, call in calls(given.workspace, given.days):
        if not name.startswith(given.only):
            continue
        print(row(name, call, given.repeat), flush=True)
    if not given.no_recount:
        print(f"\n{proof(given.workspace)}")


def prepare(slug: str, conversations: int, days: int) -> dict[str, Any]:
    """The history, made if it is not there, and how much of it there is."""
    from django.db import connection

    from kefu.desk.accounts.actions import workspace_made_if_new
    from kefu.desk.actor import system
    from kefu.desk.demo_history import lay_history
    from kefu.desk.inbox.models import Conversation, Message
    from kefu.desk.insights.models import ReportingEvent, RollUp
    from kefu.desk.insights.rolling import recount

    info, _ = workspace_made_if_new(slug)
    if Conversation.objects.of(info.id).count() < conversations:
        began = time.perf_counter()
        lay_history(system(info.id), conversations=conversations, days=days)
        laid = time.perf_counter() - began
        recount(info.id)
        group(info.id)
        print(f"Laid down in {laid:.0f} s, counted in {time.perf_counter() - began - laid:.0f} s.")
    models = {"conversations": Conversation, "messages": Message, "figures": ReportingEvent, "roll_ups": RollUp}
    return {"vendor": connection.vendor, **{name: model.objects.of(info.id).count() for name, model in models.items()}}


def group(workspace_id: str) -> None:
    """Put the unanswered questions into groups, as dispatch does; texts that are the same stand for near ones."""
    import hashlib

    import numpy as np

    from kefu.desk.insights.due import group_questions

    def embed(_: str, asked: Any) -> list[tuple[str, Any]]:
        seeds = (int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") for text, _ in asked)
        return [("benchmark", np.random.default_rng(seed).normal(size=64).astype(np.float32)) for seed in seeds]

    while group_questions(workspace_id, embed=embed, limit=1_000):
        pass


def calls(slug: str, days: int) -> list[tuple[str, Callable[[random.Random], Any]]]:
    """Each thing that is measured, with what calls it for a period by chance."""
    from kefu.desk.accounts.queries import members, workspace_named
    from kefu.desk.actor import Actor, system
    from kefu.desk.inbox import queries as inbox
    from kefu.desk.insights.queries import reports
    from kefu.desk.insights.queries.cells import Filters
    from kefu.desk.insights.queries.live import live
    from kefu.desk.insights.queries.period import Period
    from kefu.desk.insights.queries.unanswered import unanswered
    from kefu.desk.rows import now

    info = workspace_named(slug)
    kefu = system(info.id)
    people = [each for each in members(kefu) if each.role == "agent"]
    agent = Actor(info.id, "member", people[0].id, role=people[0].role)
    channels = [each.id for each in inbox.channels(kefu)]
    phrases = said(info.id)
    today = now().date()

    def period(chance: random.Random) -> Period:
        """Between a week and all of the history, in the shop's time zone."""
        length = chance.choice([7, 30, days])
        last = today - timedelta(days=chance.randrange(max(1, days - length + 1)))
        return Period(last - timedelta(days=length - 1), last, "Asia/Shanghai")

    def report(make: Callable[..., Any], **more: Any) -> Callable[[random.Random], Any]:
        def call(chance: random.Random) -> Any:
            channel = chance.choice([None, None, *channels])
            return make(kefu, period(chance), Filters.of(channel=channel), **more)

        return call

    def listed(**more: Any) -> Callable[[random.Random], Any]:
        return lambda chance: inbox.threads(agent, inbox.filter_of(agent, more))

    return [
        ("inbox: all, newest 50", listed()),
        ("inbox: waiting", listed(status=["waiting"])),
        ("inbox: mine, resolved", listed(status=["resolved"], assignee=agent.id)),
        ("inbox: of a channel", lambda chance: inbox.threads(agent, inbox.Filter(channel_id=chance.choice(channels)))),
        ("inbox: counts", lambda chance: inbox.counts(agent)),
        ("inbox: search, known words", lambda chance: inbox.threads(agent, search=chance.choice(WORDS))),
        ("inbox: search, words from messages", lambda chance: inbox.threads(agent, search=chance.choice(phrases))),
        ("inbox: search, words never said", lambda chance: inbox.threads(agent, search=f"q{chance.randrange(10**6)}z")),
        ("live", lambda chance: live(kefu)),
        ("overview", report(reports.overview)),
        ("trend, three metrics by day", report(reports.trend, metrics=TREND, step="day")),
        ("heat map", report(reports.heat_map)),
        ("funnel", report(reports.funnel)),
        ("intents", report(reports.intents)),
        ("breakdown by label", report(reports.breakdown, by="label")),
        ("members", report(reports.members)),
        ("assistant", report(reports.assistant)),
        ("times", report(reports.times)),
        ("csat", report(reports.csat)),
        ("cost", report(reports.cost)),
        ("unanswered", report(unanswered)),
    ]


def said(workspace_id: str) -> list[str]:
    """Two to eight characters each, from messages by chance of all of the history."""
    from kefu.desk.inbox.models import Conversation, Message

    chance = random.Random(11)
    ids = list(Conversation.objects.of(workspace_id).values_list("id", flat=True))
    few = Message.objects.across_workspaces("ids of one workspace").filter(
        conversation_id__in=chance.choices(ids, k=200)
    )
    texts = [text for text in few.order_by("id").values_list("text", flat=True) if len(text) >= 10]
    cuts = ((text, chance.randrange(len(text) - 8)) for text in texts)
    return [text[begin : begin + chance.randint(2, 8)].strip() or "refund" for text, begin in cuts]


def row(name: str, call: Callable[[random.Random], Any], repeat: int) -> str:
    chance = random.Random(7)
    took, own = [], []
    call(chance)  # the first opens the connection and reads the pages that all share
    for _ in range(repeat):
        began, began_own = time.perf_counter(), own_time()
        call(chance)
        took.append((time.perf_counter() - began) * 1000)
        own.append((own_time() - began_own) * 1000)
    return f"| {name} | {statistics.median(took):.0f} | {late(took):.0f} | {late(own):.0f} |"


def own_time() -> float:
    """Seconds of processor that this thread has used, and PostgreSQL's process for it where that is on this machine."""
    from django.db import connection

    process = getattr(getattr(connection.connection, "info", None), "backend_pid", None)
    ran = Path(f"/proc/{process}/schedstat")
    server = int(ran.read_text().split()[0]) / 1e9 if process and ran.exists() else 0.0
    return time.thread_time() + server


def late(took: list[float]) -> float:
    """What 95 % of the calls stay below."""
    return sorted(took)[min(len(took) - 1, int(0.95 * len(took)))]


def proof(slug: str) -> str:
    from kefu.desk.accounts.queries import workspace_named
    from kefu.desk.insights.rolling import recount

    found = recount(workspace_named(slug).id, repair=False)
    what = f"{found.figures:,} figures of {found.conversations:,} conversations and {found.roll_ups:,} roll-ups"
    return f"Recount: {what} are {'equal' if found.is_equal else 'NOT EQUAL'}."


if __name__ == "__main__":
    main()

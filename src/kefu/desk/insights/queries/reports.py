"""Reports: each reads roll-ups, never messages."""

from calendar import monthrange
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from kefu.desk.accounts.queries import members as members_of
from kefu.desk.accounts.team_queries import all_team_names
from kefu.desk.actor import Actor, Role, Scope, system
from kefu.desk.inbox.queries import channels as channels_of
from kefu.desk.inbox.queries import label_titles
from kefu.desk.insights.fold import ASSISTANT, PERSON
from kefu.desk.insights.measure import percentile
from kefu.desk.insights.metrics import COUNT, METRICS, Metric
from kefu.desk.insights.queries.cells import DIMENSIONS, Filters, Sums, by_hour, by_value, lengths, rated_in, totals
from kefu.desk.insights.queries.period import Period, checked_step
from kefu.desk.insights.queries.settings import rates_of
from kefu.desk.insights.queries.table import Report, column, of_metric, of_metrics, rounded
from kefu.desk.surveys.queries import ratings
from kefu.kit.errors import BadInput, NotFound

_STAGES = {
    "asked": ("Asked", "提问"),
    "answered": ("Answered by the assistant", "助手已回答"),
    "handed_over": ("Handed over", "转人工"),
    "resolved": ("Resolved", "已解决"),
    "satisfied": ("Satisfied", "满意"),
}
_DECISIONS = {
    "approved": ("Approved answer", "标准答案"),
    "extracted": ("Quoted from a page", "引用原文"),
    "generated": ("Written by a model", "模型生成"),
    "flow": ("Led by a flow", "流程引导"),
    "clarify": ("Asked back", "追问"),
    "refuse": ("Refused", "拒答"),
    "hand_over": ("Handed over", "转人工"),
}
_BREAKDOWN = (
    *("conversations_count", "turns_count", "resolutions_count", "automation_rate", "bot_handoffs_count"),
    *("refusal_rate", "unanswered_count", "avg_first_response_time", "reply_time", "avg_resolution_time", "csat_score"),
    "sla_met_rate",
)
_MEMBERS = (
    *("assignments_count", "outgoing_messages_count", "resolutions_count", "avg_first_response_time", "reply_time"),
    *("avg_resolution_time", "csat_score", "csat_average", "sla_met_rate"),
)
_ASSISTANT = (
    *("turns_count", "turn_time", "refusal_rate", "unanswered_count", "failures_count", "automation_rate"),
    *("bot_resolutions_count", "bot_handoffs_count", "refusal_precision", "handoff_correctness"),
)
# Which member and team has a conversation is known once people have it: what the assistant did before is nobody's.
_OF_PEOPLE = (
    *(
        "conversations_count",
        "outgoing_messages_count",
        "resolutions_count",
        "reopenings_count",
        "avg_first_response_time",
        "reply_time",
    ),
    *("avg_resolution_time", "csat_score", "sla_met_rate"),
)
_LATER = frozenset({"team", "member"})
_COSTS: tuple[tuple[str, str, str, str, str, str], ...] = (
    (
        *("automated", COUNT, "Without people", "无人工解决数"),
        *("Resolutions of conversations without a member's message.", "没有成员发言就解决的次数。"),
    ),
    (
        *("people", "money", "Cost of people", "人工成本"),
        "Your rate for a conversation, times the resolutions with a member's message.",
        "有成员发言的解决数 × 人工会话单价。",
    ),
    (
        *("assistant", "money", "Cost of the assistant", "助手成本"),
        "Your rate for an answer, times all answers; and your rate for a month.",
        "助手回合数 × 单次应答成本，再加每月固定成本。",
    ),
    (
        *("saving", "money", "Saving", "节省"),
        "What people would have cost for the resolutions without them, less the cost of the assistant.",
        "无人工解决数 × 人工会话单价，减去助手成本。",
    ),
    (
        *("per_conversation", "money", "Cost per conversation", "单会话成本"),
        *("Cost of people and of the assistant, by resolution.", "（人工成本 + 助手成本）÷ 解决数。"),
    ),
    (
        *("saving_per_conversation", "money", "Saving per conversation", "单会话节省"),
        *("The saving, by resolution.", "节省 ÷ 解决数。"),
    ),
)
# Comments that are shown, and those that are looked at where only some of them are wanted.
_COMMENTS, _COMMENTS_READ = 100, 1_000
_TIMES = ("avg_first_response_time", "reply_time", "avg_resolution_time", "turn_time")
# Beside the name of what figures are told apart by: where a conversation may pass from one to another.
_WHICH = {
    "label": (
        "Figures of the conversations that have the label now, from their beginning on. One with two labels counts "
        "for both.",
        "现有该标签的会话自开始以来的数据；有两个标签的会话分别计入。",
    ),
    **dict.fromkeys(
        ("team", "member"),
        (
            "Messages, replies and times count for who had the conversation at that moment; the conversation itself, "
            "and its place in the funnel, for who had it last.",
            "消息、回复和时长计入当时负责的一方；会话数和漏斗计入最后负责的一方。",
        ),
    ),
    "intent": (
        "What the assistant understood last, as far as it was sure. The conversation itself counts for the last "
        "intent of all.",
        "助手最近一次确定的意图；会话数按最后的意图统计。",
    ),
}
_PAGE = 200  # rows of a breakdown: more than a company has intents


def overview(actor: Actor, period: Period, filters: Filters) -> Report:
    """Every metric, beside the same of the period before."""
    actor.require(scope=Scope.INSIGHTS_READ, role=Role.VIEWER)
    names = needed(METRICS.values())
    sums = totals(actor.workspace_id, names, period, filters)
    before = totals(actor.workspace_id, names, period.before(), filters)
    rows = []
    for metric in METRICS.values():
        value, old = metric.value(sums), metric.value(before)
        business = metric.value(sums, in_business=True)
        row = {"metric": metric.name, "unit": metric.unit, "better": metric.better}
        rows.append({**row, "value": rounded(value), "business": rounded(business), "before": rounded(old)})
    columns = (
        column("metric", "text", "Metric", "指标"),
        column("unit", "text", "Unit", "单位"),
        column("value", "any", "Value", "数值"),
        column("business", "any", "In business hours", "工作时间内"),
        column("before", "any", "Period before", "上一时段"),
    )
    return Report("overview", period, columns, rows)


def trend(actor: Actor, period: Period, filters: Filters, *, metrics: Iterable[str], step: str = "") -> Report:
    """Metrics by step of time, empty steps included. Raises BadInput for a metric or step that there is not."""
    actor.require(scope=Scope.INSIGHTS_READ, role=Role.VIEWER)
    chosen = [metric_named(name) for name in metrics]
    step = checked_step(step, period)
    found: dict[str, dict[str, list[int]]] = {each: {} for each in period.steps(step)}
    for at, sums in by_hour(actor.workspace_id, needed(chosen), period, filters).items():
        _add(found.setdefault(period.step_of(at, step), {}), sums)
    rows = [{"at": at, **_values(chosen, _sums(cells))} for at, cells in found.items()]
    whole = totals(actor.workspace_id, needed(chosen), period, filters)
    columns = [column("at", "time", "Time", "时间")]
    for each in chosen:
        columns.append(of_metric(each))
        columns.append(_business_column(each))
    return Report("trend", period, tuple(columns), rows, _values(chosen, whole), {"step": step})


def heat_map(actor: Actor, period: Period, filters: Filters, *, metric: str = "incoming_messages_count") -> Report:
    """A metric by weekday (0 is Monday) and hour of the day, by the period's clock. Raises BadInput."""
    actor.require(scope=Scope.INSIGHTS_READ, role=Role.VIEWER)
    chosen = metric_named(metric)
    found: dict[tuple[int, int], dict[str, list[int]]] = {(day, hour): {} for day in range(7) for hour in range(24)}
    for at, sums in by_hour(actor.workspace_id, needed([chosen]), period, filters).items():
        local = at.astimezone(period.zone)
        _add(found[local.weekday(), local.hour], sums)
    rows = [
        {"weekday": day, "hour": hour, "value": rounded(chosen.value(_sums(cells)))}
        for (day, hour), cells in found.items()
    ]
    columns = (
        column("weekday", "text", "Weekday (0 is Monday)", "星期（0 为周一）"),
        column("hour", "text", "Hour", "小时"),
        replace(of_metric(chosen), key="value"),
    )
    return Report("heatmap", period, columns, rows, more={"metric": chosen.name})


def funnel(actor: Actor, period: Period, filters: Filters) -> Report:
    """Of the conversations asked in the period: how many were answered, handed over, resolved, and satisfied."""
    actor.require(scope=Scope.INSIGHTS_READ, role=Role.VIEWER)
    stages = by_value(actor.workspace_id, ["funnel"], period, filters, "detail")
    numbers = {stage: stages.get(stage, {}).get("funnel", (0, 0, 0))[1] for stage in _STAGES}
    rows = [
        {
            "stage": stage,
            "title": {"en": english, "zh": chinese},
            "conversations": numbers[stage],
            "share": rounded(numbers[stage] / numbers["asked"]) if numbers["asked"] else None,
        }
        for stage, (english, chinese) in _STAGES.items()
    ]
    columns = (
        column("stage", "text", "Stage", "阶段"),
        column(
            *("conversations", "count", "Conversations", "会话数"),
            "Conversations that were first asked in the period and have come to this stage by now; each once a stage.",
            "该时段内首次提问、至今已到达该阶段的会话；每个阶段只计一次。",
        ),
        column(
            *("share", "share", "Of those asked", "占提问会话"),
            *("Conversations of this stage, of all that were asked.", "该阶段会话占全部提问会话的比例。"),
        ),
    )
    return Report("funnel", period, columns, rows)


def breakdown(actor: Actor, period: Period, filters: Filters, *, by: str, metrics: Iterable[str] = ()) -> Report:
    """Metrics by channel, member, team, label, intent, language or who, the largest of the first metric first.

    Raises BadInput for a dimension or a metric that there is not.
    """
    actor.require(scope=Scope.INSIGHTS_READ, role=Role.VIEWER)
    if by not in DIMENSIONS or by == "detail":
        raise BadInput(f"Figures are told apart by {', '.join(set(DIMENSIONS) - {'detail'})}; not {by!r}.", field="by")
    chosen = [metric_named(name) for name in metrics or (_OF_PEOPLE if by in _LATER else _BREAKDOWN)]
    found = by_value(actor.workspace_id, needed(chosen), period, filters, by)
    found.pop("", None)
    names = _names(actor, by)
    rows = [
        {"id": value, "name": names.get(value, value), **_values(chosen, sums, business=False)}
        for value, sums in found.items()
    ]
    rows.sort(key=lambda row: (-(row[chosen[0].name] or 0), row["name"]))
    title = ("Name", "名称", *_WHICH.get(by, ()))
    columns = (column("name", "text", *title), *of_metrics(tuple(each.name for each in chosen)))
    whole = totals(actor.workspace_id, needed(chosen), period, filters)
    more = {"by": by, "left_off": max(0, len(rows) - _PAGE)}
    return Report("breakdown", period, columns, rows[:_PAGE], _values(chosen, whole, business=False), more)


def intents(actor: Actor, period: Period, filters: Filters) -> Report:
    """What customers wanted, with the share that was resolved without people."""
    names = ("turns_count", *(name for name in _BREAKDOWN if name not in {"turns_count", "conversations_count"}))
    found = breakdown(actor, period, filters, by="intent", metrics=names)
    return Report("intents", period, found.columns, found.rows, found.totals, found.more)


def members(actor: Actor, period: Period, filters: Filters) -> Report:
    """What each member did, and how quickly."""
    found = breakdown(actor, period, filters, by="member", metrics=_MEMBERS)
    narrowed = Filters({**filters.values, "who": PERSON})
    people = totals(actor.workspace_id, needed(METRICS[name] for name in _MEMBERS), period, narrowed)
    whole = _values([METRICS[name] for name in _MEMBERS], people, business=False)
    return Report("members", period, found.columns, found.rows, whole, found.more)


def assistant(actor: Actor, period: Period, filters: Filters) -> Report:
    """How the assistant answered: decisions, time, refusals and why, thumbs."""
    actor.require(scope=Scope.INSIGHTS_READ, role=Role.VIEWER)
    chosen = [METRICS[name] for name in _ASSISTANT]
    workspace_id = actor.workspace_id
    detail = by_value(workspace_id, ["turns", "refusals", "thumbs"], period, filters, "detail")
    counted = lengths(workspace_id, ["turns"], period, filters)["turns", filters.values.get("who", "")]
    number = sum(sums["turns"][0] for sums in detail.values() if "turns" in sums)
    rows = [
        {
            "decision": decision,
            "title": {"en": english, "zh": chinese},
            "turns": turns,
            "share": rounded(turns / number) if number else None,
        }
        for decision, (english, chinese) in _DECISIONS.items()
        for turns in [detail.get(decision, {}).get("turns", (0, 0, 0))[0]]
    ]
    more = {
        "turn_time_p50": _seconds(percentile(counted, 0.5)),
        "turn_time_p95": _seconds(percentile(counted, 0.95)),
        "refused_because": {reason: sums["refusals"][0] for reason, sums in detail.items() if "refusals" in sums},
        "thumbs": {way: detail.get(way, {}).get("thumbs", (0, 0, 0))[1] for way in ("up", "down")},
    }
    columns = (
        column("decision", "text", "Decision", "处理方式"),
        column("turns", "count", "Turns", "回合数"),
        column("share", "share", "Share", "占比"),
    )
    whole = totals(workspace_id, needed(chosen), period, filters)
    return Report("assistant", period, columns, rows, _values(chosen, whole), more)


def times(actor: Actor, period: Period, filters: Filters) -> Report:
    """Half and nineteen in twenty of all times are shorter than: first responses, replies, resolutions, answers."""
    actor.require(scope=Scope.INSIGHTS_READ, role=Role.VIEWER)
    chosen = [METRICS[name] for name in _TIMES]
    counted = lengths(actor.workspace_id, needed(chosen), period, filters)
    by_who = by_value(actor.workspace_id, needed(chosen), period, filters, "who")
    sums = {**by_who, "": totals(actor.workspace_id, needed(chosen), period, filters)}
    rows = [
        _times(metric, who, counted.get((metric.of, who), {}), sums.get(who, {}))
        for metric in chosen
        for who in ("", ASSISTANT, PERSON)
    ]
    columns = (
        column("metric", "text", "Metric", "指标"),
        column("who", "text", "Who", "由谁"),
        column("number", "count", "Number", "次数"),
        column("mean", "seconds", "Mean", "平均"),
        column("p50", "seconds", "Half within", "中位数", "Half of all took no longer.", "一半不超过该时间。"),
        column("p95", "seconds", "95% within", "95% 分位", "19 in 20 took no longer.", "95% 不超过该时间。"),
        column("business", "seconds", "Mean in business hours", "工作时间内平均"),
    )
    return Report("times", period, columns, rows)


def _times(metric: Metric, who: str, counted: dict[int, int], sums: Sums) -> dict[str, Any]:
    return {
        "metric": metric.name,
        "who": who,
        "number": sum(counted.values()),
        "p50": _seconds(percentile(counted, 0.5)),
        "p95": _seconds(percentile(counted, 0.95)),
        "mean": rounded(metric.value(sums)),
        "business": rounded(metric.value(sums, in_business=True)),
    }


def csat(actor: Actor, period: Period, filters: Filters) -> Report:
    """How customers rated: by stars, with the rate of answers."""
    actor.require(scope=Scope.INSIGHTS_READ, role=Role.VIEWER)
    chosen = [METRICS[name] for name in ("csat_score", "csat_average", "csat_response_rate")]
    stars = by_value(actor.workspace_id, ["csat"], period, filters, "detail")
    numbers = {str(score): stars.get(str(score), {}).get("csat", (0, 0, 0))[0] for score in range(5, 0, -1)}
    whole = sum(numbers.values())
    rows = [
        {"score": int(score), "answers": number, "share": rounded(number / whole) if whole else None}
        for score, number in numbers.items()
    ]
    sums = totals(actor.workspace_id, [*needed(chosen), "csat_sent"], period, filters)
    sent = sums.get("csat_sent", (0, 0, 0))[0]
    columns = (
        column("score", "score", "Rating", "评分"),
        column("answers", "count", "Answers", "评价数"),
        column("share", "share", "Share", "占比"),
    )
    whole_row = {**_values(chosen, sums), "answers": whole, "sent": sent}
    return Report(
        "csat", period, columns, rows, whole_row, {"comments": _comments(actor.workspace_id, period, filters)}
    )


def _comments(workspace_id: str, period: Period, filters: Filters) -> list[dict[str, Any]]:
    """What customers wrote with their ratings, the newest first."""
    kefu = system(workspace_id)
    found = ratings(kefu, start=period.start, end=period.end, commented=True, limit=_COMMENTS_READ)
    if filters.values:
        mine = rated_in(workspace_id, period, filters, [each.conversation_id for each in found])
        found = [each for each in found if each.conversation_id in mine]
    return [
        {
            "score": each.score,
            "comment": each.comment,
            "at": each.at.isoformat(),
            "conversation": each.conversation_id,
            "member": each.member_id or None,
        }
        for each in found[:_COMMENTS]
    ]


def cost(actor: Actor, period: Period, filters: Filters) -> Report:
    """What conversations cost at the company's own rates, and what the assistant saves, by month."""
    actor.require(scope=Scope.INSIGHTS_READ, role=Role.VIEWER)
    rates = rates_of(actor.workspace_id)
    names = ["resolutions", "automated_resolutions", "turns", "conversations"]
    months: dict[str, dict[str, list[int]]] = {each: {} for each in period.steps("month")}
    for at, sums in by_hour(actor.workspace_id, names, period, filters).items():
        _add(months.setdefault(period.step_of(at, "month"), {}), sums)
    days = _days_of_months(period)
    rows = [{"month": each[:7], **_costs(_sums(cells), rates, days.get(each, 0.0))} for each, cells in months.items()]
    whole = totals(actor.workspace_id, names, period, filters)
    counted = [replace(of_metric(METRICS[f"{each}_count"]), key=each) for each in ("resolutions", "turns")]
    columns = (column("month", "time", "Month", "月份"), *counted, *(column(*each) for each in _COSTS))
    return Report("cost", period, columns, rows, _costs(whole, rates, sum(days.values())), {"rates": vars(rates)})


def metric_named(name: str) -> Metric:
    """Raises BadInput with the names that there are."""
    if name not in METRICS:
        raise BadInput(f"There is no metric {name!r}; there are {', '.join(METRICS)}.", field="metric")
    return METRICS[name]


def needed(metrics: Iterable[Metric]) -> list[str]:
    """The stored metrics that figures are made of, each once."""
    return list(dict.fromkeys(name for metric in metrics for name in metric.needs))


REPORTS: dict[str, Callable[[Actor, Period, Filters], Report]] = {
    "overview": overview,
    "funnel": funnel,
    "intents": intents,
    "members": members,
    "assistant": assistant,
    "times": times,
    "csat": csat,
    "cost": cost,
}


def report_named(name: str) -> Callable[[Actor, Period, Filters], Report]:
    """A report that needs nothing but a period. Raises NotFound with the names that there are."""
    if name not in REPORTS:
        raise NotFound(f"There is no report {name!r}; there are {', '.join(REPORTS)}.", report=name)
    return REPORTS[name]


def _values(metrics: Iterable[Metric], sums: Sums, *, business: bool = True) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for metric in metrics:
        found[metric.name] = rounded(metric.value(sums))
        if business:
            found[f"{metric.name}_business"] = rounded(metric.value(sums, in_business=True))
    return found


def _business_column(metric: Metric) -> Any:
    titles = metric.title
    return column(
        f"{metric.name}_business", metric.unit, f"{titles['en']}, business hours", f"{titles['zh']}（工作时间）"
    )


def _add(place: dict[str, list[int]], sums: Sums) -> None:
    for name, added in sums.items():
        cell = place.setdefault(name, [0, 0, 0])
        for number, value in enumerate(added):
            cell[number] += value


def _sums(cells: dict[str, list[int]]) -> Sums:
    return {name: (cell[0], cell[1], cell[2]) for name, cell in cells.items()}


def _names(actor: Actor, by: str) -> dict[str, str]:
    if by == "member":
        return {each.id: each.name or each.email for each in members_of(system(actor.workspace_id))}
    if by == "channel":
        return {each.id: each.name for each in channels_of(system(actor.workspace_id))}
    if by == "label":
        return label_titles(system(actor.workspace_id))
    if by == "team":
        return all_team_names(actor.workspace_id)
    return {}


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds / 1000, 3)


def _days_of_months(period: Period) -> dict[str, float]:
    """Which share of each month lies in the period."""
    shares: dict[str, float] = {}
    for number in range(period.days):
        day = period.first + timedelta(days=number)
        month = day.replace(day=1).isoformat()
        shares[month] = shares.get(month, 0.0) + 1 / monthrange(day.year, day.month)[1]
    return shares


def _costs(sums: Sums, rates: Any, months: float) -> dict[str, Any]:
    resolutions, automated = (sums.get(name, (0, 0, 0))[0] for name in ("resolutions", "automated_resolutions"))
    turns = sums.get("turns", (0, 0, 0))[0]
    people = (resolutions - automated) * rates.person_conversation
    machine = turns * rates.assistant_turn + months * rates.month
    saving = automated * rates.person_conversation - machine
    return {
        "resolutions": resolutions,
        "automated": automated,
        "turns": turns,
        "people": round(people, 2),
        "assistant": round(machine, 2),
        "saving": round(saving, 2),
        "per_conversation": round((people + machine) / resolutions, 4) if resolutions else None,
        "saving_per_conversation": round(saving / resolutions, 4) if resolutions else None,
    }

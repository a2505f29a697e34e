"""`kefu insights`: figures on the command line."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from kefu.cli.session import json_option, print_json, ready, workspace_actor, workspace_option
from kefu.kit.errors import BadInput

if TYPE_CHECKING:
    from kefu.desk.insights.queries.table import Report

_REPORTS = {
    "overview": {"en": "Every metric, beside the period before.", "zh": "全部指标，与上一时段对比。"},
    "funnel": {"en": "Asked, answered, handed over, resolved, satisfied.", "zh": "提问、回答、转人工、解决、满意。"},
    "intents": {"en": "What customers wanted, and what went without people.", "zh": "客户意图及自动化率。"},
    "members": {"en": "What each member did, and how quickly.", "zh": "各成员的工作量与速度。"},
    "assistant": {"en": "How the assistant answered, refusals and thumbs.", "zh": "助手的回答、拒答与点赞点踩。"},
    "times": {"en": "Response, reply, resolution and answer times.", "zh": "响应、回复、解决与应答时间。"},
    "csat": {"en": "How customers rated, and what they said.", "zh": "客户评价与留言。"},
    "cost": {"en": "Cost and saving by month, at your own rates.", "zh": "按自定费率计算的成本与节省。"},
    "heatmap": {"en": "Messages by weekday and hour.", "zh": "按星期和小时的消息量。"},
    "breakdown": {"en": "Metrics --by channel, member, team, label, …", "zh": "按渠道、成员、团队、标签等细分。"},
    "unanswered": {"en": "Questions that knowledge could not answer.", "zh": "知识库未能回答的问题。"},
}
_NARROWED_BY = ("channel", "member", "team", "label", "intent", "language", "who")


def _period(command: Any) -> Any:
    """The options that say of when and of what."""
    for option in (
        click.option("--titles", type=click.Choice(["en", "zh"]), default="en", help="The language of the head."),
        click.option("--csv", "as_csv", is_flag=True, help="Print CSV."),
        click.option("--only", multiple=True, metavar="NAME=VALUE", help=f"Of these: {', '.join(_NARROWED_BY)}."),
        click.option("--time-zone", default="", help="Such as Asia/Shanghai; the company's by default."),
        click.option("--to", "last", default="", help="The last day, such as 2026-11-30; today by default."),
        click.option("--from", "first", default="", help="The first day; the last seven days by default."),
    ):
        command = option(command)
    return command


@click.group()
def insights() -> None:
    """Figures: show, report, recount."""


@insights.command()
@click.argument("metric", metavar="METRIC[,METRIC…]", required=False)
@click.option("--step", default="", help="hour, day, week or month.")
@_period
@workspace_option
@json_option
def show(metric: str | None, step: str, workspace: str, as_json: bool, **asked: Any) -> None:
    """Show metrics by time; without a METRIC, list all with their definitions."""
    if metric is None:
        _definitions(str(asked["titles"]), as_json=as_json)
        return
    ready()
    from kefu.desk.insights.queries.reports import trend

    actor = workspace_actor(workspace)
    period, filters = _asked(actor, **asked)
    _print(trend(actor, period, filters, metrics=metric.split(","), step=step), as_json=as_json, **asked)


@insights.command()
@click.argument("name", required=False)
@click.option("--by", default="", help="Of `breakdown`: channel, member, team, label, intent, language or who.")
@click.option("--metric", default="", help="Of `heatmap` one metric, of `breakdown` several with commas between.")
@_period
@workspace_option
@json_option
def report(name: str | None, by: str, metric: str, workspace: str, as_json: bool, **asked: Any) -> None:
    """Print a report; without a NAME, list all with a line each."""
    if metric and name not in {"heatmap", "breakdown"}:
        raise BadInput("--metric is of `heatmap` and `breakdown`; by time, use `kefu insights show`.", field="metric")
    if name is None:
        _reports(str(asked["titles"]), as_json=as_json)
        return
    ready()
    from kefu.desk.insights.queries import reports
    from kefu.desk.insights.queries.unanswered import unanswered

    actor = workspace_actor(workspace)
    period, filters = _asked(actor, **asked)
    if name == "heatmap":
        found = reports.heat_map(actor, period, filters, metric=metric or "incoming_messages_count")
    elif name == "breakdown":
        metrics = metric.split(",") if metric else ()
        found = reports.breakdown(actor, period, filters, by=by or "channel", metrics=metrics)
    elif name == "unanswered":
        found = unanswered(actor, period, filters)
    else:
        found = reports.report_named(name)(actor, period, filters)
    _print(found, as_json=as_json, **asked)


@insights.command()
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if something differs.")
@workspace_option
@json_option
def recount(check: bool, workspace: str, as_json: bool) -> None:
    """Count all figures again from messages, turns and happenings, and put right what differs."""
    ready()
    from kefu.desk.insights import rolling

    actor = workspace_actor(workspace)
    with counting("conversations") as progress:
        found = rolling.recount(actor.workspace_id, repair=not check, progress=progress)
    if as_json:
        print_json({**vars(found), "equal": found.is_equal})
    else:
        click.echo(f"{found.conversations:,} conversations, {found.figures:,} figures, {found.roll_ups:,} roll-ups.")
        wrong = f"{found.wrong_conversations:,} conversations and {found.wrong_roll_ups:,} roll-ups"
        said = "differ from a recount." if check else "differed, and were put right."
        click.echo("All are equal to a recount." if found.is_equal else f"{wrong} {said}")
    if check and not found.is_equal:
        sys.exit(1)


@contextmanager
def counting(unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal; what it gives is told how many of how many are done."""
    from tqdm import tqdm

    with tqdm(unit=f" {unit}", leave=False, disable=not sys.stderr.isatty()) as bar:

        def done(number: int, total: int) -> None:
            bar.total = total
            bar.update(number - bar.n)

        yield done


def _asked(actor: Any, *, first: str, last: str, time_zone: str, only: tuple[str, ...], **_: Any) -> tuple[Any, Any]:
    from kefu.desk.insights.queries.cells import Filters
    from kefu.desk.insights.queries.period import period_of

    given = dict(each.partition("=")[::2] for each in only)
    return period_of(actor, first=first, last=last, time_zone=time_zone), Filters.of(**given)


def _print(found: "Report", *, as_json: bool, as_csv: bool, titles: str, **_: Any) -> None:
    from kefu.desk.insights import schemas
    from kefu.desk.insights.queries import table

    if as_json:
        print_json(schemas.report_json(found))
        return
    if as_csv:
        click.echo(table.as_csv(found, titles), nl=False)
        return
    period = found.period
    click.echo(f"{found.name}, {period.first} to {period.last}, {period.time_zone}")
    rows = [*found.rows, *([{found.columns[0].key: "=", **found.totals}] if found.totals else [])]
    heads = [each.title[titles] for each in found.columns]
    cells = [heads, *([_cell(row.get(each.key), each.unit) for each in found.columns] for row in rows)]
    widths = [min(40, max(len(row[place]) for row in cells)) for place in range(len(heads))]
    for row in cells:
        click.echo("  ".join(cell[:40].ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _cell(value: Any, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "share" and not isinstance(value, str):
        return f"{value:.1%}"
    if isinstance(value, list):
        return " | ".join(map(str, value))
    return f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _reports(language: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"reports": [{"name": name, "about": about} for name, about in _REPORTS.items()]})
        return
    for name, about in _REPORTS.items():
        click.echo(f"{name:11} {about[language]}")


def _definitions(language: str, *, as_json: bool) -> None:
    ready()
    from kefu.desk.insights import schemas
    from kefu.desk.insights.metrics import METRICS

    if as_json:
        print_json(schemas.metrics_json())
        return
    for each in METRICS.values():
        click.echo(f"{each.name} ({each.unit}): {each.title[language]}. {each.definition[language]}")

"""Figures through the members' door, and what dispatch does for them."""

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pypdf
import pytest

from kefu.contracts.turn import Decision
from kefu.desk.accounts.models import Notification
from kefu.desk.accounts.queries import workspace_key
from kefu.desk.actor import Role
from kefu.desk.crypto import unseal
from kefu.desk.insights import due
from kefu.desk.insights.actions import next_report
from kefu.desk.insights.metrics import METRICS
from kefu.desk.insights.models import QuestionGroup, ReportSettings, UnansweredQuestion
from kefu.desk.insights.queries.live import watch_presence
from kefu.desk.insights.queries.settings import Weekly
from kefu.desk.rows import now
from kefu.kit import settings

from ..desks import desk_for, desk_of
from ..shops import Shop, made_shop
from .history import rolled
from .lives import answer, one_of_each

pytestmark = pytest.mark.django_db

REPORTS = ("overview", "funnel", "intents", "members", "assistant", "times", "csat", "cost")


@pytest.fixture
def shop() -> Shop:
    made = made_shop()
    one_of_each(made)
    rolled()
    return made


@pytest.fixture
def mail_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The settings name one; nothing is sent to it, since nobody runs dispatch."""
    monkeypatch.setenv("KEFU_SMTP_URL", "smtp://mail.example.com")
    settings.reload()
    yield
    monkeypatch.delenv("KEFU_SMTP_URL")
    settings.reload()


def embed(workspace_id: str, asked: object) -> list[tuple[str, np.ndarray]]:
    """Texts that begin with the same letter point the same way."""
    made = []
    for text, _ in asked:  # type: ignore[attr-defined]
        vector = np.zeros(64, dtype=np.float16)
        vector[ord(text[0]) % 64] = 1
        made.append(("toy", vector))
    return made


@pytest.mark.parametrize("name", REPORTS)
def test_each_report_has_its_table_and_its_csv(shop: Shop, name: str) -> None:
    desk = desk_for(shop, Role.VIEWER)
    found = desk.get(f"/insights/reports/{name}")
    assert found["report"] == name
    assert all(each["key"] in row for row in found["rows"] for each in found["columns"])
    answer_csv = desk.client.get(f"/desk/api/insights/reports/{name}?format=csv&titles=zh")
    assert answer_csv.headers["Content-Type"] == "text/csv; charset=utf-8"
    lines = answer_csv.content.decode().strip().splitlines()
    assert len(lines) == len(found["rows"]) + 1


def test_trend_heat_map_and_breakdown(shop: Shop) -> None:
    desk = desk_for(shop, Role.VIEWER)
    found = desk.get("/insights/trend?metric=conversations_count,automation_rate&step=day")
    assert sum(row["conversations_count"] for row in found["rows"]) == found["totals"]["conversations_count"] == 7
    assert len(desk.get("/insights/heatmap")["rows"]) == 168
    assert desk.get("/insights/breakdown?by=intent")["rows"][0]["id"] == "hours"
    assert desk.get(f"/insights/breakdown?by=who&channel={shop.channel_id}")["rows"]
    desk.get("/insights/breakdown?by=shoe", expect=422)
    desk.get("/insights/trend?metric=happiness", expect=422)
    desk.get("/insights/trend?metric=reply_rate&from=x", expect=422)
    desk.get("/insights/reports/weather", expect=404)
    desk.get("/insights/reports/overview?time_zone=Mars", expect=422)


def test_every_metric_is_defined_in_both_languages() -> None:
    desk = desk_for(made_shop(), Role.VIEWER)
    shown = desk.get("/insights/metrics")["metrics"]
    assert [each["name"] for each in shown] == list(METRICS)
    assert all(each[text][language] for each in shown for text in ("title", "definition") for language in ("en", "zh"))


def test_live_figures_are_of_now(shop: Shop) -> None:
    desk = desk_for(shop, Role.AGENT)
    watch_presence(lambda workspace_id: [{"id": "mem_a", "name": "Ann"}])
    try:
        found = desk.get("/insights/live")
    finally:
        watch_presence(None)
    assert found["conversations"] == {"bot": 3, "waiting": 1, "open": 1}
    assert found["unassigned"] == 1
    assert 0 <= found["longest_wait"] < 60
    assert found["online"] == [{"id": "mem_a", "name": "Ann"}]
    assert found["last"]["refusals"] == 2
    assert found["last"]["turns"] == 7
    assert found["turn_time_p95"] >= found["turn_time_p50"] >= 0
    assert 0 <= found["engine_load"] < 1
    assert sum(each["messages"] for each in found["volume"]) == found["last"]["incoming_messages"]
    assert desk.get("/insights/live")["online"] is None


def test_unanswered_questions_are_grouped_answered_and_set_aside(shop: Shop) -> None:
    thread = shop.start()
    for text in ("Which moon?", "Do you sell moon dust?", "Do you ship to Mars?"):
        shop.say(thread, text)
        answer(Decision.REFUSE, "nothing_found")
    assert due.due_questions() == [shop.workspace_id]
    assert due.group_questions(shop.workspace_id, embed=embed) == 5
    assert due.due_questions() == []
    desk = desk_for(shop, Role.SUPERVISOR)
    first, second = desk.get("/insights/unanswered")["rows"]
    assert (first["number"], second["number"]) == (4, 1)
    assert {each["text"] for each in first["examples"]} == {"Do you sell moon dust?", "Do you ship to Mars?"}
    desk.put(f"/insights/unanswered/{second['id']}", {"state": "dismissed"}, expect=204)
    assert [row["id"] for row in desk.get("/insights/unanswered?state=dismissed")["rows"]] == [second["id"]]
    made = desk.post(f"/insights/unanswered/{first['id']}/faq", {"answer": "No."}, expect=201)
    assert made["source"].startswith("src_")
    desk.post(f"/insights/unanswered/{first['id']}/faq", {"answer": "No."}, expect=409)
    assert desk.get("/insights/unanswered")["rows"] == []
    assert desk.get("/insights/unanswered?state=drafted")["rows"][0]["source"] == made["source"]
    desk.get("/insights/unanswered?state=odd", expect=422)
    desk.get("/insights/unanswered?member=x", expect=422)
    desk_for(shop, Role.AGENT).post(f"/insights/unanswered/{second['id']}/faq", {"answer": "No."}, expect=403)


def test_grouping_twice_counts_each_question_once(shop: Shop) -> None:
    due.group_questions(shop.workspace_id, embed=embed)
    assert due.group_questions(shop.workspace_id, embed=embed) == 0
    assert sum(QuestionGroup.objects.of(shop.workspace_id).values_list("size", flat=True)) == 2
    assert UnansweredQuestion.objects.of(shop.workspace_id).exclude(group_id="").count() == 2


def test_rates_are_an_admins(shop: Shop) -> None:
    admin = desk_for(shop, Role.ADMIN)
    assert admin.patch("/insights/rates", {"person_conversation": 12.5})["person_conversation"] == 12.5
    assert admin.patch("/insights/rates", {"currency": "EUR"}) == {
        "currency": "EUR",
        "person_conversation": 12.5,
        "assistant_turn": 0,
        "month": 0,
    }
    admin.patch("/insights/rates", {"currency": "euro"}, expect=422)
    admin.patch("/insights/rates", {"month": -1}, expect=422)
    desk_for(shop, Role.SUPERVISOR).patch("/insights/rates", {"month": 1}, expect=403)


@pytest.mark.usefixtures("mail_server")
def test_the_weekly_report_goes_out_once_and_then_a_week_later(shop: Shop) -> None:
    desk = desk_of(shop.owner)
    body = {"members": [shop.owner.id], "weekday": 0, "hour": 8, "time_zone": "Asia/Shanghai"}
    assert desk.put("/insights/weekly", body)["due_at"] is not None
    assert due.send_weekly() == 0
    ReportSettings.objects.of(shop.workspace_id).update(due_at=now() - timedelta(minutes=1))
    assert due.send_weekly() == 1
    assert due.send_weekly() == 0
    row = Notification.objects.of(shop.workspace_id).get(about=shop.workspace_id)
    mail = unseal(workspace_key(shop.workspace_id), row.sealed_mail, about=row.about).decode()
    assert "Conversations" in mail
    assert "application/pdf" in mail
    assert desk.put("/insights/weekly", {**body, "members": []})["due_at"] is None
    desk.put("/insights/weekly", {**body, "hour": 24}, expect=422)


@pytest.mark.usefixtures("mail_server")
def test_the_report_is_mailed_to_oneself(shop: Shop) -> None:
    assert desk_of(shop.owner).post("/insights/weekly/mail")["mails"] == 1


def test_the_hour_of_the_weekly_report_is_the_clocks() -> None:
    berlin = Weekly(("mem_a",), 0, 8, "Europe/Berlin")
    first = next_report(berlin, now().replace(year=2026, month=10, day=13))
    second = next_report(berlin, first)
    assert (first.hour, second.hour) == (8, 8)
    assert first.utcoffset() != second.utcoffset()  # summer time ends on the Sunday between


@pytest.mark.parametrize(("language", "words"), [("en", "Resolved by the assistant"), ("zh", "未能回答的问题")])
def test_the_report_is_a_pdf_in_both_languages(shop: Shop, language: str, words: str) -> None:
    due.group_questions(shop.workspace_id, embed=embed)
    today = now().date()
    client = desk_of(shop.owner).client
    found = client.get(f"/desk/api/insights/weekly.pdf?titles={language}&from={today}&to={today}&time_zone=UTC")
    assert found.headers["Content-Type"] == "application/pdf"
    pages = pypdf.PdfReader(io.BytesIO(found.content)).pages
    text = "".join(page.extract_text() for page in pages)
    assert words in text
    assert "moon dust" in text
    assert client.get("/desk/api/insights/weekly.pdf").status_code == 200


def test_the_reference_defines_every_metric_as_the_code_does() -> None:
    reference = (Path(__file__).parents[3] / "docs/reference/insights.md").read_text(encoding="utf-8")
    for metric in METRICS.values():
        row = f"| `{metric.name}` | {metric.unit} | {metric.title['en']} · {metric.title['zh']} |"
        assert f"{row} {metric.definition['en']} {metric.definition['zh']} |" in reference

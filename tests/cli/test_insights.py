"""Figures on the command line."""

import csv
import io

import pytest

from kefu.desk.insights.queries.reports import REPORTS

from .homes import Home


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("insights") / "home")
    made = home.kefu("demo", "history", "--conversations", "120", "--days", "5", "-w", "shop", "--json").json
    assert made["conversations"] == 120
    assert made["figures"] > 1_000
    return home


def test_a_metric_by_day_and_its_definition(shop: Home) -> None:
    shown = shop.kefu("insights", "show", "conversations_count", "-w", "shop", "--step", "day", "--json").json
    assert sum(row["conversations_count"] for row in shown["rows"]) == 120
    assert "Conversations" in shop.kefu("insights", "show", "conversations_count", "-w", "shop").out
    listed = shop.kefu("insights", "show", "--titles", "zh").out
    assert "automation_rate (share): 自动化率" in listed


@pytest.mark.parametrize("name", ["overview", "funnel", "members", "heatmap", "breakdown", "unanswered", "cost"])
def test_each_report_prints_a_table_json_and_csv(shop: Home, name: str) -> None:
    rows = shop.kefu("insights", "report", name, "-w", "shop", "--json").json["rows"]
    text = shop.kefu("insights", "report", name, "-w", "shop", "--csv", "--titles", "zh").out
    assert len(list(csv.reader(io.StringIO(text)))) == len(rows) + 1
    assert shop.kefu("insights", "report", name, "-w", "shop").out.startswith(f"{name}, ")


def test_a_report_of_chosen_metrics(shop: Home) -> None:
    asked = ("insights", "report", "breakdown", "--by", "who", "--metric", "turns_count,refusal_rate", "-w", "shop")
    assert {"turns_count", "refusal_rate"} == set(shop.kefu(*asked, "--json").json["rows"][0]) - {"id", "name"}
    heat = shop.kefu("insights", "report", "heatmap", "--metric", "resolutions_count", "-w", "shop", "--json").json
    assert heat["rows"]
    assert shop.refuses("insights", "report", "cost", "--metric", "turns_count", "-w", "shop")


def test_a_recount_proves_the_figures(shop: Home) -> None:
    assert shop.kefu("insights", "recount", "--check", "-w", "shop").out.endswith("All are equal to a recount.\n")


def test_what_is_wrong_is_said(shop: Home) -> None:
    for arguments in (
        ("show", "happiness"),
        ("report", "weather"),
        ("report", "overview", "--from", "yesterday"),
        ("report", "overview", "--only", "shoe=9"),
        ("report", "overview", "--time-zone", "Mars"),
        ("report", "breakdown", "--by", "shoe"),
    ):
        assert shop.refuses("insights", *arguments, "-w", "shop")


def test_without_a_name_all_reports_are_listed(shop: Home) -> None:
    listed = [line.split()[0] for line in shop.kefu("insights", "report").out.splitlines()]
    assert set(listed) == {*REPORTS, "heatmap", "breakdown", "unanswered"}


def test_satisfaction_is_listed_and_set(shop: Home) -> None:
    rated = shop.kefu("csat", "list", "-w", "shop", "--most", "3", "--json").json["ratings"]
    assert all(each["score"] <= 3 for each in rated)
    assert "★" in shop.kefu("csat", "list", "-w", "shop").out
    chosen = shop.kefu("csat", "set", "-w", "shop", "--window", "24", "--question", "en=How was it?", "--json").json
    assert (chosen["window_hours"], chosen["questions"]) == (24, {"en": "How was it?"})
    assert "How was it?" in shop.kefu("csat", "settings", "-w", "shop").out
    assert shop.refuses("csat", "set", "-w", "shop", "--window", "0")
    assert shop.refuses("csat", "set", "-w", "shop", "--question", "How was it?")


def test_webhooks_are_added_listed_tried_and_removed(shop: Home) -> None:
    made = shop.kefu("webhooks", "create", "CRM", "http://127.0.0.1:9/kefu", "-w", "shop", "--json").json
    assert made["secret"].startswith("whsec_")
    listed = shop.kefu("webhooks", "list", "-w", "shop").out
    assert "CRM" in listed
    assert made["secret"] not in listed
    assert shop.kefu("webhooks", "deliveries", "CRM", "-w", "shop", "--json").json == {"deliveries": []}
    refused = shop.kefu("webhooks", "test", "CRM", "-w", "shop")
    assert refused.code == 1
    assert "private network" in refused.out
    assert "paused" in shop.kefu("webhooks", "pause", "CRM", "-w", "shop").out
    shop.kefu("webhooks", "remove", made["id"], "-w", "shop")
    assert shop.refuses("webhooks", "resend", "CRM", "-w", "shop")
    assert shop.refuses("webhooks", "create", "CRM", "ftp://crm.example", "-w", "shop")

"""Figures on the command line."""

import csv
import io

import pytest

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

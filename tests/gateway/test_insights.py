"""Figures for programs: by key, with the scope, as JSON and CSV."""

import httpx
import pytest

from kefu.desk.accounts.actions import create_key
from kefu.desk.actor import system
from kefu.desk.insights.queries.reports import REPORTS

from .conftest import Shop


@pytest.fixture
def reader(shop: Shop, address: str) -> httpx.Client:
    made = create_key(system(shop.workspace_id), name="figures", scopes=("insights:read",))
    return httpx.Client(base_url=address, headers={"Authorization": f"Bearer {made.secret}"}, timeout=60, verify=False)


def test_a_program_reads_every_report_live_figures_and_definitions(shop: Shop, reader: httpx.Client) -> None:
    shop.say(shop.start(), "What are your opening hours?")
    for name in REPORTS:
        found = reader.get(f"/v1/insights/reports/{name}")
        assert found.status_code == 200, found.text
        assert found.json()["report"] == name
    assert reader.get("/v1/insights/live").json()["conversations"]["bot"] == 1
    assert {each["name"] for each in reader.get("/v1/insights/metrics").json()["metrics"]} >= {"csat_score"}
    assert reader.get("/v1/insights/heatmap").json()["rows"]
    assert reader.get("/v1/insights/unanswered").json()["report"] == "unanswered"
    trend = reader.get("/v1/insights/trend", params={"metric": "conversations_count", "step": "day"}).json()
    assert len(trend["rows"]) == 7
    by_channel = reader.get("/v1/insights/breakdown", params={"by": "channel", "time_zone": "Asia/Shanghai"}).json()
    assert by_channel["period"]["time_zone"] == "Asia/Shanghai"


def test_csv_has_a_head_in_the_language_asked_for(reader: httpx.Client) -> None:
    answer = reader.get("/v1/insights/reports/csat", params={"format": "csv", "titles": "zh"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.splitlines()[0] == "\ufeff评分,评价数,占比"


def test_other_keys_and_visitors_read_no_figures(shop: Shop, visitor: httpx.Client, address: str) -> None:
    made = create_key(system(shop.workspace_id), name="talks", scopes=("conversations",))
    with httpx.Client(
        base_url=address, headers={"Authorization": f"Bearer {made.secret}"}, timeout=60, verify=False
    ) as talker:
        refused = talker.get("/v1/insights/reports/overview")
        assert (refused.status_code, refused.json()["scope"]) == (403, "insights:read")
        assert talker.get("/v1/insights/live").status_code == 403
        assert talker.get("/v1/insights/metrics").status_code == 403
    assert visitor.get("/v1/insights/reports/overview").status_code == 403


def test_bad_questions_name_what_is_wrong(reader: httpx.Client) -> None:
    assert reader.get("/v1/insights/reports/nothing").status_code == 404
    assert reader.get("/v1/insights/reports/csat", params={"from": "yesterday"}).json()["field"] == "from"
    assert reader.get("/v1/insights/trend", params={"metric": "nothing"}).json()["field"] == "metric"
